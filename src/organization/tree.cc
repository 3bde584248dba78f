// The tree in the control-plane store.
// SPDX-License-Identifier: Apache-2.0
#include "organization/tree.h"

#include <fmt/format.h>

#include "identity/sql.h"

namespace traccia::organization {
namespace {

using identity::has_rows;
using identity::select_number;

std::unexpected<Error> no_unit() {
  return fail(ErrorCode::NotFound, "OrganizationalUnitNotFound",
              "You specified an organizational unit that doesn't exist.");
}

Member read_member(const meta::Row& row) {
  Member member;
  member.account.id = row.text(0);
  member.account.name = row.text(1);
  member.account.email = row.text(2);
  member.account.state = static_cast<identity::AccountState>(row.integer(3));
  member.parent = row.text(4);
  member.joined = from_unix_nanoseconds(row.integer(5));
  member.method = static_cast<JoinedMethod>(row.integer(6));
  return member;
}

constexpr std::string_view kMembers =
    "SELECT a.id, a.name, a.email, a.state, m.parent, m.joined, m.method FROM "
    "organization_members m JOIN accounts a ON a.id = m.account WHERE ";

}  // namespace

Result<> Tree::check_parent(meta::Transaction& transaction, const Organization& organization,
                            std::string_view id) {
  if (id == organization.root) return {};
  TRY_ASSIGN(
      const bool there,
      has_rows(transaction, "SELECT 1 FROM organizational_units WHERE id = ? AND organization = ?",
               {id, organization.id}));
  if (there) return {};
  return fail(ErrorCode::NotFound, "ParentNotFound", "You specified parent that doesn't exist.");
}

Result<> Tree::check_name(meta::Transaction& transaction, std::string_view parent,
                          std::string_view name, std::string_view except) {
  TRY_ASSIGN(
      const bool taken,
      has_rows(transaction,
               "SELECT 1 FROM organizational_units WHERE parent = ? AND name = ? AND id <> ?",
               {parent, name, except}));
  if (!taken) return {};
  return fail(ErrorCode::AlreadyExists, "DuplicateOrganizationalUnit",
              "An OU with the same name already exists.");
}

Result<Unit> Tree::create_unit(meta::Transaction& transaction, const Organization& organization,
                               std::string_view parent, std::string_view name) {
  TRY(check_parent(transaction, organization, parent));
  TRY_ASSIGN(const auto above, ancestors(transaction, parent, organization.root));
  if (above.size() > Quotas::kUnitDepth) {
    return fail(ErrorCode::FailedPrecondition, "ConstraintViolation/OU_DEPTH_LIMIT_EXCEEDED",
                "You have exceeded the OU depth limit.");
  }
  TRY_ASSIGN(
      const auto count,
      select_number(transaction, "SELECT count(*) FROM organizational_units WHERE organization = ?",
                    {organization.id}));
  if (count >= Quotas::kUnits) {
    return fail(ErrorCode::FailedPrecondition, "ConstraintViolation/OU_NUMBER_LIMIT_EXCEEDED",
                "You have exceeded the allowed number of OUs.");
  }
  TRY(check_name(transaction, parent, name, {}));
  Unit unit{.name = std::string(name), .parent = std::string(parent)};
  unit.id =
      fmt::format("ou-{}-{}", organization.root.substr(2), os_.random.characters(8, kIdLetters));
  TRY(transaction.execute(
      "INSERT INTO organizational_units (id, organization, parent, name) VALUES (?, ?, ?, ?)",
      {unit.id, organization.id, parent, name}));
  TRY(attach_full_access(transaction, organization, unit.id));
  return unit;
}

// Every node has a policy while the type is enabled ("SCP evaluation").
Result<> Tree::attach_full_access(meta::Transaction& transaction, const Organization& organization,
                                  std::string_view node) {
  organizations_.changed();
  if (!organization.controls_enabled) return {};
  TRY(transaction.execute(
      "INSERT INTO control_attachments (target, policy, organization) VALUES (?, ?, ?)",
      {node, kFullAccess, organization.id}));
  return {};
}

Result<> Tree::forget_node(meta::Transaction& transaction, const Organization& organization,
                           std::string_view node) {
  organizations_.changed();
  TRY(transaction.execute("DELETE FROM control_attachments WHERE target = ?", {node}));
  TRY(transaction.execute("DELETE FROM organization_tags WHERE organization = ? AND resource = ?",
                          {organization.id, node}));
  return {};
}

Result<Unit> Tree::get_unit(meta::Transaction& transaction, const Organization& organization,
                            std::string_view id) {
  std::optional<Unit> found;
  TRY(transaction.query(
      "SELECT id, name, parent FROM organizational_units WHERE id = ? AND organization = ?",
      {id, organization.id}, [&](const meta::Row& row) -> Result<> {
        found = Unit{row.text(0), row.text(1), row.text(2)};
        return {};
      }));
  if (!found) return no_unit();
  return std::move(*found);
}

Result<Unit> Tree::rename_unit(meta::Transaction& transaction, const Organization& organization,
                               std::string_view id, std::string_view name) {
  TRY_ASSIGN(auto unit, get_unit(transaction, organization, id));
  TRY(check_name(transaction, unit.parent, name, id));
  TRY(transaction.execute("UPDATE organizational_units SET name = ? WHERE id = ?", {name, id}));
  unit.name = name;
  return unit;
}

Result<> Tree::remove_unit(meta::Transaction& transaction, const Organization& organization,
                           std::string_view id) {
  TRY(get_unit(transaction, organization, id));
  TRY_ASSIGN(const bool units,
             has_rows(transaction, "SELECT 1 FROM organizational_units WHERE parent = ?", {id}));
  TRY_ASSIGN(const bool members,
             has_rows(transaction, "SELECT 1 FROM organization_members WHERE parent = ?", {id}));
  if (units || members) {
    return fail(ErrorCode::FailedPrecondition, "OrganizationalUnitNotEmpty",
                "The specified OU is not empty. Move all accounts to another root or to other OUs, "
                "remove all child OUs, and try the operation again.");
  }
  TRY(forget_node(transaction, organization, id));
  TRY(transaction.execute("DELETE FROM organizational_units WHERE id = ?", {id}));
  return {};
}

Result<identity::Page<Unit>> Tree::units_of(meta::Transaction& transaction, std::string_view parent,
                                            const identity::Cursor& cursor) {
  identity::Page<Unit> page;
  TRY(transaction.query(
      "SELECT id, name, parent FROM organizational_units WHERE parent = ? AND "
      "id > ? ORDER BY id LIMIT ?",
      {parent, cursor.after, cursor.rows_max()}, [&](const meta::Row& row) -> Result<> {
        page.items.push_back({row.text(0), row.text(1), row.text(2)});
        return {};
      }));
  page.cut(cursor);
  return page;
}

Result<> Tree::add_member(meta::Transaction& transaction, const Organization& organization,
                          std::string_view account, JoinedMethod method) {
  // The account that runs the server leads the one large organization.
  TRY_ASSIGN(const bool of_operator,
             has_rows(transaction, "SELECT 1 FROM accounts WHERE id = ? AND management = 1",
                      {organization.management_account}));
  TRY_ASSIGN(
      const auto count,
      select_number(transaction, "SELECT count(*) FROM organization_members WHERE organization = ?",
                    {organization.id}));
  if (count >= (of_operator ? Quotas::kAccountsOfOperator : Quotas::kAccounts)) {
    return fail(ErrorCode::FailedPrecondition, "ConstraintViolation/ACCOUNT_NUMBER_LIMIT_EXCEEDED",
                "You have exceeded the allowed number of AWS accounts.");
  }
  TRY(transaction.execute(
      "INSERT INTO organization_members (account, organization, parent, joined, method) VALUES (?, "
      "?, ?, ?, ?)",
      {account, organization.id, organization.root, to_unix_nanoseconds(os_.clock.now()),
       static_cast<int64_t>(method)}));
  return attach_full_access(transaction, organization, account);
}

Result<Member> Tree::get_member(meta::Transaction& transaction, const Organization& organization,
                                std::string_view account) {
  std::optional<Member> found;
  TRY(transaction.query(fmt::format("{}m.account = ? AND m.organization = ?", kMembers),
                        {account, organization.id}, [&](const meta::Row& row) -> Result<> {
                          found = read_member(row);
                          return {};
                        }));
  if (found) return std::move(*found);
  return fail(ErrorCode::NotFound, "AccountNotFound",
              "You specified an account that doesn't exist.");
}

Result<identity::Page<Member>> Tree::members(meta::Transaction& transaction,
                                             const Organization& organization,
                                             std::optional<std::string_view> parent,
                                             const identity::Cursor& cursor) {
  identity::Page<Member> page;
  TRY(transaction.query(
      fmt::format("{}m.{} = ? AND m.account > ? ORDER BY m.account LIMIT ?", kMembers,
                  parent ? "parent" : "organization"),
      {parent ? *parent : std::string_view(organization.id), cursor.after, cursor.rows_max()},
      [&](const meta::Row& row) -> Result<> {
        page.items.push_back(read_member(row));
        return {};
      }));
  page.cut(cursor);
  return page;
}

Result<> Tree::move(meta::Transaction& transaction, const Member& member, std::string_view parent) {
  organizations_.changed();
  TRY(transaction.execute("UPDATE organization_members SET parent = ? WHERE account = ?",
                          {parent, member.account.id}));
  return {};
}

Result<> Tree::remove_member(meta::Transaction& transaction, const Organization& organization,
                             std::string_view account) {
  TRY_ASSIGN(const bool delegated,
             has_rows(transaction,
                      "SELECT 1 FROM delegated_administrators WHERE organization = ? "
                      "AND account = ?",
                      {organization.id, account}));
  if (delegated) {
    return fail(ErrorCode::FailedPrecondition,
                "ConstraintViolation/CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG",
                "You attempted to remove an account that is registered as a delegated "
                "administrator for a service integrated with your organization.");
  }
  TRY(forget_node(transaction, organization, account));
  TRY(transaction.execute("DELETE FROM organization_members WHERE account = ?", {account}));
  return {};
}

}  // namespace traccia::organization
