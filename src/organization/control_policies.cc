// Service control policies in the control-plane store.
// SPDX-License-Identifier: Apache-2.0
#include "organization/control_policies.h"

#include <fmt/format.h>

#include "identity/sql.h"

namespace traccia::organization {
namespace {

using identity::has_rows;
using identity::select_number;

const ControlPolicy& full_access() {
  static const ControlPolicy policy{.id = std::string(kFullAccess),
                                    .name = "FullAWSAccess",
                                    .description = "Allows access to every operation",
                                    .content = std::string(kFullAccessContent),
                                    .aws_managed = true};
  return policy;
}

ControlPolicy read_policy(const meta::Row& row) {
  if (row.view(0) == kFullAccess) return full_access();
  return {
      .id = row.text(0), .name = row.text(1), .description = row.text(2), .content = row.text(3)};
}

std::unexpected<Error> violation(std::string_view reason, std::string_view message) {
  return fail(ErrorCode::FailedPrecondition, reason, std::string(message));
}

Result<> check_content(std::string_view content) {
  const policy::DocumentType type{.kind = policy::Kind::ServiceControl};
  const auto limits = policy::limits_of(type);
  if (policy::count_characters(content, limits.white_space) > limits.characters_max) {
    return violation("ConstraintViolation/POLICY_CONTENT_LIMIT_EXCEEDED",
                     "You have exceeded the policy content size limit.");
  }
  if (policy::parse(content, type)) return {};
  return fail(ErrorCode::InvalidArgument, "MalformedPolicyDocument",
              "The provided policy document does not meet the requirements of the specified policy "
              "type.");
}

std::unexpected<Error> immutable_policy() {
  return fail(ErrorCode::InvalidArgument, "InvalidInput/IMMUTABLE_POLICY",
              "You specified a policy that is managed by AWS and can't be modified.");
}

}  // namespace

Result<> ControlPolicies::check_name(meta::Transaction& transaction,
                                     const Organization& organization, std::string_view name,
                                     std::string_view except) {
  TRY_ASSIGN(const bool taken,
             has_rows(transaction,
                      "SELECT 1 FROM control_policies WHERE organization = ? AND name = ? AND id "
                      "<> ?",
                      {organization.id, name, except}));
  if (!taken && name != full_access().name) return {};
  return fail(ErrorCode::AlreadyExists, "DuplicatePolicy",
              "A policy with the same name already exists.");
}

Result<ControlPolicy> ControlPolicies::create(meta::Transaction& transaction,
                                              const Organization& organization,
                                              ControlPolicy wanted) {
  TRY(check_content(wanted.content));
  TRY(check_name(transaction, organization, wanted.name, {}));
  TRY_ASSIGN(
      const auto count,
      select_number(transaction, "SELECT count(*) FROM control_policies WHERE organization = ?",
                    {organization.id}));
  if (count >= Quotas::kPolicies) {
    return violation("ConstraintViolation/POLICY_NUMBER_LIMIT_EXCEEDED",
                     "You have exceeded the allowed number of policies.");
  }
  wanted.id = "p-" + os_.random.characters(8, kIdLetters);
  wanted.aws_managed = false;
  TRY(transaction.execute(
      "INSERT INTO control_policies (id, organization, name, description, "
      "content) VALUES (?, ?, ?, ?, ?)",
      {wanted.id, organization.id, wanted.name, wanted.description, wanted.content}));
  return wanted;
}

Result<ControlPolicy> ControlPolicies::get(meta::Transaction& transaction,
                                           const Organization& organization, std::string_view id) {
  if (id == kFullAccess) return full_access();
  std::optional<ControlPolicy> found;
  TRY(
      transaction.query("SELECT id, name, description, content FROM control_policies WHERE id = ? "
                        "AND organization = ?",
                        {id, organization.id}, [&](const meta::Row& row) -> Result<> {
                          found = read_policy(row);
                          return {};
                        }));
  if (found) return std::move(*found);
  return fail(ErrorCode::NotFound, "PolicyNotFound", "You specified a policy that doesn't exist.");
}

Result<ControlPolicy> ControlPolicies::update(meta::Transaction& transaction,
                                              const Organization& organization, std::string_view id,
                                              const PolicyChanges& changes) {
  TRY_ASSIGN(auto policy, get(transaction, organization, id));
  if (policy.aws_managed) return immutable_policy();
  if (changes.name) {
    TRY(check_name(transaction, organization, *changes.name, id));
    policy.name = *changes.name;
  }
  if (changes.content) {
    TRY(check_content(*changes.content));
    policy.content = *changes.content;
  }
  if (changes.description) policy.description = *changes.description;
  organizations_.changed();
  TRY(transaction.execute(
      "UPDATE control_policies SET name = ?, description = ?, content = ? WHERE id = ?",
      {policy.name, policy.description, policy.content, id}));
  return policy;
}

Result<> ControlPolicies::remove(meta::Transaction& transaction, const Organization& organization,
                                 std::string_view id) {
  TRY_ASSIGN(const auto policy, get(transaction, organization, id));
  if (policy.aws_managed) return immutable_policy();
  TRY_ASSIGN(const bool used,
             has_rows(transaction,
                      "SELECT 1 FROM control_attachments WHERE organization = ? AND "
                      "policy = ?",
                      {organization.id, id}));
  if (used) {
    return violation("PolicyInUse",
                     "The policy is attached to one or more entities. You must detach it from all "
                     "roots, OUs, and accounts before performing this operation.");
  }
  TRY(transaction.execute("DELETE FROM organization_tags WHERE organization = ? AND resource = ?",
                          {organization.id, id}));
  TRY(transaction.execute("DELETE FROM control_policies WHERE id = ?", {id}));
  return {};
}

Result<identity::Page<ControlPolicy>> ControlPolicies::page(
    meta::Transaction& transaction, const std::string& where,
    const std::vector<meta::Argument>& arguments, const identity::Cursor& cursor) {
  identity::Page<ControlPolicy> out;
  TRY(transaction.query(where, arguments, [&](const meta::Row& row) -> Result<> {
    out.items.push_back(read_policy(row));
    return {};
  }));
  out.cut(cursor);
  return out;
}

Result<identity::Page<ControlPolicy>> ControlPolicies::list(meta::Transaction& transaction,
                                                            const Organization& organization,
                                                            const identity::Cursor& cursor) {
  return page(transaction,
              "SELECT * FROM (SELECT id, name, description, content FROM control_policies WHERE "
              "organization = ?1 UNION ALL SELECT ?2, '', '', '') WHERE id > ?3 ORDER BY id LIMIT "
              "?4",
              {organization.id, kFullAccess, cursor.after, cursor.rows_max()}, cursor);
}

Result<identity::Page<ControlPolicy>> ControlPolicies::list_of(meta::Transaction& transaction,
                                                               const Organization& organization,
                                                               std::string_view target,
                                                               const identity::Cursor& cursor) {
  TRY(get_target(transaction, organization, target));
  return page(transaction,
              "SELECT a.policy, p.name, p.description, p.content FROM control_attachments a LEFT "
              "JOIN control_policies p ON p.id = a.policy WHERE a.target = ? AND a.policy > ? "
              "ORDER BY a.policy LIMIT ?",
              {target, cursor.after, cursor.rows_max()}, cursor);
}

Result<Target> ControlPolicies::get_target(meta::Transaction& transaction,
                                           const Organization& organization, std::string_view id) {
  if (id == organization.root) return Target{std::string(id), "Root", TargetKind::Root};
  const auto kind = id.starts_with("ou-") ? TargetKind::Unit : TargetKind::Account;
  const std::string_view sql =
      kind == TargetKind::Unit
          ? "SELECT name FROM organizational_units WHERE id = ? AND organization = ?"
          : "SELECT a.name FROM organization_members m JOIN accounts a ON a.id = m.account WHERE "
            "m.account = ? AND m.organization = ?";
  std::optional<Target> found;
  TRY(transaction.query(sql, {id, organization.id}, [&](const meta::Row& row) -> Result<> {
    found = Target{std::string(id), row.text(0), kind};
    return {};
  }));
  if (found) return std::move(*found);
  return fail(ErrorCode::NotFound, "TargetNotFound", "You specified a target that doesn't exist.");
}

Result<identity::Page<Target>> ControlPolicies::targets_of(meta::Transaction& transaction,
                                                           const Organization& organization,
                                                           std::string_view policy,
                                                           const identity::Cursor& cursor) {
  TRY(get(transaction, organization, policy));
  identity::Page<std::string> ids;
  TRY(
      transaction.query("SELECT target FROM control_attachments WHERE organization = ? AND policy "
                        "= ? AND target > ? ORDER BY target LIMIT ?",
                        {organization.id, policy, cursor.after, cursor.rows_max()},
                        [&](const meta::Row& row) -> Result<> {
                          ids.items.push_back(row.text(0));
                          return {};
                        }));
  ids.cut(cursor);
  identity::Page<Target> out;
  out.more = ids.more;
  for (const auto& id : ids.items) {
    TRY_ASSIGN(auto target, get_target(transaction, organization, id));
    out.items.push_back(std::move(target));
  }
  return out;
}

Result<int64_t> ControlPolicies::count_of(meta::Transaction& transaction, std::string_view target) {
  return select_number(transaction, "SELECT count(*) FROM control_attachments WHERE target = ?",
                       {target});
}

Result<> ControlPolicies::attach(meta::Transaction& transaction, const Organization& organization,
                                 std::string_view policy, std::string_view target) {
  TRY(get(transaction, organization, policy));
  TRY(get_target(transaction, organization, target));
  if (!organization.controls_enabled) {
    return violation("PolicyTypeNotEnabled",
                     "This operation can be performed only for enabled policy types.");
  }
  TRY_ASSIGN(
      const bool there,
      has_rows(transaction, "SELECT 1 FROM control_attachments WHERE target = ? AND policy = ?",
               {target, policy}));
  if (there) {
    return fail(ErrorCode::AlreadyExists, "DuplicatePolicyAttachment",
                "A policy with the specified name and type already exists.");
  }
  TRY_ASSIGN(const auto count, count_of(transaction, target));
  if (count >= Quotas::kPoliciesPerTarget) {
    return violation("ConstraintViolation/MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
                     "You have exceeded the number of policies of a certain type that can be "
                     "attached to an entity at one time.");
  }
  organizations_.changed();
  TRY(transaction.execute(
      "INSERT INTO control_attachments (target, policy, organization) VALUES (?, ?, ?)",
      {target, policy, organization.id}));
  return {};
}

Result<> ControlPolicies::detach(meta::Transaction& transaction, const Organization& organization,
                                 std::string_view policy, std::string_view target) {
  TRY(get(transaction, organization, policy));
  TRY(get_target(transaction, organization, target));
  TRY_ASSIGN(
      const bool there,
      has_rows(transaction, "SELECT 1 FROM control_attachments WHERE target = ? AND policy = ?",
               {target, policy}));
  if (!there) {
    return violation("PolicyNotAttached",
                     "The policy isn't attached to the specified target in the specified root.");
  }
  TRY_ASSIGN(const auto count, count_of(transaction, target));
  if (count == 1) {
    return violation("ConstraintViolation/MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
                     "You cannot remove the last policy attached to the specified target. You must "
                     "have at least one attached at all times.");
  }
  organizations_.changed();
  TRY(transaction.execute("DELETE FROM control_attachments WHERE target = ? AND policy = ?",
                          {target, policy}));
  return {};
}

Result<> ControlPolicies::enable(meta::Transaction& transaction, const Organization& organization) {
  if (organization.controls_enabled) {
    return fail(ErrorCode::AlreadyExists, "PolicyTypeAlreadyEnabled",
                "The specified policy type is already enabled.");
  }
  TRY(organizations_.set_controls(transaction, organization, true));
  for (const std::string_view nodes :
       {"SELECT root FROM organizations WHERE id = ?2",
        "SELECT id FROM organizational_units WHERE organization = ?2",
        "SELECT account FROM organization_members WHERE organization = ?2"}) {
    TRY(transaction.execute(
        fmt::format("INSERT INTO control_attachments (target, policy, organization) SELECT n.*, "
                    "?1, ?2 FROM ({}) n",
                    nodes),
        {kFullAccess, organization.id}));
  }
  return {};
}

Result<> ControlPolicies::disable(meta::Transaction& transaction,
                                  const Organization& organization) {
  if (!organization.controls_enabled) {
    return violation("PolicyTypeNotEnabled",
                     "This operation can be performed only for enabled policy types.");
  }
  TRY(organizations_.set_controls(transaction, organization, false));
  TRY(transaction.execute("DELETE FROM control_attachments WHERE organization = ?",
                          {organization.id}));
  return {};
}

}  // namespace traccia::organization
