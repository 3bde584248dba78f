// The names under which requests know keys.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "kms/key.h"

namespace traccia::kms {

// 36 characters: a UUID, or "mrk-" and 32 hexadecimal digits of a multi-Region key.
bool is_key_id(std::string_view text);

enum class NameKind : uint8_t { Key, Alias };

// An ID, a key ARN, "alias/NAME" or an alias ARN, made whole ("KeyId").
struct KeyName {
  NameKind kind = NameKind::Key;
  std::string arn = {};      // of the key or the alias, whether or not there is one
  std::string account = {};  // of the ARN
};

enum class AliasesAre : uint8_t { Allowed, Refused };

// `own` is where the request is made. Reasons: InvalidArn for what is no ARN of KMS; NotFound for
// another region's, and for what has no form of a name; messages are KMS's.
Result<KeyName> parse_key_name(std::string_view text, const Place& own, AliasesAre aliases);

// Reason NotFound, as KMS says it.
std::unexpected<Error> not_found(const KeyName& name);

}  // namespace traccia::kms
