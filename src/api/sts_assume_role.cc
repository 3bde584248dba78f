// STS AssumeRole.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/sts_call.h"
#include "aws/arn.h"
#include "policy/document.h"
#include "policy/messages.h"

namespace traccia::api::sts {
namespace {

constexpr int64_t kSecondsDefault = 3600;
// "Role chaining" of the IAM user guide: credentials that came from temporary ones.
constexpr int64_t kChainedSecondsMax = 3600;

constexpr Shape kDuration = aws::integer_shape(900, 43'200);
constexpr Shape kExternalId =
    aws::string_shape(2, 1224, {"[\\w+=,.@:\\/-]*", [](std::string_view text) {
                                  return aws::only_characters(text, "a-zA-Z0-9_+=,.@:/-");
                                }});
constexpr Member kInput[] = {{"RoleArn", &kArn, Presence::Required},
                             {"RoleSessionName", &kSessionName, Presence::Required},
                             {"PolicyArns", &kPolicyArns},
                             {"Policy", &kSessionPolicy},
                             {"DurationSeconds", &kDuration},
                             {"Tags", &iam::kTags},
                             {"TransitiveTagKeys", &iam::kTagKeys},
                             {"ExternalId", &kExternalId},
                             {"SerialNumber", &kSerialNumber},
                             {"TokenCode", &kTokenCode, Presence::Optional, Sensitivity::Secret},
                             {"SourceIdentity", &kSourceIdentity},
                             {"MinimumSessionTokenSize", &kTokenSizeMin}};
constexpr Shape kRequest = aws::structure_shape(kInput);
constexpr Member kUserMembers[] = {{"AssumedRoleId", &kString, Presence::Required},
                                   {"Arn", &kArn, Presence::Required}};
constexpr Shape kUser = aws::structure_shape(kUserMembers);
constexpr Member kOutput[] = {
    {"Credentials", &kCredentials},  {"AssumedRoleUser", &kUser},
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

// A role that does not exist, or does not trust the caller: nobody learns which.
std::unexpected<Error> unknown_role(const Call& call, std::string_view arn) {
  return denied(fmt::format("User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
                            call.caller.principal.arn, arn));
}

Result<identity::Entity> find_role(Call& call, const std::string& arn) {
  const auto parsed = aws::parse_arn(arn);
  if (!parsed || parsed->service != "iam" || !parsed->resource.starts_with("role/")) {
    return invalid("Request ARN is invalid");
  }
  const auto name = parsed->resource.substr(parsed->resource.rfind('/') + 1);
  auto role = call.services.identity.entities().get(call.transaction,
                                                    {parsed->account, iam::EntityKind::Role, name});
  if (!role && role.error().reason() != "NoSuchEntity") return role;
  if (!role || role->arn() != arn) return unknown_role(call, arn);
  return role;
}

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

Result<int64_t> read_duration(const Call& call, const identity::Entity& role) {
  const auto asked = optional_integer(call.input, "DurationSeconds");
  const auto seconds = asked.value_or(kSecondsDefault);
  if (call.caller.principal.session && seconds > kChainedSecondsMax) {
    return invalid(
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role "
        "chaining.");
  }
  if (seconds > role.role.session_seconds_max) {
    return invalid(
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  }
  return seconds;
}

// The keys that a decision on a role is made with ("Available keys for AWS STS").
class Keys {
 public:
  void add(std::string name, std::string value) {
    held_.emplace_back(std::move(name), std::move(value));
  }
  std::vector<ContextKey> view() const {
    std::vector<ContextKey> out;
    for (const auto& [name, value] : held_) out.push_back({name, value});
    return out;
  }

 private:
  std::vector<std::pair<std::string, std::string>> held_;
};

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
  TRY_ASSIGN(const auto tags, identity::list_tags(call.transaction, role.id, {}));
  for (const auto& tag : tags.items) {
    keys.add(fmt::format("aws:ResourceTag/{}", tag.key), tag.value);
    keys.add(fmt::format("iam:ResourceTag/{}", tag.key), tag.value);
  }
  return keys;
}

// Besides the role itself: what a session carries needs a permission of its own ("Passing session
// tags in AWS STS", "Monitor and control actions taken with assumed roles").
Result<> authorise(Call& call, const identity::Entity& role, const identity::Session& session) {
  TRY_ASSIGN(const auto text,
             call.services.identity.entities().stored_trust(call.transaction, role.id));
  auto parsed = policy::parse(text, {.kind = policy::Kind::Trust});
  if (!parsed) {
    return fail(ErrorCode::DataLoss,
                fmt::format("the trust policy of '{}': {}", role.arn(), parsed.error().message()));
  }
  const policy::AttachedPolicy trust{role.name,
                                     std::make_shared<const policy::Document>(std::move(*parsed))};
  TRY_ASSIGN(const auto keys, request_keys(call, role, session));
  const auto view = keys.view();
  const auto arn = role.arn();
  const auto ask = [&](std::string_view action) {
    return call.services.authoriser.authorise_on_role(call.transaction,
                                                      {.caller = call.caller,
                                                       .action = action,
                                                       .resource = arn,
                                                       .keys = view,
                                                       .proves_mfa = session.mfa.has_value()},
                                                      {role, trust});
  };
  TRY(ask("sts:AssumeRole"));
  if (!session.tags.empty()) TRY(ask("sts:TagSession"));
  if (!session.source_identity.empty()) TRY(ask("sts:SetSourceIdentity"));
  return {};
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
  TRY_ASSIGN(const auto seconds, read_duration(call, role));
  TRY(read_session_policies(call, session));
  TRY(check_packed(session));
  session.issued = floor_seconds(call.services.identity.sessions().now());
  session.expires = session.issued + std::chrono::seconds(seconds);

  auto out = issue(call, session);
  out["AssumedRoleUser"] =
      json::Object{{"AssumedRoleId", fmt::format("{}:{}", role.id, session.name)},
                   {"Arn", fmt::format("arn:aws:sts::{}:assumed-role/{}/{}", role.account_id,
                                       role.name, session.name)}};
  if (!session.source_identity.empty()) out["SourceIdentity"] = session.source_identity;
  call.resources = json::Array{
      json::Object{{"accountId", role.account_id}, {"type", "AWS::IAM::Role"}, {"ARN", arn}}};
  call.resource_account = role.account_id;
  return out;
}

}  // namespace

std::span<const Binding> assume_role_bindings() {
  static const std::array bindings{
      Binding{.operation = &kAssumeRole, .run = assume_role, .authorised = Authorised::InRun}};
  return bindings;
}

}  // namespace traccia::api::sts
