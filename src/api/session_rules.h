// What temporary credentials may not do, whatever policies say.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aws/operation.h"
#include "base/error.h"
#include "identity/principal.h"

namespace traccia::api {

// "Compare AWS STS credentials" of the IAM user guide:
//
//   session of                 IAM                 STS
//   AssumeRole…                all                 all but GetSessionToken, GetFederationToken
//   GetSessionToken            with MFA only       AssumeRole, GetCallerIdentity
//   GetFederationToken         nothing             GetCallerIdentity
//
// Reasons: AccessDenied; UnknownSessionToken, which is IAM's answer.
Result<> check_session_rules(const identity::Principal& principal, const aws::Operation& operation);

}  // namespace traccia::api
