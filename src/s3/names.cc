// Bucket naming rules. Source: S3 user guide, "General purpose bucket naming rules".
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "s3/s3.h"

namespace traccia::s3 {
namespace {

std::unexpected<Error> refuse(std::string_view name, std::string_view rule) {
  return fail(ErrorCode::InvalidArgument, "InvalidBucketName",
              fmt::format("bucket name '{}' {}", name.substr(0, 80), rule));
}

bool letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool shaped_like_ipv4(std::string_view name) {
  return std::ranges::count(name, '.') == 3 && name.find_first_not_of("0123456789.") == name.npos;
}

}  // namespace

Result<> check_bucket_name(std::string_view name) {
  constexpr std::string_view kPrefixes[] = {"xn--", "sthree-", "amzn-s3-demo-"};
  constexpr std::string_view kSuffixes[] = {"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"};
  // Paths of this server's own pages.
  constexpr std::string_view kReserved[] = {"healthz", "metrics", "console", "v1"};
  if (name.size() < 3 || name.size() > 63) return refuse(name, "must have 3 to 63 characters");
  for (const char c : name) {
    if (!letter_or_digit(c) && c != '.' && c != '-') {
      return refuse(name, "may hold lower-case letters, digits, dots and hyphens only");
    }
  }
  if (!letter_or_digit(name.front()) || !letter_or_digit(name.back())) {
    return refuse(name, "must begin and end with a letter or digit");
  }
  if (name.find("..") != name.npos) return refuse(name, "must not hold two dots in a row");
  if (shaped_like_ipv4(name)) return refuse(name, "must not look like an IP address");
  for (const auto prefix : kPrefixes) {
    if (name.starts_with(prefix)) return refuse(name, "begins with a reserved prefix");
  }
  for (const auto suffix : kSuffixes) {
    if (name.ends_with(suffix)) return refuse(name, "ends with a reserved suffix");
  }
  if (std::ranges::find(kReserved, name) != std::end(kReserved)) {
    return refuse(name, "is reserved by this server");
  }
  return {};
}

}  // namespace traccia::s3
