// What CreateKey and PutKeyPolicy do alike with a key policy.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/kms_call.h"

namespace traccia::api::kms_service {

inline constexpr std::string_view kBypassKey = "kms:BypassPolicyLockoutSafetyCheck";

// Unless the request says not to: MalformedPolicyDocument when the key's policy would let neither
// the caller nor the account's root user put another ("Key policy lockout safety check").
Result<> check_lockout(Call& call, const kms::Key& key);

}  // namespace traccia::api::kms_service
