// STS AssumeRole.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "api/sts_role.h"
#include "policy/request.h"

namespace traccia::api::sts {
namespace {

constexpr Shape kExternalId =
    aws::string_shape(2, 1224, {"[\\w+=,.@:\\/-]*", [](std::string_view text) {
                                  return aws::only_characters(text, "a-zA-Z0-9_+=,.@:/-");
                                }});
constexpr Member kInput[] = {{"RoleArn", &kArn, Presence::Required},
                             {"RoleSessionName", &kSessionName, Presence::Required},
                             {"PolicyArns", &kPolicyArns},
                             {"Policy", &kSessionPolicy},
                             {"DurationSeconds", &kRoleDuration},
                             {"Tags", &iam::kTags},
                             {"TransitiveTagKeys", &iam::kTagKeys},
                             {"ExternalId", &kExternalId},
                             {"SerialNumber", &kSerialNumber},
                             {"TokenCode", &kTokenCode, Presence::Optional, Sensitivity::Secret},
                             {"SourceIdentity", &kSourceIdentity},
                             {"MinimumSessionTokenSize", &kTokenSizeMin}};
constexpr Shape kRequest = aws::structure_shape(kInput);
constexpr Member kOutput[] = {
    {"Credentials", &kCredentials},  {"AssumedRoleUser", &kAssumedRoleUser},
    {"PackedPolicySize", &kInteger}, {"SessionTokenUtilization", &kInteger},
    {"SessionTokenSize", &kInteger}, {"SourceIdentity", &kSourceIdentity}};
constexpr Shape kAnswer = aws::structure_shape(kOutput);
constexpr std::string_view kErrors[] = {"MalformedPolicyDocumentException",
                                        "PackedPolicyTooLargeException", "ExpiredTokenException"};
constexpr auto kAssumeRole = [] {
  auto out = operation("sts:AssumeRole", kRequest, kAnswer, kErrors);
  out.read_only = out.issues_credentials = true;
  return out;
}();

// The request's tags, and those that the caller's session hands on ("Chaining roles with session
// tags").
Result<> add_tags(Call& call, identity::Session& session) {
  TRY(read_tags(call.input, session));
  const auto& live = call.caller.principal.session;
  if (!live) return {};
  for (const auto& key : live->session.transitive_tag_keys) {
    if (has_key(session.tags, key)) {
      return invalid(
          "One of the specified transitive tag keys can't be set because it conflicts with a "
          "transitive tag key from the calling session.");
    }
    for (const auto& tag : live->session.tags) {
      if (policy::to_lower(tag.key) == policy::to_lower(key)) session.tags.push_back(tag);
    }
    session.transitive_tag_keys.push_back(key);
  }
  return {};
}

Result<> add_source_identity(Call& call, const std::string& role_arn, identity::Session& session) {
  session.source_identity = get_string(call.input, "SourceIdentity");
  const auto& live = call.caller.principal.session;
  if (!live || live->session.source_identity.empty()) return {};
  const auto& inherited = live->session.source_identity;
  if (!session.source_identity.empty() && session.source_identity != inherited) {
    return denied(
        fmt::format("User: {} is not authorized to perform: sts:SetSourceIdentity on resource: {}",
                    call.caller.principal.arn, role_arn));
  }
  session.source_identity = inherited;
  return {};
}

Result<> authorise(Call& call, const identity::Entity& role, const identity::Session& session) {
  TRY_ASSIGN(auto keys, session_keys(call, role, session));
  if (const auto id = optional_string(call.input, "ExternalId")) keys.add("sts:ExternalId", *id);
  return authorise_on_role(call, role, session_actions("sts:AssumeRole", session), keys, session);
}

Result<json::Object> assume_role(Call& call) {
  const auto arn = get_string(call.input, "RoleArn");
  if (call.caller.principal.type == identity::PrincipalType::Root) {
    return denied("Roles may not be assumed by root accounts.");
  }
  TRY_ASSIGN(const auto role, find_role(call, arn));
  identity::Session session{.kind = identity::SessionKind::Role,
                            .account_id = role.account_id,
                            .issuer_id = role.id,
                            .name = get_string(call.input, "RoleSessionName")};
  TRY_ASSIGN(session.mfa, prove_mfa(call));
  TRY(add_tags(call, session));
  TRY(add_source_identity(call, arn, session));
  TRY(authorise(call, role, session));
  TRY(limit_session(call, role, session));
  auto out = issue_for_role(call, role, session);
  if (!session.source_identity.empty()) out["SourceIdentity"] = session.source_identity;
  return out;
}

}  // namespace

std::span<const Binding> assume_role_bindings() {
  static const std::array bindings{
      Binding{.operation = &kAssumeRole, .run = assume_role, .authorised = Authorised::InRun}};
  return bindings;
}

}  // namespace traccia::api::sts
