// Roles that are assumed.
// SPDX-License-Identifier: Apache-2.0
#include "api/sts_role.h"

#include <fmt/format.h>

#include <algorithm>

#include "aws/arn.h"
#include "policy/document.h"
#include "policy/request.h"

namespace traccia::api::sts {
namespace {

constexpr int64_t kSecondsDefault = 3600;
// "Role chaining" of the IAM user guide: credentials that came from temporary ones.
constexpr int64_t kChainedSecondsMax = 3600;

// A role that does not exist, or does not trust the caller: nobody learns which.
std::unexpected<Error> unknown_role(const Call& call, std::string_view arn) {
  return denied(fmt::format("User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
                            call.caller.principal.arn, arn));
}

Result<int64_t> read_duration(const Call& call, const identity::Entity& role) {
  const auto seconds = optional_integer(call.input, "DurationSeconds").value_or(kSecondsDefault);
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

std::vector<std::string> read_transitive(const json::Object& input) {
  std::vector<std::string> keys;
  const auto* list = json::find(input, "TransitiveTagKeys");
  if (list == nullptr || !list->is_array()) return keys;
  for (const auto& key : list->get_array()) keys.emplace_back(key.as_string());
  return keys;
}

}  // namespace

bool has_key(const std::vector<identity::Tag>& tags, std::string_view key) {
  return std::ranges::any_of(
      tags, [&](const auto& tag) { return policy::to_lower(tag.key) == policy::to_lower(key); });
}

Result<> read_tags(const json::Object& input, identity::Session& session) {
  TRY_ASSIGN(session.tags, read_session_tags(input));
  session.transitive_tag_keys = read_transitive(input);
  for (const auto& key : session.transitive_tag_keys) {
    if (has_key(session.tags, key)) continue;
    return invalid("The specified transitive tag key must be included in the requested tags.");
  }
  return {};
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

Result<Keys> session_keys(Call& call, const identity::Entity& role,
                          const identity::Session& session) {
  Keys keys;
  keys.add("sts:RoleSessionName", session.name);
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

std::vector<std::string_view> session_actions(std::string_view assume,
                                              const identity::Session& session) {
  std::vector<std::string_view> actions{assume};
  if (!session.tags.empty()) actions.emplace_back("sts:TagSession");
  if (!session.source_identity.empty()) actions.emplace_back("sts:SetSourceIdentity");
  return actions;
}

Result<> authorise_on_role(Call& call, const identity::Entity& role,
                           std::span<const std::string_view> actions, const Keys& keys,
                           const identity::Session& session) {
  TRY_ASSIGN(const auto text,
             call.services.identity.entities().stored_trust(call.transaction, role.id));
  auto parsed = policy::parse(text, {.kind = policy::Kind::Trust});
  if (!parsed) {
    return fail(ErrorCode::DataLoss,
                fmt::format("the trust policy of '{}': {}", role.arn(), parsed.error().message()));
  }
  const policy::AttachedPolicy trust{role.name,
                                     std::make_shared<const policy::Document>(std::move(*parsed))};
  const auto view = keys.view();
  const auto arn = role.arn();
  for (const auto action : actions) {
    TRY(call.services.authoriser.authorise_on_role(call.transaction,
                                                   {.caller = call.caller,
                                                    .action = action,
                                                    .resource = arn,
                                                    .keys = view,
                                                    .proves_mfa = session.mfa.has_value()},
                                                   {role, trust}));
  }
  return {};
}

Result<> limit_session(Call& call, const identity::Entity& role, identity::Session& session) {
  TRY_ASSIGN(const auto seconds, read_duration(call, role));
  TRY(read_session_policies(call, session));
  TRY(check_packed(session));
  session.issued = floor_seconds(call.services.identity.sessions().now());
  session.expires = session.issued + std::chrono::seconds(seconds);
  return {};
}

json::Object issue_for_role(Call& call, const identity::Entity& role,
                            const identity::Session& session) {
  auto out = issue(call, session);
  out["AssumedRoleUser"] =
      json::Object{{"AssumedRoleId", fmt::format("{}:{}", role.id, session.name)},
                   {"Arn", fmt::format("arn:aws:sts::{}:assumed-role/{}/{}", role.account_id,
                                       role.name, session.name)}};
  call.resources = json::Array{json::Object{
      {"accountId", role.account_id}, {"type", "AWS::IAM::Role"}, {"ARN", role.arn()}}};
  call.resource_account = role.account_id;
  return out;
}

}  // namespace traccia::api::sts
