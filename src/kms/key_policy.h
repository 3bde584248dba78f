// Key policies: who may do what with a key.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "meta/database.h"
#include "policy/document.h"

namespace traccia::kms {

inline constexpr std::string_view kPolicyName = "default";  // a key has this one only
inline constexpr size_t kPolicyBytesMax = 32'768;           // "AWS KMS resource quotas"

// What a key gets that is made without a policy: the account's own policies decide ("Default key
// policy").
std::string default_policy(std::string_view account);

// Reasons: MalformedPolicyDocument, LimitExceeded (larger than kPolicyBytesMax).
Result<policy::Document> parse_key_policy(std::string_view text);

// The policy as it is stored: users and roles by unique id, so that who comes later under the same
// name is not meant. Reasons as above; MalformedPolicyDocument when it names whom there is not.
Result<std::string> bind_policy(meta::Transaction& transaction, std::string_view text);
// The stored policy as it is shown: ARNs of users and roles that exist.
Result<std::string> show_policy(meta::Transaction& transaction, std::string_view stored);

}  // namespace traccia::kms
