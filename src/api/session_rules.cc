// The table of what sessions may call.
// SPDX-License-Identifier: Apache-2.0
#include "api/session_rules.h"

#include <fmt/format.h>

namespace traccia::api {
namespace {

using identity::SessionKind;

bool may_call_iam(const identity::Session& session) {
  switch (session.kind) {
    case SessionKind::Role:
      return true;
    case SessionKind::User:
      return session.mfa.has_value();
    case SessionKind::Federated:
      return false;
  }
  return false;
}

bool may_call_sts(const identity::Session& session, std::string_view operation) {
  if (operation == "GetCallerIdentity") return true;
  switch (session.kind) {
    case SessionKind::Role:
      return operation != "GetSessionToken" && operation != "GetFederationToken";
    case SessionKind::User:
      return operation == "AssumeRole";
    case SessionKind::Federated:
      return false;
  }
  return false;
}

}  // namespace

Result<> check_session_rules(const identity::Principal& principal,
                             const aws::Operation& operation) {
  if (!principal.session) return {};
  const auto& session = principal.session->session;
  if (operation.service == "iam" && !may_call_iam(session)) {
    return fail(ErrorCode::PermissionDenied, "UnknownSessionToken",
                "IAM takes no such temporary credentials");
  }
  if (operation.service == "sts" && !may_call_sts(session, operation.name)) {
    return fail(ErrorCode::PermissionDenied, "AccessDenied",
                fmt::format("Cannot call {} with session credentials", operation.name));
  }
  return {};
}

}  // namespace traccia::api
