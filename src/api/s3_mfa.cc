// S3: the MFA device that MFA delete asks for ("Configuring MFA delete").
// SPDX-License-Identifier: Apache-2.0
#include "api/s3_call.h"

namespace traccia::api {
namespace {

std::unexpected<Error> denied(std::string message) {
  return fail(ErrorCode::PermissionDenied, "AccessDenied", std::move(message));
}

}  // namespace

bool s3_gives_mfa(const S3Call& call) {
  return call.request().headers.find("x-amz-mfa").has_value();
}

Result<> s3_prove_mfa(S3Call& call, meta::Transaction& transaction) {
  const auto given = call.request().headers.find("x-amz-mfa");
  if (!given) return denied("Mfa Authentication must be used for this request");
  const auto& principal = call.caller().principal;
  const auto& owner = call.found_bucket().owner_account;
  if (principal.type != identity::PrincipalType::Root || principal.account_id != owner) {
    return denied("This operation may only be performed by the bucket owner");
  }
  const std::string_view value = *given;
  const auto space = value.find(' ');
  if (space == value.npos || space == 0 || space + 1 == value.size()) {
    return s3_error("InvalidArgument",
                    "x-amz-mfa takes the device's serial number, a space, and a code");
  }
  TRY_ASSIGN(const auto verdict,
             call.services().identity.mfa().check(transaction, principal.principal_id,
                                                  value.substr(0, space), value.substr(space + 1)));
  switch (verdict) {
    case identity::MfaCheck::Good:
      return {};
    case identity::MfaCheck::WrongCode:
    case identity::MfaCheck::Locked:
      return denied("MultiFactorAuthentication failed with invalid MFA one time pass code.");
    case identity::MfaCheck::NotOfUser:
      break;
  }
  return denied(
      "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA "
      "serial number is valid and associated with this user.");
}

}  // namespace traccia::api
