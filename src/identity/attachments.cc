// Policies of identities in the control-plane store, and compiled.
// SPDX-License-Identifier: Apache-2.0
#include "identity/attachments.h"

#include <fmt/format.h>

#include <vector>

#include "identity/aws_managed.h"
#include "identity/password_policy.h"
#include "identity/sql.h"
#include "identity/tags.h"
#include "policy/document.h"

namespace traccia::identity {
namespace {

// A stored policy was checked when it came.
Result<std::shared_ptr<const policy::Document>> compile_stored(std::string_view document,
                                                               std::string_view name) {
  const policy::Limits limits{.characters_max = 128 << 10};
  auto parsed = policy::parse(document, {.kind = policy::Kind::Identity}, limits);
  if (!parsed) {
    return fail(ErrorCode::DataLoss,
                fmt::format("stored policy '{}': {}", name, parsed.error().message()));
  }
  return std::make_shared<const policy::Document>(std::move(*parsed));
}

std::string path_of_policy(std::string_view arn) {
  constexpr std::string_view kMarker = ":policy";
  const auto begin = arn.find(kMarker) + kMarker.size();
  return std::string(arn.substr(begin, arn.rfind('/') + 1 - begin));
}

Result<int64_t> inline_size(meta::Transaction& transaction, const Entity& entity,
                            std::string_view except) {
  size_t size = 0;
  TRY(transaction.query("SELECT document FROM inline_policies WHERE entity = ? AND name <> ?",
                        {entity.id, except}, [&](const meta::Row& row) -> Result<> {
                          size += policy::count_characters(row.view(0),
                                                           policy::Limits::WhiteSpace::Skipped);
                          return {};
                        }));
  return static_cast<int64_t>(size);
}

std::unexpected<Error> no_inline(const Entity& entity, std::string_view name) {
  return fail(
      ErrorCode::NotFound, "NoSuchEntity",
      fmt::format("The {} policy with name {} cannot be found.", word_of(entity.kind), name));
}

}  // namespace

std::string inline_policy_id(EntityKind kind, std::string_view owner, std::string_view name) {
  return fmt::format("{}_{}_{}", word_of(kind), owner, name);
}

Result<> Attachments::put_inline(meta::Transaction& transaction, const Entity& entity,
                                 std::string_view name, std::string_view document) {
  TRY(check_modifiable(entity));
  const auto size_max = inline_policy_size_max(entity.kind);
  TRY_ASSIGN(const auto others, inline_size(transaction, entity, name));
  const auto size =
      static_cast<int64_t>(policy::count_characters(document, policy::Limits::WhiteSpace::Skipped));
  if (others + size > size_max) {
    return fail(ErrorCode::FailedPrecondition, "LimitExceeded",
                fmt::format("Maximum policy size of {} bytes exceeded for {} {}", size_max,
                            word_of(entity.kind), entity.name));
  }
  const policy::Limits limits{.characters_max = static_cast<size_t>(size_max),
                              .white_space = policy::Limits::WhiteSpace::Skipped};
  TRY(policy::parse(document, {.kind = policy::Kind::Identity}, limits));
  cache_.forget(entity.account_id);
  TRY(transaction.execute("DELETE FROM inline_policies WHERE entity = ? AND name = ?",
                          {entity.id, name}));
  TRY(transaction.execute("INSERT INTO inline_policies (entity, name, document) VALUES (?, ?, ?)",
                          {entity.id, name, document}));
  return {};
}

Result<std::string> Attachments::get_inline(meta::Transaction& transaction, const Entity& entity,
                                            std::string_view name) {
  std::optional<std::string> found;
  TRY(transaction.query("SELECT document FROM inline_policies WHERE entity = ? AND name = ?",
                        {entity.id, name}, [&](const meta::Row& row) -> Result<> {
                          found = row.text(0);
                          return {};
                        }));
  if (!found) return no_inline(entity, name);
  return std::move(*found);
}

Result<Page<std::string>> Attachments::list_inline(meta::Transaction& transaction,
                                                   const Entity& entity, const Cursor& cursor) {
  Page<std::string> page;
  TRY(transaction.query(
      "SELECT name FROM inline_policies WHERE entity = ? AND name > ? ORDER BY name LIMIT ?",
      {entity.id, cursor.after, cursor.rows_max()}, [&](const meta::Row& row) -> Result<> {
        page.items.push_back(row.text(0));
        return {};
      }));
  page.cut(cursor);
  return page;
}

Result<> Attachments::remove_inline(meta::Transaction& transaction, const Entity& entity,
                                    std::string_view name) {
  TRY(check_modifiable(entity));
  cache_.forget(entity.account_id);
  TRY_ASSIGN(const auto removed,
             transaction.execute("DELETE FROM inline_policies WHERE entity = ? AND name = ?",
                                 {entity.id, name}));
  if (removed == 0) return no_inline(entity, name);
  return {};
}

Result<> Attachments::check_attachable(meta::Transaction& transaction, const PolicyName& name) {
  TRY(check_policy_arn(name.arn));
  const auto policy = policies_.get(transaction, name);
  if (policy && policy->path.starts_with(kServiceRolePath)) {
    return fail(ErrorCode::FailedPrecondition, "PolicyNotAttachable",
                "Cannot attach a Service Role Policy to a Customer Role.");
  }
  if (policy) return {};
  if (policy.error().reason() != "NoSuchEntity") return std::unexpected(policy.error());
  return fail(ErrorCode::NotFound, "NoSuchEntity",
              fmt::format("Policy {} does not exist or is not attachable.", name.arn));
}

Result<> Attachments::attach(meta::Transaction& transaction, const Entity& entity,
                             std::string_view arn) {
  TRY(check_modifiable(entity));
  TRY(check_attachable(transaction, {entity.account_id, arn}));
  const auto attached_max = attached_policies_max(entity.kind);
  TRY_ASSIGN(
      const auto others,
      select_number(transaction,
                    "SELECT count(*) FROM attached_policies WHERE entity = ? AND policy <> ?",
                    {entity.id, arn}));
  if (others >= attached_max) {
    return fail(ErrorCode::FailedPrecondition, "LimitExceeded",
                fmt::format("Cannot exceed quota for PoliciesPer{}: {}", title_of(entity.kind),
                            attached_max));
  }
  cache_.forget(entity.account_id);
  TRY(transaction.execute("INSERT OR IGNORE INTO attached_policies (entity, policy) VALUES (?, ?)",
                          {entity.id, arn}));
  return {};
}

Result<> Attachments::detach(meta::Transaction& transaction, const Entity& entity,
                             std::string_view arn) {
  TRY(check_modifiable(entity));
  TRY(check_policy_arn(arn));
  cache_.forget(entity.account_id);
  TRY_ASSIGN(const auto removed,
             transaction.execute("DELETE FROM attached_policies WHERE entity = ? AND policy = ?",
                                 {entity.id, arn}));
  if (removed == 0) {
    return fail(ErrorCode::NotFound, "NoSuchEntity", fmt::format("Policy {} was not found.", arn));
  }
  return {};
}

Result<Page<AttachedName>> Attachments::list_attached(meta::Transaction& transaction,
                                                      const Entity& entity,
                                                      std::string_view path_prefix,
                                                      const Cursor& cursor) {
  Page<AttachedName> page;
  TRY(transaction.query(
      "SELECT policy FROM attached_policies WHERE entity = ? AND policy > ? ORDER BY policy",
      {entity.id, cursor.after}, [&](const meta::Row& row) -> Result<> {
        auto arn = row.text(0);
        if (!path_of_policy(arn).starts_with(path_prefix)) return {};
        page.items.push_back({arn.substr(arn.rfind('/') + 1), arn});
        return {};
      }));
  page.cut(cursor);
  return page;
}

Result<> Attachments::set_boundary(meta::Transaction& transaction, const Entity& entity,
                                   std::string_view arn) {
  TRY(check_modifiable(entity));
  TRY(check_attachable(transaction, {entity.account_id, arn}));
  cache_.forget(entity.account_id);
  TRY(transaction.execute("UPDATE entities SET boundary = ? WHERE id = ?", {arn, entity.id}));
  return {};
}

Result<> Attachments::remove_boundary(meta::Transaction& transaction, const Entity& entity) {
  TRY(check_modifiable(entity));
  cache_.forget(entity.account_id);
  TRY(transaction.execute("UPDATE entities SET boundary = NULL WHERE id = ?", {entity.id}));
  return {};
}

Result<Page<Entity>> Attachments::users_of(meta::Transaction& transaction, const PolicyName& policy,
                                           const UserFilter& filter, const Cursor& cursor) {
  TRY(policies_.get(transaction, policy));
  const auto permissions = static_cast<int64_t>(filter.usage != PolicyUsage::Boundary);
  const auto boundary = static_cast<int64_t>(filter.usage != PolicyUsage::Permissions);
  const auto kind = filter.kind ? static_cast<int64_t>(*filter.kind) : -1;
  Page<Entity> page;
  TRY(transaction.query(
      "SELECT id, kind, name, path FROM entities e WHERE account = ?1 AND id > ?2 AND "
      "(?3 < 0 OR kind = ?3) AND substr(path, 1, length(?4)) = ?4 AND "
      "((?5 AND EXISTS (SELECT 1 FROM attached_policies a WHERE a.entity = e.id AND "
      "a.policy = ?7)) OR (?6 AND boundary IS ?7)) ORDER BY id LIMIT ?8",
      {policy.account_id, cursor.after, kind, filter.path_prefix, permissions, boundary, policy.arn,
       cursor.rows_max()},
      [&](const meta::Row& row) -> Result<> {
        Entity entity;
        entity.id = row.text(0);
        entity.kind = static_cast<EntityKind>(row.integer(1));
        entity.name = row.text(2);
        entity.path = row.text(3);
        page.items.push_back(std::move(entity));
        return {};
      }));
  page.cut(cursor);
  return page;
}

Result<std::optional<policy::AttachedPolicy>> Attachments::find_compiled(
    meta::Transaction& transaction, const PolicyName& name) {
  if (const auto* known = find_aws_managed_policy(name.arn)) {
    return policy::AttachedPolicy{known->arn, known->compiled};
  }
  policy::AttachedPolicy out{.name = std::string(name.arn)};
  TRY(transaction.query(
      "SELECT v.document FROM managed_policies p JOIN policy_versions v ON v.policy = p.arn AND "
      "v.version = p.default_version WHERE p.arn = ? AND p.account = ?",
      {name.arn, name.account_id}, [&](const meta::Row& row) -> Result<> {
        TRY_ASSIGN(out.document, compile_stored(row.view(0), name.arn));
        return {};
      }));
  if (out.document == nullptr) return std::nullopt;
  return out;
}

Result<policy::AttachedPolicy> Attachments::compile(meta::Transaction& transaction,
                                                    const PolicyName& name) {
  TRY_ASSIGN(auto found, find_compiled(transaction, name));
  if (found) return std::move(*found);
  return fail(ErrorCode::DataLoss,
              fmt::format("policy '{}' is attached and does not exist", name.arn));
}

Result<PrincipalPolicies> Attachments::load(meta::Transaction& transaction,
                                            std::string_view account_id,
                                            std::string_view entity_id) {
  PrincipalPolicies out;
  // The entity and, of a user, its groups.
  constexpr std::string_view kOwners =
      "entity IN (SELECT ?1 UNION SELECT user_group FROM memberships WHERE user = ?1)";
  TRY(transaction.query(fmt::format("SELECT e.kind, e.name, p.name, p.document FROM "
                                    "inline_policies p JOIN entities e ON e.id = p.entity WHERE {}",
                                    kOwners),
                        {entity_id}, [&](const meta::Row& row) -> Result<> {
                          const auto kind = static_cast<EntityKind>(row.integer(0));
                          policy::AttachedPolicy policy{
                              .name = inline_policy_id(kind, row.view(1), row.view(2))};
                          TRY_ASSIGN(policy.document, compile_stored(row.view(3), policy.name));
                          out.identity.push_back(std::move(policy));
                          return {};
                        }));
  std::vector<std::string> arns;
  TRY(transaction.query(
      fmt::format("SELECT DISTINCT policy FROM attached_policies WHERE {}", kOwners), {entity_id},
      [&](const meta::Row& row) -> Result<> {
        arns.push_back(row.text(0));
        return {};
      }));
  for (const auto& arn : arns) {
    TRY_ASSIGN(auto policy, compile(transaction, {account_id, arn}));
    out.identity.push_back(std::move(policy));
  }
  TRY_ASSIGN(const auto passwords, find_password_policy(transaction, account_id));
  if (passwords && passwords->users_may_change) {
    const auto* allows = find_aws_managed_policy(kUserChangePassword);
    out.identity.push_back({.name = "account-password-policy", .document = allows->compiled});
  }
  std::string boundary;
  TRY(transaction.query("SELECT boundary FROM entities WHERE id = ?", {entity_id},
                        [&](const meta::Row& row) -> Result<> {
                          boundary = row.text(0);
                          return {};
                        }));
  if (!boundary.empty()) {
    TRY_ASSIGN(auto policy, compile(transaction, {account_id, boundary}));
    out.boundary.push_back(std::move(policy));
  }
  TRY_ASSIGN(auto tags, list_tags(transaction, entity_id, {}));
  out.tags = std::move(tags.items);
  return out;
}

Result<std::shared_ptr<const PrincipalPolicies>> Attachments::policies_of(
    meta::Transaction& transaction, std::string_view account_id, std::string_view entity_id) {
  return cache_.find(transaction, account_id, entity_id,
                     [&] { return load(transaction, account_id, entity_id); });
}

}  // namespace traccia::identity
