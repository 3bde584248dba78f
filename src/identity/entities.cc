// Users, groups and roles in the control-plane store.
// SPDX-License-Identifier: Apache-2.0
#include "identity/entities.h"

#include <fmt/format.h>

#include "identity/ids.h"
#include "identity/sql.h"
#include "identity/trust.h"
#include "policy/document.h"

namespace traccia::identity {
namespace {

constexpr std::string_view kColumns =
    "e.id, e.kind, e.account, e.name, e.path, e.created, e.boundary, e.trust, e.description, "
    "e.session_max";

Entity read_entity(const meta::Row& row) {
  Entity entity;
  entity.id = row.text(0);
  entity.kind = static_cast<EntityKind>(row.integer(1));
  entity.account_id = row.text(2);
  entity.name = row.text(3);
  entity.path = row.text(4);
  entity.created = from_unix_nanoseconds(row.integer(5));
  if (!row.is_null(6)) entity.boundary = row.text(6);
  entity.role.trust = row.text(7);
  entity.role.description = row.text(8);
  if (!row.is_null(9)) entity.role.session_seconds_max = row.integer(9);
  return entity;
}

Result<Page<Entity>> read_page(meta::Transaction& transaction, std::string_view rest,
                               std::initializer_list<meta::Argument> arguments,
                               const Cursor& cursor) {
  Page<Entity> page;
  TRY(transaction.query(fmt::format("SELECT {} FROM {}", kColumns, rest), arguments,
                        [&](const meta::Row& row) -> Result<> {
                          page.items.push_back(read_entity(row));
                          return {};
                        }));
  page.cut(cursor);
  for (auto& entity : page.items) {
    if (entity.kind != EntityKind::Role) continue;
    TRY_ASSIGN(entity.role.trust, show_principals(transaction, entity.role.trust));
  }
  return page;
}

std::string_view id_prefix(EntityKind kind) {
  switch (kind) {
    case EntityKind::User:
      return "AIDA";
    case EntityKind::Group:
      return "AGPA";
    case EntityKind::Role:
      return "AROA";
    case EntityKind::Root:
      return "";  // its id is the account's
  }
  return "";
}

int64_t number_of(EntityKind kind) {
  return static_cast<int64_t>(kind);
}

std::unexpected<Error> taken(const EntityName& name) {
  return fail(ErrorCode::AlreadyExists, "EntityAlreadyExists",
              fmt::format("{} with name {} already exists.", title_of(name.kind), name.name));
}

// Gives what to store.
Result<std::string> read_trust(meta::Transaction& transaction, std::string_view document) {
  const policy::DocumentType type{.kind = policy::Kind::Trust};
  TRY(policy::parse(document, type));
  const auto size = policy::count_characters(document, policy::Limits::WhiteSpace::Skipped);
  if (size > static_cast<size_t>(Quotas::kTrustPolicySize)) {
    return fail(
        ErrorCode::FailedPrecondition, "LimitExceeded",
        fmt::format("Cannot exceed quota for ACLSizePerRole: {}", Quotas::kTrustPolicySize));
  }
  return bind_principals(transaction, document);
}

}  // namespace

std::string_view word_of(EntityKind kind) {
  switch (kind) {
    case EntityKind::User:
      return "user";
    case EntityKind::Group:
      return "group";
    case EntityKind::Role:
      return "role";
    case EntityKind::Root:
      return "root";
  }
  return "";
}

std::string_view title_of(EntityKind kind) {
  switch (kind) {
    case EntityKind::User:
      return "User";
    case EntityKind::Group:
      return "Group";
    case EntityKind::Role:
      return "Role";
    case EntityKind::Root:
      return "Root";
  }
  return "";
}

int64_t entities_max(EntityKind kind) {
  switch (kind) {
    case EntityKind::User:
      return Quotas::kUsers;
    case EntityKind::Group:
      return Quotas::kGroups;
    case EntityKind::Role:
      return Quotas::kRoles;
    case EntityKind::Root:
      return 1;
  }
  return 0;
}

int64_t inline_policy_size_max(EntityKind kind) {
  switch (kind) {
    case EntityKind::User:
      return 2048;
    case EntityKind::Group:
      return 5120;
    case EntityKind::Role:
      return 10'240;
    case EntityKind::Root:
      return 0;
  }
  return 0;
}

int64_t attached_policies_max(EntityKind kind) {
  if (kind == EntityKind::Root) return 0;
  return kind == EntityKind::Role ? 20 : 10;
}

std::string Entity::arn() const {
  if (kind == EntityKind::Root) return fmt::format("arn:aws:iam::{}:root", account_id);
  return fmt::format("arn:aws:iam::{}:{}{}{}", account_id, word_of(kind), path, name);
}

Result<std::optional<Entity>> Entities::find(meta::Transaction& transaction,
                                             const EntityName& name) {
  TRY_ASSIGN(auto page,
             read_page(transaction, "entities e WHERE e.account = ? AND e.kind = ? AND e.name = ?",
                       {name.account_id, number_of(name.kind), name.name}, {}));
  if (page.items.empty()) return std::nullopt;
  return std::move(page.items.front());
}

Result<Entity> Entities::get(meta::Transaction& transaction, const EntityName& name) {
  TRY_ASSIGN(auto found, find(transaction, name));
  if (found) return std::move(*found);
  return fail(ErrorCode::NotFound, "NoSuchEntity",
              fmt::format("The {} with name {} cannot be found.", word_of(name.kind), name.name));
}

Result<Entity> Entities::create(meta::Transaction& transaction, Entity wanted) {
  const EntityName name{wanted.account_id, wanted.kind, wanted.name};
  const bool is_role = wanted.kind == EntityKind::Role;
  std::string trust;
  if (is_role) {
    TRY_ASSIGN(trust, read_trust(transaction, wanted.role.trust));
  }
  TRY_ASSIGN(const auto there, find(transaction, name));
  if (there) return taken(name);
  TRY_ASSIGN(const auto others, count(transaction, wanted.account_id, wanted.kind));
  if (others >= entities_max(wanted.kind)) {
    return fail(ErrorCode::FailedPrecondition, "LimitExceeded",
                fmt::format("Cannot exceed quota for {}sPerAccount: {}", title_of(wanted.kind),
                            entities_max(wanted.kind)));
  }
  wanted.id = fmt::format("{}{}", id_prefix(wanted.kind), os_.random.characters(17, kIdLetters));
  wanted.created = os_.clock.now();
  wanted.boundary.reset();
  const auto of_role = [&](meta::Argument value) {
    return is_role ? value : meta::Argument(nullptr);
  };
  TRY(transaction.execute(
      "INSERT INTO entities (id, account, kind, name, path, created, trust, description, "
      "session_max) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {wanted.id, wanted.account_id, number_of(wanted.kind), wanted.name, wanted.path,
       to_unix_nanoseconds(wanted.created), of_role(trust), of_role(wanted.role.description),
       of_role(wanted.role.session_seconds_max)}));
  return wanted;
}

