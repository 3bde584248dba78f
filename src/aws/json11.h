// The JSON 1.1 protocol's dispatch: POST / with X-Amz-Target.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

#include "base/error.h"

namespace traccia::aws {

inline constexpr std::string_view kJson11ContentType = "application/x-amz-json-1.1";
inline constexpr std::string_view kJson10ContentType = "application/x-amz-json-1.0";

// Views into the header's value.
struct Target {
  std::string_view prefix;     // "CloudTrail_20131101"; may hold dots
  std::string_view operation;  // "CreateTrail"
};

// Splits X-Amz-Target at its last dot and requires the left side to be one of `prefixes`.
// Reason UnknownOperationException.
Result<Target> parse_target(std::string_view text, std::span<const std::string_view> prefixes);

}  // namespace traccia::aws
