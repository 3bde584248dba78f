// Grants in requests, as their operations and the authorisation read them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "api/kms_call.h"
#include "kms/grants.h"

namespace traccia::api::kms_service {

inline constexpr std::string_view kSubset = "EncryptionContextSubset";
inline constexpr std::string_view kEquals = "EncryptionContextEquals";

// What CreateGrant asks for, without its principals. Reason ValidationException.
Result<kms::Grant> read_grant(const json::Object& input);

// Which grant RetireGrant means; empty texts where it says none.
struct RetiredGrant {
  std::string key = {};
  std::string id = {};
};
RetiredGrant read_retired(const json::Object& input);

}  // namespace traccia::api::kms_service