Result<Entity> Entities::get_by_id(meta::Transaction& transaction, std::string_view id) {
  TRY_ASSIGN(auto page, read_page(transaction, "entities e WHERE e.id = ?", {id}, {}));
  if (!page.items.empty()) return std::move(page.items.front());
  return fail(ErrorCode::NotFound, fmt::format("no entity has the id '{}'", id));
}

Result<Entity> Entities::root_user(meta::Transaction& transaction, std::string_view account_id) {
  TRY_ASSIGN(auto found, find(transaction, {account_id, EntityKind::Root, kRootName}));
  if (found) return std::move(*found);
  TRY(transaction.execute(
      "INSERT INTO entities (id, account, kind, name, path, created) SELECT id, id, ?, ?, '/', "
      "created FROM accounts WHERE id = ?",
      {number_of(EntityKind::Root), kRootName, account_id}));
  return get_by_id(transaction, account_id);
}

Result<Page<Entity>> Entities::list(meta::Transaction& transaction, std::string_view account_id,
                                    EntityKind kind, std::string_view path_prefix,
                                    const Cursor& cursor) {
  return read_page(transaction,
                   "entities e WHERE e.account = ?1 AND e.kind = ?2 AND e.name > ?3 AND "
                   "substr(e.path, 1, length(?4)) = ?4 ORDER BY e.name LIMIT ?5",
                   {account_id, number_of(kind), cursor.after, path_prefix, cursor.rows_max()},
                   cursor);
}

Result<int64_t> Entities::count(meta::Transaction& transaction, std::string_view account_id,
                                EntityKind kind) {
  return select_number(transaction, "SELECT count(*) FROM entities WHERE account = ? AND kind = ?",
                       {account_id, number_of(kind)});
}

Result<> Entities::rename(meta::Transaction& transaction, const Entity& entity,
                          std::string_view new_name, std::string_view new_path) {
  const EntityName wanted{entity.account_id, entity.kind,
                          new_name.empty() ? std::string_view(entity.name) : new_name};
  TRY_ASSIGN(const auto other, find(transaction, wanted));
  if (other && other->id != entity.id) return taken(wanted);
  const auto path = new_path.empty() ? std::string_view(entity.path) : new_path;
  TRY(transaction.execute("UPDATE entities SET name = ?, path = ? WHERE id = ?",
                          {wanted.name, path, entity.id}));
  return {};
}

