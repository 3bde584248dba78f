// Names of delivered log files.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"

namespace traccia::delivery {

// What a chain of files belongs to: one incarnation of a trail, one account, one region.
struct ChainId {
  std::string trail_arn;
  Time created;  // of the trail
  std::string account;
  std::string region;

  auto operator<=>(const ChainId&) const = default;
};

// 16 of [A-Za-z0-9], fixed by the chain and the log places of the file's first and last event.
std::string unique_part(const ChainId& chain, uint64_t first_sequence, uint64_t last_sequence);

// [prefix/]AWSLogs/ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/
//   ACCOUNT_CloudTrail_REGION_MINUTE_UNIQUE.json.gz
std::string log_file_key(std::string_view prefix, const ChainId& chain, Time minute,
                         std::string_view unique);

}  // namespace traccia::delivery
