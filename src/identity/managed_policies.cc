// Managed policies in the control-plane store.
// SPDX-License-Identifier: Apache-2.0
#include "identity/managed_policies.h"

#include <fmt/format.h>

#include <charconv>

#include "identity/aws_managed.h"
#include "identity/entities.h"
#include "identity/ids.h"
#include "identity/sql.h"
#include "policy/document.h"

namespace traccia::identity {
namespace {

constexpr std::string_view kColumns =
    "arn, id, name, path, description, created, updated, default_version, "
    "(SELECT count(*) FROM attached_policies a WHERE a.policy = p.arn), "
    "(SELECT count(*) FROM entities e WHERE e.boundary = p.arn)";

ManagedPolicy read_policy(const meta::Row& row) {
  ManagedPolicy policy;
  policy.arn = row.text(0);
  policy.id = row.text(1);
  policy.name = row.text(2);
  policy.path = row.text(3);
  policy.description = row.text(4);
  policy.created = from_unix_nanoseconds(row.integer(5));
  policy.updated = from_unix_nanoseconds(row.integer(6));
  policy.default_version = row.integer(7);
  policy.attachments = row.integer(8);
  policy.boundaries = row.integer(9);
  return policy;
}

Result<ManagedPolicy> describe_aws_managed(meta::Transaction& transaction,
                                           std::string_view account_id,
                                           const AwsManagedPolicy& source) {
  ManagedPolicy policy{.arn = source.arn,
                       .id = source.id,
                       .name = source.name,
                       .path = source.path,
                       .description = source.description,
                       .created = source.created,
                       .updated = source.updated,
                       .default_version = source.version};
  TRY_ASSIGN(policy.attachments,
             select_number(transaction,
                           "SELECT count(*) FROM attached_policies a JOIN entities e ON e.id = "
                           "a.entity WHERE a.policy = ? AND e.account = ?",
                           {source.arn, account_id}));
  TRY_ASSIGN(
      policy.boundaries,
      select_number(transaction, "SELECT count(*) FROM entities WHERE boundary = ? AND account = ?",
                    {source.arn, account_id}));
  return policy;
}

bool passes(const PolicyFilter& filter, const ManagedPolicy& policy) {
  if (!policy.path.starts_with(filter.path_prefix)) return false;
  switch (filter.usage) {
    case PolicyUsage::Any:
      return !filter.only_attached || policy.attachments + policy.boundaries > 0;
    case PolicyUsage::Permissions:
      return policy.attachments > 0;
    case PolicyUsage::Boundary:
      return policy.boundaries > 0;
  }
  return false;
}

// "v12" → 12; 0 for anything else.
int64_t version_number(std::string_view id) {
  int64_t number = 0;
  if (!id.starts_with('v')) return 0;
  const auto parsed = std::from_chars(id.data() + 1, id.data() + id.size(), number);
  return parsed.ec == std::errc() && parsed.ptr == id.data() + id.size() && number > 0 ? number : 0;
}

std::unexpected<Error> no_version(std::string_view arn, std::string_view version_id) {
  return fail(
      ErrorCode::NotFound, "NoSuchEntity",
      fmt::format("Policy {} version {} does not exist or is not attachable.", arn, version_id));
}

// Sizes are the caller's to judge: they have a text of their own.
Result<> check_document(std::string_view document) {
  const policy::DocumentType type{.kind = policy::Kind::Identity};
  const auto size = policy::count_characters(document, policy::Limits::WhiteSpace::Skipped);
  if (size > static_cast<size_t>(Quotas::kManagedPolicySize)) {
    return fail(ErrorCode::FailedPrecondition, "LimitExceeded",
                fmt::format("Cannot exceed quota for PolicySize: {}", Quotas::kManagedPolicySize));
  }
  TRY(policy::parse(document, type));
  return {};
}

}  // namespace

Result<> check_policy_arn(std::string_view arn) {
  constexpr std::string_view kPrefix = "arn:aws:iam::";
  const auto rest = arn.substr(std::min(kPrefix.size(), arn.size()));
  const auto colon = rest.find(':');
  if (arn.starts_with(kPrefix) && colon != rest.npos &&
      rest.substr(colon).starts_with(":policy/")) {
    return {};
  }
  return fail(ErrorCode::InvalidArgument, "InvalidInput", fmt::format("ARN {} is not valid.", arn));
}

Result<std::optional<ManagedPolicy>> ManagedPolicies::find(meta::Transaction& transaction,
                                                           const PolicyName& name) {
  std::optional<ManagedPolicy> found;
  if (const auto* known = find_aws_managed_policy(name.arn)) {
    TRY_ASSIGN(found, describe_aws_managed(transaction, name.account_id, *known));
    return found;
  }
  TRY(transaction.query(
      fmt::format("SELECT {} FROM managed_policies p WHERE arn = ? AND account = ?", kColumns),
      {name.arn, name.account_id}, [&](const meta::Row& row) -> Result<> {
        found = read_policy(row);
        return {};
      }));
  return found;
}

Result<ManagedPolicy> ManagedPolicies::get(meta::Transaction& transaction, const PolicyName& name) {
  TRY(check_policy_arn(name.arn));
  TRY_ASSIGN(auto found, find(transaction, name));
  if (found) return std::move(*found);
  return fail(ErrorCode::NotFound, "NoSuchEntity",
              fmt::format("Policy {} was not found.", name.arn));
}

Result<ManagedPolicy> ManagedPolicies::get_own(meta::Transaction& transaction,
                                               const PolicyName& name) {
  if (find_aws_managed_policy(name.arn) != nullptr) {
    return fail(ErrorCode::PermissionDenied, "AccessDenied",
                fmt::format("Policy {} is managed by AWS and cannot be changed.", name.arn));
  }
  return get(transaction, name);
}

Result<ManagedPolicy> ManagedPolicies::create(meta::Transaction& transaction,
                                              const NewPolicy& wanted) {
  TRY(check_document(wanted.document));
  TRY_ASSIGN(const bool taken,
             has_rows(transaction, "SELECT 1 FROM managed_policies WHERE account = ? AND name = ?",
                      {wanted.account_id, wanted.name}));
  if (taken) {
    return fail(ErrorCode::AlreadyExists, "EntityAlreadyExists",
                fmt::format("A policy called {} already exists. Duplicate names are not allowed.",
                            wanted.name));
  }
  TRY_ASSIGN(const auto others, count(transaction, wanted.account_id));
  if (others >= Quotas::kPolicies) {
    return fail(ErrorCode::FailedPrecondition, "LimitExceeded",
                fmt::format("Cannot exceed quota for PoliciesPerAccount: {}", Quotas::kPolicies));
  }
  ManagedPolicy made;
  made.id = "ANPA" + os_.random.characters(17, kIdLetters);
  made.name = wanted.name;
  made.path = wanted.path;
  made.description = wanted.description;
  made.arn = fmt::format("arn:aws:iam::{}:policy{}{}", wanted.account_id, made.path, made.name);
  made.created = made.updated = os_.clock.now();
  const auto now = to_unix_nanoseconds(made.created);
  TRY(transaction.execute(
      "INSERT INTO managed_policies (arn, id, account, name, path, description, created, updated, "
      "default_version, last_version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, 1)",
      {made.arn, made.id, wanted.account_id, made.name, made.path, made.description, now, now}));
  TRY(transaction.execute(
      "INSERT INTO policy_versions (policy, version, document, created) VALUES (?, 1, ?, ?)",
      {made.arn, wanted.document, now}));
  return made;
}

Result<Page<ManagedPolicy>> ManagedPolicies::list(meta::Transaction& transaction,
                                                  std::string_view account_id,
                                                  const PolicyFilter& filter,
                                                  const Cursor& cursor) {
  Page<ManagedPolicy> page;
  const auto full = [&] { return page.items.size() > cursor.items_max; };
  const auto take = [&](ManagedPolicy policy) {
    if (!full() && passes(filter, policy)) page.items.push_back(std::move(policy));
  };
  if (filter.scope != PolicyScope::Aws) {
    TRY(transaction.query(
        fmt::format("SELECT {} FROM managed_policies p WHERE account = ? AND arn > ? ORDER BY arn",
                    kColumns),
        {account_id, cursor.after}, [&](const meta::Row& row) -> Result<> {
          take(read_policy(row));
          return {};
        }));
  }
  if (filter.scope != PolicyScope::Local) {
    for (const auto& source : aws_managed_policies()) {
      if (source.arn <= cursor.after) continue;
      TRY_ASSIGN(auto policy, describe_aws_managed(transaction, account_id, source));
      take(std::move(policy));
    }
  }
  page.cut(cursor);
  return page;
}

Result<int64_t> ManagedPolicies::count(meta::Transaction& transaction,
                                       std::string_view account_id) {
  return select_number(transaction, "SELECT count(*) FROM managed_policies WHERE account = ?",
                       {account_id});
}

Result<int64_t> ManagedPolicies::count_versions(meta::Transaction& transaction,
                                                std::string_view account_id) {
  return select_number(transaction,
                       "SELECT count(*) FROM policy_versions v JOIN managed_policies p ON p.arn = "
                       "v.policy WHERE p.account = ?",
                       {account_id});
}

Result<> ManagedPolicies::remove(meta::Transaction& transaction, const PolicyName& name) {
  TRY_ASSIGN(const auto policy, get_own(transaction, name));
  if (policy.attachments + policy.boundaries > 0) {
    return fail(ErrorCode::FailedPrecondition, "DeleteConflict",
                "Cannot delete a policy attached to entities.");
  }
  TRY_ASSIGN(const auto versions, list_versions(transaction, name));
  if (versions.size() > 1) {
    return fail(ErrorCode::FailedPrecondition, "DeleteConflict",
                "This policy has more than one version. Before you delete a policy, you must "
                "delete the policy's versions. The default version is deleted with the policy.");
  }
  TRY(forget_tags(transaction, policy.id));
  TRY(transaction.execute("DELETE FROM policy_versions WHERE policy = ?", {policy.arn}));
  TRY(transaction.execute("DELETE FROM managed_policies WHERE arn = ?", {policy.arn}));
  return {};
}

Result<PolicyVersion> ManagedPolicies::create_version(meta::Transaction& transaction,
                                                      const PolicyName& name,
                                                      std::string_view document,
                                                      MakeDefault make_default) {
  TRY_ASSIGN(const auto policy, get_own(transaction, name));
  TRY(check_document(document));
  TRY_ASSIGN(const auto versions, list_versions(transaction, name));
  if (versions.size() >= static_cast<size_t>(Quotas::kVersionsPerPolicy)) {
    return fail(ErrorCode::FailedPrecondition, "LimitExceeded",
                "A managed policy can have up to 5 versions. Before you create a new version, you "
                "must delete an existing version.");
  }
  PolicyVersion made;
  made.is_default = make_default == MakeDefault::Yes;
  made.created = os_.clock.now();
  const auto now = to_unix_nanoseconds(made.created);
  TRY_ASSIGN(const auto last,
             select_number(transaction, "SELECT last_version FROM managed_policies WHERE arn = ?",
                           {policy.arn}));
  made.number = last + 1;
  cache_.forget(name.account_id);
  TRY(transaction.execute(
      "INSERT INTO policy_versions (policy, version, document, created) VALUES (?, ?, ?, ?)",
      {policy.arn, made.number, document, now}));
  TRY(transaction.execute(
      "UPDATE managed_policies SET last_version = ?, updated = ?, default_version = ? WHERE arn = "
      "?",
      {made.number, now, made.is_default ? made.number : policy.default_version, policy.arn}));
  return made;
}

Result<PolicyVersion> ManagedPolicies::get_version(meta::Transaction& transaction,
                                                   const PolicyName& name,
                                                   std::string_view version_id) {
  TRY_ASSIGN(const auto policy, get(transaction, name));
  const auto number = version_number(version_id);
  if (const auto* known = find_aws_managed_policy(name.arn)) {
    if (number != known->version) return no_version(name.arn, version_id);
    return PolicyVersion{number, true, known->updated, known->document};
  }
  std::optional<PolicyVersion> found;
  TRY(transaction.query(
      "SELECT created, document FROM policy_versions WHERE policy = ? AND version = ?",
      {policy.arn, number}, [&](const meta::Row& row) -> Result<> {
        found = PolicyVersion{number, number == policy.default_version,
                              from_unix_nanoseconds(row.integer(0)), row.text(1)};
        return {};
      }));
  if (!found) return no_version(name.arn, version_id);
  return std::move(*found);
}

Result<std::vector<PolicyVersion>> ManagedPolicies::list_versions(meta::Transaction& transaction,
                                                                  const PolicyName& name) {
  TRY_ASSIGN(const auto policy, get(transaction, name));
  std::vector<PolicyVersion> versions;
  if (const auto* known = find_aws_managed_policy(name.arn)) {
    versions.push_back({known->version, true, known->updated, {}});
    return versions;
  }
  TRY(transaction.query(
      "SELECT version, created FROM policy_versions WHERE policy = ? ORDER BY version DESC",
      {policy.arn}, [&](const meta::Row& row) -> Result<> {
        versions.push_back({row.integer(0),
                            row.integer(0) == policy.default_version,
                            from_unix_nanoseconds(row.integer(1)),
                            {}});
        return {};
      }));
  return versions;
}

Result<> ManagedPolicies::set_default_version(meta::Transaction& transaction,
                                              const PolicyName& name, std::string_view version_id) {
  TRY_ASSIGN(const auto policy, get_own(transaction, name));
  TRY_ASSIGN(const auto version, get_version(transaction, name, version_id));
  cache_.forget(name.account_id);
  TRY(transaction.execute(
      "UPDATE managed_policies SET default_version = ?, updated = ? WHERE arn = ?",
      {version.number, to_unix_nanoseconds(os_.clock.now()), policy.arn}));
  return {};
}

Result<> ManagedPolicies::remove_version(meta::Transaction& transaction, const PolicyName& name,
                                         std::string_view version_id) {
  TRY_ASSIGN(const auto policy, get_own(transaction, name));
  TRY_ASSIGN(const auto version, get_version(transaction, name, version_id));
  if (version.is_default) {
    return fail(ErrorCode::FailedPrecondition, "DeleteConflict",
                "Cannot delete the default version of a policy.");
  }
  TRY(transaction.execute("DELETE FROM policy_versions WHERE policy = ? AND version = ?",
                          {policy.arn, version.number}));
  return {};
}

}  // namespace traccia::identity
