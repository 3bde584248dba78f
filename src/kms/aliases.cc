// Aliases in the control-plane store.
// SPDX-License-Identifier: Apache-2.0
#include "kms/aliases.h"

#include <fmt/format.h>

#include "identity/sql.h"
#include "kms/key_name.h"
#include "kms/keys.h"

namespace traccia::kms {
namespace {

constexpr std::string_view kSelect =
    "SELECT arn, name, key, created, updated FROM kms_aliases WHERE ";

Alias read_alias(const meta::Row& row) {
  return {row.text(0), row.text(1), row.text(2), from_unix_nanoseconds(row.integer(3)),
          from_unix_nanoseconds(row.integer(4))};
}

Result<> check_count(meta::Transaction& transaction, const Key& key) {
  TRY_ASSIGN(const auto count,
             identity::select_number(transaction, "SELECT count(*) FROM kms_aliases WHERE key = ?",
                                     {key.arn}));
  if (count <= Quotas::kAliasesPerKey) return {};
  return fail(ErrorCode::FailedPrecondition, "LimitExceeded",
              fmt::format("{} has {} aliases already.", key.arn, Quotas::kAliasesPerKey));
}

}  // namespace

std::string_view Alias::key_id() const {
  return std::string_view(key_arn).substr(key_arn.rfind('/') + 1);
}

Result<> create_alias(meta::Transaction& transaction, std::string_view name, const Key& key,
                      Time now) {
  const auto arn = alias_arn(key.place, name);
  TRY_ASSIGN(const auto there, find_alias(transaction, arn));
  if (there) {
    return fail(ErrorCode::AlreadyExists, "AlreadyExists",
                fmt::format("An alias with the name {} already exists", arn));
  }
  TRY(transaction.execute(
      "INSERT INTO kms_aliases (arn, account, region, name, key, created, updated) VALUES (?1, ?2, "
      "?3, ?4, ?5, ?6, ?6)",
      {arn, key.place.account, key.place.region, name, key.arn, to_unix_nanoseconds(now)}));
  return check_count(transaction, key);
}

Result<std::optional<Alias>> find_alias(meta::Transaction& transaction, std::string_view arn) {
  std::optional<Alias> found;
  TRY(transaction.query(std::string(kSelect) + "arn = ?", {arn},
                        [&](const meta::Row& row) -> Result<> {
                          found = read_alias(row);
                          return {};
                        }));
  return found;
}

Result<Alias> get_alias(meta::Transaction& transaction, std::string_view arn) {
  TRY_ASSIGN(auto found, find_alias(transaction, arn));
  if (!found) return not_found({.kind = NameKind::Alias, .arn = std::string(arn)});
  return std::move(*found);
}

Result<> point_alias(meta::Transaction& transaction, const Alias& alias, const Key& key, Time now) {
  TRY(transaction.execute("UPDATE kms_aliases SET key = ?, updated = ? WHERE arn = ?",
                          {key.arn, to_unix_nanoseconds(now), alias.arn}));
  return check_count(transaction, key);
}

Result<> remove_alias(meta::Transaction& transaction, const Alias& alias) {
  TRY(transaction.execute("DELETE FROM kms_aliases WHERE arn = ?", {alias.arn}));
  return {};
}

Result<identity::Page<Alias>> list_aliases(meta::Transaction& transaction, const Place& place,
                                           std::string_view key_arn,
                                           const identity::Cursor& cursor) {
  identity::Page<Alias> page;
  TRY(transaction.query(std::string(kSelect) +
                            "account = ?1 AND region = ?2 AND name > ?3 AND (?4 = '' OR key = ?4) "
                            "ORDER BY name LIMIT ?5",
                        {place.account, place.region, cursor.after, key_arn, cursor.rows_max()},
                        [&](const meta::Row& row) -> Result<> {
                          page.items.push_back(read_alias(row));
                          return {};
                        }));
  page.cut(cursor);
  return page;
}

Result<std::vector<std::string>> aliases_of(meta::Transaction& transaction, const Key& key) {
  std::vector<std::string> names;
  TRY(transaction.query("SELECT name FROM kms_aliases WHERE key = ? ORDER BY name", {key.arn},
                        [&](const meta::Row& row) -> Result<> {
                          names.push_back(row.text(0));
                          return {};
                        }));
  return names;
}

}  // namespace traccia::kms
