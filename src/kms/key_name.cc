// Reads the names of keys.
// SPDX-License-Identifier: Apache-2.0
#include "kms/key_name.h"

#include <fmt/format.h>

#include "aws/arn.h"

namespace traccia::kms {
namespace {

constexpr std::string_view kAliasPrefix = "alias/";
constexpr std::string_view kKeyPrefix = "key/";
constexpr std::string_view kMultiRegionPrefix = "mrk-";

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == text.npos;
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash != (text[i] == '-') || (!dash && !is_hex(text.substr(i, 1)))) return false;
  }
  return true;
}

std::unexpected<Error> no_key_id(std::string_view text) {
  return fail(ErrorCode::NotFound, "NotFound", fmt::format("Invalid keyId '{}'", text));
}

Result<KeyName> parse_arn_name(std::string_view text, const Place& own, AliasesAre aliases) {
  const auto arn = aws::parse_arn(text);
  if (!arn || arn->service != "kms" || arn->account.size() != 12) {
    return fail(ErrorCode::InvalidArgument, "InvalidArn", fmt::format("Invalid arn {}", text));
  }
  if (arn->region != own.region) {
    return fail(ErrorCode::NotFound, "NotFound", fmt::format("Invalid arn {}", arn->region));
  }
  if (arn->resource.starts_with(kAliasPrefix)) {
    if (aliases == AliasesAre::Refused) return no_key_id(text);
    return KeyName{NameKind::Alias, std::string(text), arn->account};
  }
  if (!arn->resource.starts_with(kKeyPrefix) ||
      !is_key_id(std::string_view(arn->resource).substr(kKeyPrefix.size()))) {
    return no_key_id(text);
  }
  return KeyName{NameKind::Key, std::string(text), arn->account};
}

}  // namespace

bool is_key_id(std::string_view text) {
  if (!text.starts_with(kMultiRegionPrefix)) return is_uuid(text);
  return text.size() == 36 && is_hex(text.substr(kMultiRegionPrefix.size()));
}

Result<KeyName> parse_key_name(std::string_view text, const Place& own, AliasesAre aliases) {
  if (text.starts_with("arn:")) return parse_arn_name(text, own, aliases);
  if (text.starts_with(kAliasPrefix) && aliases == AliasesAre::Allowed) {
    return KeyName{NameKind::Alias, alias_arn(own, text), own.account};
  }
  if (!is_key_id(text)) return no_key_id(text);
  return KeyName{NameKind::Key, key_arn(own, text), own.account};
}

std::unexpected<Error> not_found(const KeyName& name) {
  return fail(ErrorCode::NotFound, "NotFound",
              name.kind == NameKind::Alias ? fmt::format("Alias {} is not found.", name.arn)
                                           : fmt::format("Key '{}' does not exist", name.arn));
}

}  // namespace traccia::kms
