// Requests and answers of STS.
// SPDX-License-Identifier: Apache-2.0
#include "api/sts_call.h"

#include <fmt/format.h>

#include <set>

#include "api/iam_call.h"
#include "policy/document.h"
#include "policy/request.h"

namespace traccia::api::sts {
namespace {

std::unexpected<Error> too_large(std::string message) {
  return fail(ErrorCode::InvalidArgument, "PackedPolicyTooLarge", std::move(message));
}

Result<> check_policy(std::string_view document) {
  const auto characters = policy::count_characters(document, policy::Limits::WhiteSpace::Counted);
  if (characters > identity::kSessionPolicyCharactersMax) {
    return too_large(
        fmt::format("Packed policy consumes {}% of allotted space, please use smaller policy.",
                    characters * 100 / identity::kSessionPolicyCharactersMax));
  }
  TRY(policy::parse(document, {.kind = policy::Kind::Session}));
  return {};
}

}  // namespace

std::unexpected<Error> denied(std::string message) {
  return fail(ErrorCode::PermissionDenied, "AccessDenied", std::move(message));
}

std::unexpected<Error> invalid(std::string message) {
  return fail(ErrorCode::InvalidArgument, "ValidationException", std::move(message));
}

Result<> read_session_policies(Call& call, identity::Session& session) {
  if (auto policy = optional_string(call.input, "Policy")) {
    TRY(check_policy(*policy));
    session.policy = std::move(*policy);
  }
  const auto* list = json::find(call.input, "PolicyArns");
  if (list == nullptr || !list->is_array()) return {};
  for (const auto& item : list->get_array()) {
    auto arn = get_string(item.as_object(), "arn");
    if (!identity::check_policy_arn(arn)) return invalid(fmt::format("ARN {} is not valid.", arn));
    TRY_ASSIGN(const auto found, call.services.identity.attachments().find_compiled(
                                     call.transaction, {session.account_id, arn}));
    if (!found) return invalid(fmt::format("Policy {} was not found.", arn));
    session.policy_arns.push_back(std::move(arn));
  }
  return {};
}

Result<> check_packed(const identity::Session& session) {
  const auto percent = identity::packed_percent(session);
  if (percent <= 100) return {};
  if (!session.limited() || (session.policy.empty() && session.policy_arns.empty())) {
    return too_large(
        fmt::format("Packed size of session tags consumes {}% of allotted space.", percent));
  }
  return too_large(fmt::format(
      "Packed policy consumes {}% of allotted space, please use smaller policy.", percent));
}

Result<std::vector<identity::Tag>> read_session_tags(const json::Object& input) {
  TRY_ASSIGN(auto tags, iam::read_tags(input));
  std::set<std::string> keys;
  for (const auto& tag : tags) {
    auto lower = policy::to_lower(tag.key);
    if (lower.starts_with("aws:")) {
      return invalid("System tags cannot be added/updated by requester");
    }
    if (!keys.insert(std::move(lower)).second) {
      return invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.");
    }
  }
  return tags;
}

Result<std::optional<Time>> prove_mfa(Call& call) {
  const auto serial = optional_string(call.input, "SerialNumber");
  const auto code = optional_string(call.input, "TokenCode");
  if (!serial && !code) return std::nullopt;
  if (!serial || !code) {
    return denied(
        "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass "
        "code.");
  }
  const auto& principal = call.caller.principal;
  auto& identity = call.services.identity;
  const bool user = principal.type == identity::PrincipalType::IamUser ||
                    principal.type == identity::PrincipalType::Root;
  TRY_ASSIGN(const auto verdict,
             identity.mfa().check(call.transaction, user ? principal.principal_id : std::string(),
                                  *serial, *code));
  switch (verdict) {
    case identity::MfaCheck::Good:
      return floor_seconds(identity.sessions().now());
    case identity::MfaCheck::WrongCode:
    case identity::MfaCheck::Locked:
      return denied("MultiFactorAuthentication failed with invalid MFA one time pass code. ");
    case identity::MfaCheck::NotOfUser:
      break;
  }
  return denied(
      "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA "
      "serial number is valid and associated with this user.");
}

json::Object issue(Call& call, const identity::Session& session) {
  const auto token_bytes_min = optional_integer(call.input, "MinimumSessionTokenSize").value_or(0);
  const auto key =
      call.services.identity.sessions().issue(session, static_cast<size_t>(token_bytes_min));
  json::Object out{
      {"Credentials", json::Object{{"AccessKeyId", key.id},
                                   {"SecretAccessKey", key.secret},
                                   {"SessionToken", key.token},
                                   {"Expiration", aws::encode_timestamp(session.expires)}}}};
  const auto percent = identity::packed_percent(session);
  if (percent > 0) out["PackedPolicySize"] = percent;
  out["SessionTokenSize"] = static_cast<int64_t>(key.token.size());
  out["SessionTokenUtilization"] =
      static_cast<int64_t>((key.token.size() * 100 - 1) / identity::kTokenBytesMax + 1);
  return out;
}

}  // namespace traccia::api::sts
