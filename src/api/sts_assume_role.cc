// STS AssumeRole.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
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

std::vector<std::string> read_transitive(const json::Object& input) {
  std::vector<std::string> keys;
  const auto* list = json::find(input, "TransitiveTagKeys");
  if (list == nullptr || !list->is_array()) return keys;
  for (const auto& key : list->get_array()) keys.emplace_back(key.as_string());
  return keys;
}

bool has_key(const std::vector<identity::Tag>& tags, std::string_view key) {
  return std::ranges::any_of(
      tags, [&](const auto& tag) { return policy::to_lower(tag.key) == policy::to_lower(key); });
}

// The request's tags, and those that the caller's session hands on ("Chaining roles with session
// tags").
Result<> add_tags(Call& call, identity::Session& session) {
  TRY_ASSIGN(session.tags, read_session_tags(call.input));
  session.transitive_tag_keys = read_transitive(call.input);
  for (const auto& key : session.transitive_tag_keys) {
    if (has_key(session.tags, key)) continue;
    return invalid("The specified transitive tag key must be included in the requested tags.");
  }
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

Result<Keys> request_keys(Call& call, const identity::Entity& role,
                          const identity::Session& session) {
  Keys keys;
  keys.add("sts:RoleSessionName", session.name);
  if (const auto id = optional_string(call.input, "ExternalId")) keys.add("sts:ExternalId", *id);
  if (!session.source_identity.empty()) keys.add("sts:SourceIdentity", session.source_identity);
  for (const auto& tag : session.tags) {
    keys.add(fmt::format("aws:RequestTag/{}", tag.key), tag.value);
  }
  for (const auto& tag : session.tags) keys.add("aws:TagKeys", tag.key);
  for (const auto& key : session.transitive_tag_keys) keys.add("sts:TransitiveTagKeys", key);
  TRY(add_role_tags(call, role, keys));
  return keys;
}

// Besides the role itself: what a session carries needs a permission of its own ("Passing session
// tags in AWS STS", "Monitor and control actions taken with assumed roles").
Result<> authorise(Call& call, const identity::Entity& role, const identity::Session& session) {
  TRY_ASSIGN(const auto keys, request_keys(call, role, session));
  std::vector<std::string_view> actions{"sts:AssumeRole"};
  if (!session.tags.empty()) actions.emplace_back("sts:TagSession");
  if (!session.source_identity.empty()) actions.emplace_back("sts:SetSourceIdentity");
  return authorise_on_role(call, role, actions, keys, session);
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
