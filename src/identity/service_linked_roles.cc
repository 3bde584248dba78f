// Roles that their services alone change.
// SPDX-License-Identifier: Apache-2.0
#include "identity/service_linked_roles.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace traccia::identity {
namespace {

constexpr LinkedService kServices[] = {
    {"cloudtrail.amazonaws.com", "AWSServiceRoleForCloudTrail",
     "arn:aws:iam::aws:policy/aws-service-role/CloudTrailServiceRolePolicy"},
    {"context.cloudtrail.amazonaws.com", "AWSServiceRoleForCloudTrailEventContext",
     "arn:aws:iam::aws:policy/aws-service-role/CloudTrailEventContext"},
    {"organizations.amazonaws.com", "AWSServiceRoleForOrganizations",
     "arn:aws:iam::aws:policy/aws-service-role/AWSOrganizationsServiceTrustPolicy"}};

constexpr std::string_view kTaskPrefix = "task";

std::unexpected<Error> invalid(std::string message) {
  return fail(ErrorCode::InvalidArgument, "InvalidInput", std::move(message));
}

std::string trust_of(std::string_view service_principal) {
  return fmt::format(
      R"({{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"{}"}},)"
      R"("Action":"sts:AssumeRole"}}]}})",
      service_principal);
}

}  // namespace

std::span<const LinkedService> linked_services() {
  return kServices;
}

const LinkedService* find_linked_service(std::string_view principal) {
  const auto* const at = std::ranges::find(kServices, principal, &LinkedService::principal);
  return at == std::end(kServices) ? nullptr : at;
}

std::string linked_role_path(std::string_view service_principal) {
  return fmt::format("{}{}/", kServiceRolePath, service_principal);
}

Result<Entity> ServiceLinkedRoles::create(meta::Transaction& transaction,
                                          std::string_view account_id,
                                          std::string_view service_principal,
                                          std::string_view suffix, std::string_view description) {
  const auto* const service = find_linked_service(service_principal);
  if (service == nullptr) {
    return invalid(fmt::format("The service {} has no service-linked role on this server.",
                               service_principal));
  }
  if (!suffix.empty()) {
    return invalid(fmt::format("Custom suffix is not allowed for {}", service_principal));
  }
  Entity wanted{
      .kind = EntityKind::Role,
      .account_id = std::string(account_id),
      .name = std::string(service->role_name),
      .path = linked_role_path(service_principal),
      .role = {.trust = trust_of(service_principal), .description = std::string(description)}};
  auto made = entities_.create(transaction, std::move(wanted));
  if (!made && made.error().reason() == "EntityAlreadyExists") {
    return invalid(
        fmt::format("Service role name {} has been taken in this account, please try a "
                    "different suffix.",
                    service->role_name));
  }
  if (!made) return std::unexpected(std::move(made).error());
  cache_.forget(account_id);
  TRY(transaction.execute("INSERT INTO attached_policies (entity, policy) VALUES (?, ?)",
                          {made->id, service->policy_arn}));
  return std::move(*made);
}

Result<RoleDeletion> ServiceLinkedRoles::remove(meta::Transaction& transaction, const Entity& role,
                                                std::string_view obstacle) {
  if (!role.service_linked()) {
    return fail(ErrorCode::NotFound, "NoSuchEntity",
                fmt::format("The service-linked role with name {} cannot be found.", role.name));
  }
  if (obstacle.empty()) {
    cache_.forget(role.account_id);
    TRY(transaction.execute("DELETE FROM attached_policies WHERE entity = ?", {role.id}));
    TRY(entities_.erase(transaction, role));
  }
  RoleDeletion out{
      .task_id = fmt::format("{}{}{}/{}", kTaskPrefix, role.path, role.name, os_.random.uuid()),
      .obstacle = std::string(obstacle)};
  TRY(transaction.execute(
      "INSERT INTO role_deletions (task, account, requested, obstacle) VALUES (?, ?, ?, ?)",
      {out.task_id, role.account_id, to_unix_nanoseconds(os_.clock.now()), out.obstacle}));
  TRY(
      transaction.execute("DELETE FROM role_deletions WHERE account = ?1 AND task NOT IN (SELECT "
                          "task FROM role_deletions WHERE account = ?1 ORDER BY requested DESC, "
                          "task LIMIT ?2)",
                          {role.account_id, kRoleDeletionsMax}));
  return out;
}

Result<RoleDeletion> ServiceLinkedRoles::find_deletion(meta::Transaction& transaction,
                                                       std::string_view account_id,
                                                       std::string_view task_id) {
  std::optional<RoleDeletion> found;
  TRY(transaction.query("SELECT obstacle FROM role_deletions WHERE task = ? AND account = ?",
                        {task_id, account_id}, [&](const meta::Row& row) -> Result<> {
                          found = {std::string(task_id), row.text(0)};
                          return {};
                        }));
  if (found) return std::move(*found);
  return fail(ErrorCode::NotFound, "NoSuchEntity",
              fmt::format("The deletion task with id {} cannot be found.", task_id));
}

}  // namespace traccia::identity
