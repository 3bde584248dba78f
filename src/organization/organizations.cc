// Organizations in the control-plane store.
// SPDX-License-Identifier: Apache-2.0
#include "organization/organizations.h"

#include <fmt/format.h>

#include "identity/sql.h"

namespace traccia::organization {
namespace {

constexpr std::string_view kColumns =
    "o.id, o.management, o.root, o.features, o.controls, o.created";

Organization read_organization(const meta::Row& row) {
  Organization organization;
  organization.id = row.text(0);
  organization.management_account = row.text(1);
  organization.root = row.text(2);
  organization.features = static_cast<FeatureSet>(row.integer(3));
  organization.controls_enabled = row.integer(4) != 0;
  organization.created = from_unix_nanoseconds(row.integer(5));
  return organization;
}

}  // namespace

std::string Organization::arn() const {
  return fmt::format("arn:aws:organizations::{}:organization/{}", management_account, id);
}

std::string Organization::arn_of(std::string_view kind, std::string_view what) const {
  return fmt::format("arn:aws:organizations::{}:{}/{}/{}", management_account, kind, id, what);
}

Result<std::vector<std::string>> ancestors(meta::Transaction& transaction, std::string_view parent,
                                           std::string_view root) {
  std::vector<std::string> out{std::string(parent)};
  while (out.back() != root) {
    std::string above;
    TRY(transaction.query("SELECT parent FROM organizational_units WHERE id = ?", {out.back()},
                          [&](const meta::Row& row) -> Result<> {
                            above = row.text(0);
                            return {};
                          }));
    if (above.empty() || out.size() > Quotas::kUnitDepth) {
      return fail(ErrorCode::DataLoss, fmt::format("no way from '{}' to '{}'", parent, root));
    }
    out.push_back(std::move(above));
  }
  return out;
}

Result<std::vector<Organization>> Organizations::select(meta::Transaction& transaction,
                                                        std::string_view where,
                                                        std::string_view argument) {
  std::vector<Organization> found;
  TRY(transaction.query(fmt::format("SELECT {} FROM organizations o {}", kColumns, where),
                        {argument}, [&](const meta::Row& row) -> Result<> {
                          found.push_back(read_organization(row));
                          return {};
                        }));
  return found;
}

Result<std::optional<Organization>> Organizations::find(meta::Transaction& transaction,
                                                        std::string_view account) {
  TRY_ASSIGN(
      auto found,
      select(transaction,
             "JOIN organization_members m ON m.organization = o.id WHERE m.account = ?", account));
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

Result<Organization> Organizations::get(meta::Transaction& transaction, std::string_view account) {
  TRY_ASSIGN(auto found, find(transaction, account));
  if (found) return std::move(*found);
  return fail(ErrorCode::FailedPrecondition, "AWSOrganizationsNotInUse",
              "Your account is not a member of an organization.");
}

Result<Organization> Organizations::get_by_id(meta::Transaction& transaction, std::string_view id) {
  TRY_ASSIGN(auto found, select(transaction, "WHERE o.id = ?", id));
  if (!found.empty()) return std::move(found.front());
  return fail(ErrorCode::DataLoss, fmt::format("there is no organization '{}'", id));
}

Result<Organization> Organizations::create(meta::Transaction& transaction, std::string_view account,
                                           FeatureSet features) {
  TRY_ASSIGN(const auto there, find(transaction, account));
  if (there) {
    return fail(ErrorCode::AlreadyExists, "AlreadyInOrganization",
                "The AWS account is already a member of an organization.");
  }
  Organization made;
  made.id = "o-" + os_.random.characters(10, kIdLetters);
  made.management_account = account;
  made.features = features;
  made.created = os_.clock.now();
  // Roots are short: another may have the same one.
  for (bool taken = true; taken;) {
    made.root = "r-" + os_.random.characters(4, kIdLetters);
    TRY_ASSIGN(taken, identity::has_rows(transaction, "SELECT 1 FROM organizations WHERE root = ?",
                                         {made.root}));
  }
  changed();
  const auto now = to_unix_nanoseconds(made.created);
  TRY(transaction.execute(
      "INSERT INTO organizations (id, management, root, features, controls, created) VALUES (?, ?, "
      "?, ?, 0, ?)",
      {made.id, account, made.root, static_cast<int64_t>(features), now}));
  TRY(transaction.execute(
      "INSERT INTO organization_members (account, organization, parent, joined, method) VALUES (?, "
      "?, ?, ?, ?)",
      {account, made.id, made.root, now, static_cast<int64_t>(JoinedMethod::Invited)}));
  return made;
}

Result<> Organizations::remove(meta::Transaction& transaction, const Organization& organization) {
  TRY_ASSIGN(const bool others,
             identity::has_rows(transaction,
                                "SELECT 1 FROM organization_members WHERE organization = ? AND "
                                "account <> ? LIMIT 1",
                                {organization.id, organization.management_account}));
  if (others) {
    return fail(ErrorCode::FailedPrecondition, "OrganizationNotEmpty",
                "To delete an organization you must first remove all member accounts (except the "
                "master).");
  }
  changed();
  TRY(transaction.execute("DELETE FROM organizations WHERE id = ?", {organization.id}));
  return {};
}

Result<> Organizations::set_controls(meta::Transaction& transaction,
                                     const Organization& organization, bool enabled) {
  changed();
  TRY(transaction.execute("UPDATE organizations SET controls = ? WHERE id = ?",
                          {static_cast<int64_t>(enabled), organization.id}));
  return {};
}

Result<std::shared_ptr<const policy::Document>> Organizations::compile(std::string_view id,
                                                                       std::string_view text) {
  {
    const MutexLock lock(mutex_);
    const auto at = documents_.find(id);
    if (at != documents_.end() && at->second.text == text) return at->second.document;
  }
  auto parsed = policy::parse(text, {.kind = policy::Kind::ServiceControl});
  if (!parsed) {
    return fail(ErrorCode::DataLoss,
                fmt::format("stored service control policy '{}' cannot be read: {}", id,
                            parsed.error().message()));
  }
  auto document = std::make_shared<const policy::Document>(std::move(*parsed));
  const MutexLock lock(mutex_);
  if (documents_.size() >= kDocumentsMax) documents_.clear();
  documents_.insert_or_assign(std::string(id), Compiled{std::string(text), document});
  return document;
}

Result<policy::ControlLevel> Organizations::load_level(meta::Transaction& transaction,
                                                       std::string_view node) {
  policy::ControlLevel level{.node = std::string(node)};
  TRY(transaction.query(
      "SELECT a.policy, p.content, p.organization, o.management FROM control_attachments a LEFT "
      "JOIN control_policies p ON p.id = a.policy LEFT JOIN organizations o ON o.id = "
      "p.organization WHERE a.target = ? ORDER BY a.policy",
      {node}, [&](const meta::Row& row) -> Result<> {
        const auto id = row.text(0);
        const bool managed = id == kFullAccess;
        TRY_ASSIGN(auto document, compile(id, managed ? kFullAccessContent : row.view(1)));
        auto name =
            managed ? fmt::format("arn:aws:organizations::aws:policy/service_control_policy/{}", id)
                    : fmt::format("arn:aws:organizations::{}:policy/{}/service_control_policy/{}",
                                  row.view(3), row.view(2), id);
        level.policies.push_back({std::move(name), std::move(document)});
        return {};
      }));
  return level;
}

Result<Membership> Organizations::load(meta::Transaction& transaction, std::string_view account) {
  Membership out;
  std::string parent;
  TRY(transaction.query("SELECT parent FROM organization_members WHERE account = ?", {account},
                        [&](const meta::Row& row) -> Result<> {
                          parent = row.text(0);
                          return {};
                        }));
  if (parent.empty()) return out;
  TRY_ASSIGN(const auto organization, get(transaction, account));
  TRY_ASSIGN(auto nodes, ancestors(transaction, parent, organization.root));
  out.organization = organization.id;
  out.management_account = organization.management_account;
  out.path = organization.id + '/';
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) out.path += *node + '/';
  if (!organization.controls_enabled || account == organization.management_account) return out;
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    TRY_ASSIGN(auto level, load_level(transaction, *node));
    out.service_control.push_back(std::move(level));
  }
  TRY_ASSIGN(auto level, load_level(transaction, account));
  out.service_control.push_back(std::move(level));
  return out;
}

Result<std::shared_ptr<const Membership>> Organizations::membership_of(
    meta::Transaction& transaction, std::string_view account) {
  return cache_.find(transaction, {}, account, [&] { return load(transaction, account); });
}

}  // namespace traccia::organization
