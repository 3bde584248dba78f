// An organization's records in the control-plane store.
// SPDX-License-Identifier: Apache-2.0
#include "organization/records.h"

#include <set>

#include "identity/sql.h"
#include "policy/request.h"

namespace traccia::organization {
namespace {

constexpr std::string_view kRequest =
    "SELECT id, name, coalesce(account, ''), failure, requested FROM account_requests WHERE ";

AccountRequest read_request(const meta::Row& row) {
  return {row.text(0), row.text(1), row.text(2), row.text(3),
          from_unix_nanoseconds(row.integer(4))};
}

Result<identity::Page<Dated>> read_dated(meta::Transaction& transaction, std::string_view sql,
                                         const std::vector<meta::Argument>& arguments,
                                         const identity::Cursor& cursor) {
  identity::Page<Dated> page;
  TRY(transaction.query(sql, arguments, [&](const meta::Row& row) -> Result<> {
    page.items.push_back({row.text(0), from_unix_nanoseconds(row.integer(1))});
    return {};
  }));
  page.cut(cursor);
  return page;
}

}  // namespace

Result<> put_request(meta::Transaction& transaction, const Organization& organization,
                     const AccountRequest& request) {
  TRY(transaction.execute(
      "INSERT INTO account_requests (id, organization, name, account, failure, requested) VALUES "
      "(?, ?, ?, ?, ?, ?)",
      {request.id, organization.id, request.name,
       request.account.empty() ? meta::Argument(nullptr) : meta::Argument(request.account),
       request.failure, to_unix_nanoseconds(request.requested)}));
  return {};
}

Result<AccountRequest> get_request(meta::Transaction& transaction, const Organization& organization,
                                   std::string_view id) {
  std::optional<AccountRequest> found;
  TRY(transaction.query(std::string(kRequest) + "id = ? AND organization = ?",
                        {id, organization.id}, [&](const meta::Row& row) -> Result<> {
                          found = read_request(row);
                          return {};
                        }));
  if (found) return std::move(*found);
  return fail(ErrorCode::NotFound, "CreateAccountStatusNotFound",
              "We can't find an create account request with the CreateAccountRequestId that you "
              "specified.");
}

Result<identity::Page<AccountRequest>> list_requests(meta::Transaction& transaction,
                                                     const Organization& organization,
                                                     Outcome outcome,
                                                     const identity::Cursor& cursor) {
  identity::Page<AccountRequest> page;
  const auto wanted = static_cast<int64_t>(outcome);
  TRY(transaction.query(std::string(kRequest) +
                            "organization = ?1 AND id > ?2 AND (?3 = 0 OR (failure = '') = (?3 = "
                            "1)) ORDER BY id LIMIT ?4",
                        {organization.id, cursor.after, wanted, cursor.rows_max()},
                        [&](const meta::Row& row) -> Result<> {
                          page.items.push_back(read_request(row));
                          return {};
                        }));
  page.cut(cursor);
  return page;
}

Result<> trust_service(meta::Transaction& transaction, const Organization& organization,
                       std::string_view service, Time now) {
  TRY(
      transaction.execute("INSERT OR IGNORE INTO trusted_services (organization, service, enabled) "
                          "VALUES (?, ?, ?)",
                          {organization.id, service, to_unix_nanoseconds(now)}));
  return {};
}

Result<> distrust_service(meta::Transaction& transaction, const Organization& organization,
                          std::string_view service) {
  TRY(transaction.execute("DELETE FROM trusted_services WHERE organization = ? AND service = ?",
                          {organization.id, service}));
  return {};
}

Result<bool> trusts_service(meta::Transaction& transaction, const Organization& organization,
                            std::string_view service) {
  return identity::has_rows(transaction,
                            "SELECT 1 FROM trusted_services WHERE organization = ? AND service = ?",
                            {organization.id, service});
}

Result<identity::Page<Dated>> list_trusted(meta::Transaction& transaction,
                                           const Organization& organization,
                                           const identity::Cursor& cursor) {
  return read_dated(transaction,
                    "SELECT service, enabled FROM trusted_services WHERE organization = ? AND "
                    "service > ? ORDER BY service LIMIT ?",
                    {organization.id, cursor.after, cursor.rows_max()}, cursor);
}

Result<> delegate(meta::Transaction& transaction, const Organization& organization,
                  const Delegation& delegation, Time now) {
  if (delegation.account == organization.management_account) {
    return fail(ErrorCode::FailedPrecondition,
                "ConstraintViolation/CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR",
                "You cannot register master account/yourself as delegated administrator for your "
                "organization.");
  }
  TRY_ASSIGN(const bool there,
             identity::has_rows(transaction,
                                "SELECT 1 FROM delegated_administrators WHERE organization = "
                                "? AND account = ? AND service = ?",
                                {organization.id, delegation.account, delegation.service}));
  if (there) {
    return fail(ErrorCode::AlreadyExists, "AccountAlreadyRegistered",
                "The provided account is already a delegated administrator for your organization.");
  }
  TRY(transaction.execute(
      "INSERT INTO delegated_administrators (organization, account, service, enabled) VALUES (?, "
      "?, ?, ?)",
      {organization.id, delegation.account, delegation.service, to_unix_nanoseconds(now)}));
  return {};
}

Result<> end_delegation(meta::Transaction& transaction, const Organization& organization,
                        const Delegation& delegation) {
  TRY_ASSIGN(const auto removed,
             transaction.execute("DELETE FROM delegated_administrators WHERE organization = ? AND "
                                 "account = ? AND service = ?",
                                 {organization.id, delegation.account, delegation.service}));
  if (removed > 0) return {};
  return fail(ErrorCode::NotFound, "AccountNotRegistered",
              "The provided account is not a registered delegated administrator for your "
              "organization.");
}

Result<bool> is_delegated(meta::Transaction& transaction, const Organization& organization,
                          std::string_view account) {
  return identity::has_rows(
      transaction,
      "SELECT 1 FROM delegated_administrators WHERE organization = ? AND account = ? LIMIT 1",
      {organization.id, account});
}

Result<identity::Page<Dated>> list_delegated(meta::Transaction& transaction,
                                             const Organization& organization,
                                             std::optional<std::string_view> service,
                                             const identity::Cursor& cursor) {
  return read_dated(transaction,
                    "SELECT account, min(enabled) FROM delegated_administrators WHERE organization "
                    "= ?1 AND account > ?2 AND (?3 = '' OR service = ?3) GROUP BY account ORDER BY "
                    "account LIMIT ?4",
                    {organization.id, cursor.after, service.value_or(""), cursor.rows_max()},
                    cursor);
}

Result<identity::Page<Dated>> list_delegated_services(meta::Transaction& transaction,
                                                      const Organization& organization,
                                                      std::string_view account,
                                                      const identity::Cursor& cursor) {
  return read_dated(transaction,
                    "SELECT service, enabled FROM delegated_administrators WHERE organization = ? "
                    "AND account = ? AND service > ? ORDER BY service LIMIT ?",
                    {organization.id, account, cursor.after, cursor.rows_max()}, cursor);
}

Result<std::vector<identity::Tag>> list_tags(meta::Transaction& transaction,
                                             const Organization& organization,
                                             std::string_view resource) {
  std::vector<identity::Tag> tags;
  TRY(
      transaction.query("SELECT key, value FROM organization_tags WHERE organization = ? AND "
                        "resource = ? ORDER BY key",
                        {organization.id, resource}, [&](const meta::Row& row) -> Result<> {
                          tags.push_back({row.text(0), row.text(1)});
                          return {};
                        }));
  return tags;
}

Result<> set_tags(meta::Transaction& transaction, const Organization& organization,
                  std::string_view resource, const std::vector<identity::Tag>& tags) {
  std::set<std::string_view> keys;
  for (const auto& tag : tags) {
    if (policy::to_lower(tag.key).starts_with("aws:")) {
      return fail(ErrorCode::InvalidArgument, "InvalidInput/INVALID_SYSTEM_TAGS_PARAMETER",
                  "You specified a tag key that is a system tag. You can't add, edit, or delete "
                  "system tag keys because they're reserved for AWS use.");
    }
    if (!keys.insert(tag.key).second) {
      return fail(ErrorCode::InvalidArgument, "InvalidInput/DUPLICATE_TAG_KEY",
                  "Tag keys must be unique among the tags attached to the same entity.");
    }
    TRY(transaction.execute(
        "INSERT OR REPLACE INTO organization_tags (organization, resource, key, "
        "value) VALUES (?, ?, ?, ?)",
        {organization.id, resource, tag.key, tag.value}));
  }
  TRY_ASSIGN(const auto count,
             identity::select_number(
                 transaction,
                 "SELECT count(*) FROM organization_tags WHERE organization = ? AND resource = ?",
                 {organization.id, resource}));
  if (count <= Quotas::kTags) return {};
  return fail(ErrorCode::FailedPrecondition, "ConstraintViolation/MAX_TAG_LIMIT_EXCEEDED",
              "You have exceeded the number of tags allowed on this resource.");
}

Result<> remove_tags(meta::Transaction& transaction, const Organization& organization,
                     std::string_view resource, const std::vector<std::string>& keys) {
  for (const auto& key : keys) {
    TRY(transaction.execute(
        "DELETE FROM organization_tags WHERE organization = ? AND resource = ? AND key = ?",
        {organization.id, resource, key}));
  }
  return {};
}

}  // namespace traccia::organization
