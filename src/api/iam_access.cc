// Which user, group, role or policy a call is authorised on.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api/access.h"
#include "api/iam_call.h"

namespace traccia::api::iam {
namespace {

// The request's own Path is of what it makes.
identity::Entity wanted(const Call& call, EntityKind kind, std::string_view name) {
  return {.kind = kind,
          .account_id = call.caller.principal.account_id,
          .name = std::string(name),
          .path = optional_string(call.input, "Path").value_or("/")};
}

Result<> add_tags(Call& call, std::string_view owner, bool of_iam, Ask& ask) {
  TRY_ASSIGN(const auto tags, identity::list_tags(call.transaction, owner, {}));
  for (const auto& tag : tags.items) {
    ask.add_key("aws:ResourceTag/" + tag.key, tag.value);
    if (of_iam) ask.add_key("iam:ResourceTag/" + tag.key, tag.value);
  }
  return {};
}

// The user whose key it is. Of a key of nobody, or of another account, any name would do: what is
// asked for is every user.
Result<std::string> user_of_key(Call& call, std::string_view key_id) {
  const auto found = call.services.identity.keys().last_used(call.transaction, key_id);
  if (found && found->account_id == call.caller.principal.account_id) return found->user_name;
  if (!found && found.error().reason() != "NoSuchEntity") return std::unexpected(found.error());
  return "*";
}

// Renaming takes the right on what the entity becomes too ("UpdateUser").
void ask_for_new_name(const Call& call, const aws::Operation& operation,
                      const identity::Entity& entity, std::vector<Ask>& asks) {
  const auto name =
      optional_string(call.input, pick(entity.kind, "NewUserName", "NewGroupName", {}));
  const auto path = optional_string(call.input, "NewPath");
  if (!name && !path) return;
  auto renamed = entity;
  if (name) renamed.name = *name;
  if (path) renamed.path = *path;
  asks.push_back({.action = operation.iam_action, .resource = renamed.arn()});
}

// IAM's messages call what is there "user NAME", with the name as it was asked for; what the call
// makes, and what it tags, by its ARN.
Result<> resolve_existing(Call& call, const aws::Operation& operation, EntityKind kind,
                          std::string_view name, std::vector<Ask>& asks) {
  auto entity = wanted(call, kind, name);
  Ask ask{.action = operation.iam_action, .words = fmt::format("{} {}", entity_type(kind), name)};
  if (operation.name.starts_with("Tag")) ask.words.clear();
  auto found = call.services.identity.entities().get(call.transaction,
                                                     {entity.account_id, kind, entity.name});
  if (found) {
    entity = std::move(*found);
    if (kind != EntityKind::Group) TRY(add_tags(call, entity.id, true, ask));
    const bool told = optional_string(call.input, "PermissionsBoundary").has_value();
    if (entity.boundary && !told && takes_key(operation, "iam:PermissionsBoundary")) {
      ask.add_key("iam:PermissionsBoundary", *entity.boundary);
    }
  } else if (found.error().reason() != "NoSuchEntity") {
    return std::unexpected(std::move(found).error());
  }
  ask.resource = entity.arn();
  asks.push_back(std::move(ask));
  ask_for_new_name(call, operation, entity, asks);
  return {};
}

Result<> resolve_entity(Call& call, const aws::Operation& operation, EntityKind kind,
                        std::string_view name, std::vector<Ask>& asks) {
  const auto& access = operation.access;
  const auto& principal = call.caller.principal;
  if (access.named_by == "PathPrefix") {
    asks.push_back({.action = operation.iam_action,
                    .resource = fmt::format("arn:aws:iam::{}:{}{}", principal.account_id,
                                            entity_type(kind), name.empty() ? "/" : name)});
    return {};
  }
  if (access.existence == aws::Existence::Made) {
    asks.push_back({.action = operation.iam_action, .resource = wanted(call, kind, name).arn()});
    return {};
  }
  if (!name.empty()) return resolve_existing(call, operation, kind, name, asks);
  if (!principal.user_name.empty()) {
    return resolve_existing(call, operation, kind, principal.user_name, asks);
  }
  asks.push_back({.action = operation.iam_action, .resource = principal.arn});
  return {};
}

}  // namespace

Result<> resolve_user(Call& call, const aws::Operation& operation, std::string_view name,
                      std::vector<Ask>& asks) {
  if (operation.access.named_by != "AccessKeyId") {
    return resolve_entity(call, operation, EntityKind::User, name, asks);
  }
  TRY_ASSIGN(const auto user, user_of_key(call, name));
  TRY(resolve_existing(call, operation, EntityKind::User, user, asks));
  asks.back().words = fmt::format("access key {}", name);
  return {};
}

Result<> resolve_group(Call& call, const aws::Operation& operation, std::string_view name,
                       std::vector<Ask>& asks) {
  return resolve_entity(call, operation, EntityKind::Group, name, asks);
}

Result<> resolve_role(Call& call, const aws::Operation& operation, std::string_view name,
                      std::vector<Ask>& asks) {
  return resolve_entity(call, operation, EntityKind::Role, name, asks);
}

// Managed policies are named by ARN but when they are made; messages call them "policy NAME", or
// "policy ARN", and their lists "policy path PATH".
Result<> resolve_policy(Call& call, const aws::Operation& operation, std::string_view name,
                        std::vector<Ask>& asks) {
  const auto& access = operation.access;
  const auto& account = call.caller.principal.account_id;
  Ask ask{.action = operation.iam_action, .words = fmt::format("policy {}", name)};
  if (access.named_by == "PathPrefix") {
    const auto path = name.empty() ? "/" : name;
    ask.resource = fmt::format("arn:aws:iam::{}:policy{}", account, path);
    ask.words = fmt::format("policy path {}", path);
  } else if (access.existence == aws::Existence::Made) {
    ask.resource = fmt::format("arn:aws:iam::{}:policy{}{}", account,
                               optional_string(call.input, "Path").value_or("/"), name);
  } else {
    ask.resource = name;
    const auto found =
        call.services.identity.policies().get(call.transaction, {account, ask.resource});
    if (found) {
      TRY(add_tags(call, found->id, false, ask));
    } else if (found.error().code() != ErrorCode::NotFound &&
               found.error().code() != ErrorCode::InvalidArgument) {
      return std::unexpected(found.error());
    }
  }
  asks.push_back(std::move(ask));
  return {};
}

Result<> resolve_principal(Call&, const aws::Operation& operation, std::string_view name,
                           std::vector<Ask>& asks) {
  asks.push_back({.action = operation.iam_action, .resource = std::string(name)});
  return {};
}

}  // namespace traccia::api::iam