Result<> Entities::check_removable(meta::Transaction& transaction, const Entity& entity) {
  struct Obstacle {
    std::string_view sql, what;
  };
  constexpr Obstacle kObstacles[] = {
      {"SELECT 1 FROM login_profiles WHERE owner = ?", "must delete login profile first."},
      {"SELECT 1 FROM access_keys WHERE user = ?", "must delete access keys first."},
      {"SELECT 1 FROM mfa_devices WHERE user = ?", "must delete MFA device first."},
      {"SELECT 1 FROM inline_policies WHERE entity = ?", "must delete policies first."},
      {"SELECT 1 FROM attached_policies WHERE entity = ?", "must detach all policies first."},
      {"SELECT 1 FROM memberships WHERE user = ?", "must remove user from groups first."},
      {"SELECT 1 FROM memberships WHERE user_group = ?", "must remove users from group first."}};
  for (const auto& [sql, what] : kObstacles) {
    TRY_ASSIGN(const bool there, has_rows(transaction, sql, {entity.id}));
    if (there) {
      return fail(ErrorCode::FailedPrecondition, "DeleteConflict",
                  fmt::format("Cannot delete entity, {}", what));
    }
  }
  return {};
}

Result<> check_modifiable(const Entity& entity) {
  if (!entity.service_linked()) return {};
  return fail(ErrorCode::FailedPrecondition, "UnmodifiableEntity",
              fmt::format("Cannot perform the operation on the protected role '{}' - this role is "
                          "only modifiable by AWS",
                          entity.name));
}

Result<> Entities::remove(meta::Transaction& transaction, const Entity& entity) {
  TRY(check_modifiable(entity));
  TRY(check_removable(transaction, entity));
  return erase(transaction, entity);
}

Result<> Entities::erase(meta::Transaction& transaction, const Entity& entity) {
  cache_.forget(entity.account_id);
  TRY(forget_tags(transaction, entity.id));
  TRY(transaction.execute("DELETE FROM entities WHERE id = ?", {entity.id}));
  return {};
}

Result<> Entities::update_role(meta::Transaction& transaction, const Entity& role) {
  if (role.service_linked()) {
    TRY_ASSIGN(const auto stored, get_by_id(transaction, role.id));
    if (stored.role.session_seconds_max != role.role.session_seconds_max) {
      return check_modifiable(role);
    }
  }
  TRY(transaction.execute("UPDATE entities SET description = ?, session_max = ? WHERE id = ?",
                          {role.role.description, role.role.session_seconds_max, role.id}));
  return {};
}

Result<> Entities::set_trust(meta::Transaction& transaction, const Entity& role,
                             std::string_view document) {
  TRY(check_modifiable(role));
  TRY_ASSIGN(const auto trust, read_trust(transaction, document));
  TRY(transaction.execute("UPDATE entities SET trust = ? WHERE id = ?", {trust, role.id}));
  return {};
}

Result<std::string> Entities::stored_trust(meta::Transaction& transaction,
                                           std::string_view role_id) {
  std::string trust;
  TRY(transaction.query("SELECT trust FROM entities WHERE id = ?", {role_id},
                        [&](const meta::Row& row) -> Result<> {
                          trust = row.text(0);
                          return {};
                        }));
  return trust;
}

Result<> Entities::add_to_group(meta::Transaction& transaction, const Entity& user,
                                const Entity& group) {
  TRY_ASSIGN(const auto groups,
             select_number(transaction,
                           "SELECT count(*) FROM memberships WHERE user = ? AND user_group <> ?",
                           {user.id, group.id}));
  if (groups >= Quotas::kGroupsPerUser) {
    return fail(ErrorCode::FailedPrecondition, "LimitExceeded",
                fmt::format("Cannot exceed quota for GroupsPerUser: {}", Quotas::kGroupsPerUser));
  }
  cache_.forget(user.account_id);
  TRY(transaction.execute("INSERT OR IGNORE INTO memberships (user, user_group) VALUES (?, ?)",
                          {user.id, group.id}));
  return {};
}

Result<> Entities::remove_from_group(meta::Transaction& transaction, const Entity& user,
                                     const Entity& group) {
  cache_.forget(user.account_id);
  TRY(transaction.execute("DELETE FROM memberships WHERE user = ? AND user_group = ?",
                          {user.id, group.id}));
  return {};
}

Result<Page<Entity>> Entities::members(meta::Transaction& transaction, const Entity& group,
                                       const Cursor& cursor) {
  return read_page(transaction,
                   "memberships m JOIN entities e ON e.id = m.user WHERE m.user_group = ? AND "
                   "e.name > ? ORDER BY e.name LIMIT ?",
                   {group.id, cursor.after, cursor.rows_max()}, cursor);
}

Result<Page<Entity>> Entities::groups_of(meta::Transaction& transaction, const Entity& user,
                                         const Cursor& cursor) {
  return read_page(transaction,
                   "memberships m JOIN entities e ON e.id = m.user_group WHERE m.user = ? AND "
                   "e.name > ? ORDER BY e.name LIMIT ?",
                   {user.id, cursor.after, cursor.rows_max()}, cursor);
}

}  // namespace traccia::identity
