// Parsing and formatting of ARNs.
// SPDX-License-Identifier: Apache-2.0
#include "aws/arn.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace traccia::aws {
namespace {

bool is_word(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

bool is_account(std::string_view text) {
  return text.empty() || text == "aws" ||
         (text.size() == 12 &&
          std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }));
}

bool is_partition(std::string_view text) {
  return text == "aws" || (text.starts_with("aws-") && text.size() > 4 && is_word(text));
}

auto bad(std::string_view part) {
  return fail(ErrorCode::InvalidArgument, fmt::format("arn has a malformed {}", part));
}

}  // namespace

Result<Arn> parse_arn(std::string_view text) {
  if (text.size() > kArnBytesMax) {
    return fail(ErrorCode::InvalidArgument, fmt::format("arn exceeds {} bytes", kArnBytesMax));
  }
  if (!text.starts_with("arn:")) {
    return fail(ErrorCode::InvalidArgument, "arn does not start with 'arn:'");
  }
  text.remove_prefix(4);
  std::array<std::string_view, 4> parts;
  for (auto& part : parts) {
    const size_t colon = text.find(':');
    if (colon == std::string_view::npos) {
      return fail(ErrorCode::InvalidArgument, "arn has fewer than six parts");
    }
    part = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  if (!is_partition(parts[0])) return bad("partition");
  if (parts[1].empty() || !is_word(parts[1])) return bad("service");
  if (!is_word(parts[2])) return bad("region");
  if (!is_account(parts[3])) return bad("account");
  if (text.empty() || std::any_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) <= ' ' || c == 127;
      })) {
    return bad("resource");
  }
  return Arn{std::string(parts[0]), std::string(parts[1]), std::string(parts[2]),
             std::string(parts[3]), std::string(text)};
}

std::string format_arn(const Arn& arn) {
  return fmt::format("arn:{}:{}:{}:{}:{}", arn.partition, arn.service, arn.region, arn.account,
                     arn.resource);
}

}  // namespace traccia::aws
