// Amazon Resource Names: arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace traccia::aws {

struct Arn {
  std::string partition;  // "aws", "aws-us-gov"
  std::string service;
  std::string region;    // empty for global resources
  std::string account;   // 12 digits, "aws" for AWS's own, or empty
  std::string resource;  // not empty; may hold colons and slashes

  bool operator==(const Arn&) const = default;
};

inline constexpr size_t kArnBytesMax = 2048;

// Strict: six parts, lower-case words, an account of 12 digits (or "aws", or nothing), printable
// characters without space in the resource. InvalidArgument says which part is wrong.
Result<Arn> parse_arn(std::string_view text);
std::string format_arn(const Arn& arn);

}  // namespace traccia::aws
