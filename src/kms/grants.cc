// Grants in the control-plane store.
// SPDX-License-Identifier: Apache-2.0
#include "kms/grants.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/bytes.h"
#include "identity/sql.h"
#include "identity/trust.h"

namespace traccia::kms {
namespace {

constexpr std::string_view kSelect =
    "SELECT id, key, name, grantee, grantee_means, retiring, retiring_means, operations, rule, "
    "context, issuer, created FROM kms_grants WHERE ";
constexpr std::string_view kRetire = "RetireGrant";

std::vector<std::string> split(std::string_view words) {
  std::vector<std::string> out;
  while (!words.empty()) {
    const auto end = std::min(words.find(' '), words.size());
    out.emplace_back(words.substr(0, end));
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return out;
}

Result<EncryptionContext> read_canonical(std::string_view bytes) {
  EncryptionContext out;
  ByteReader reader(bytes);
  TRY_ASSIGN(const auto count, reader.u32());
  for (uint32_t i = 0; i < count; ++i) {
    TRY_ASSIGN(const auto key, reader.block());
    TRY_ASSIGN(const auto value, reader.block());
    out.emplace(key, value);
  }
  return out;
}

Result<Grant> read_grant(const meta::Row& row) {
  Grant grant{.id = row.text(0),
              .key_arn = row.text(1),
              .name = row.text(2),
              .grantee = {row.text(3), row.text(4)},
              .retiring = {row.text(5), row.text(6)},
              .operations = split(row.view(7)),
              .rule = static_cast<GrantRule>(row.integer(8)),
              .issuing_account = row.text(10),
              .created = from_unix_nanoseconds(row.integer(11))};
  TRY_ASSIGN(grant.context, read_canonical(row.view(9)));
  return grant;
}

Result<std::vector<Grant>> select(meta::Transaction& transaction, std::string_view where,
                                  const std::vector<meta::Argument>& arguments) {
  std::vector<Grant> grants;
  TRY(transaction.query(std::string(kSelect).append(where), arguments,
                        [&](const meta::Row& row) -> Result<> {
                          TRY_ASSIGN(auto grant, read_grant(row));
                          grants.push_back(std::move(grant));
                          return {};
                        }));
  return grants;
}

bool has(const Grant& grant, std::string_view operation) {
  return std::ranges::find(grant.operations, operation) != grant.operations.end();
}

bool contains(const EncryptionContext& context, const EncryptionContext& pairs) {
  return std::ranges::includes(context, pairs);
}

bool rule_holds(const Grant& grant, const EncryptionContext& context) {
  switch (grant.rule) {
    case GrantRule::Any:
      return true;
    case GrantRule::Subset:
      return contains(context, grant.context);
    case GrantRule::Equals:
      return context == grant.context;
  }
  return false;
}

// Whoever holds a grant with CreateGrant gives on no more than it has ("Grant constraints").
bool reaches_no_further(const Grant& made, const Grant& grant) {
  if (!std::ranges::includes(grant.operations, made.operations)) return false;
  switch (grant.rule) {
    case GrantRule::Any:
      return true;
    case GrantRule::Subset:
      return made.rule != GrantRule::Any && contains(made.context, grant.context);
    case GrantRule::Equals:
      return made.rule == GrantRule::Equals && made.context == grant.context;
  }
  return false;
}

bool covers(const Grant& grant, const GrantedUse& use) {
  if (!has(grant, use.operation)) return false;
  if (use.made != nullptr) return reaches_no_further(*use.made, grant);
  return use.context == nullptr || rule_holds(grant, *use.context);
}

bool is(const GrantPrincipal& principal, const GrantCaller& caller) {
  const auto& means = principal.means;
  return !means.empty() && (means == caller.id || means == caller.arn || means == caller.role_id);
}

bool same(const Grant& a, const Grant& b) {
  return a.grantee.means == b.grantee.means && a.retiring.means == b.retiring.means &&
         a.operations == b.operations && a.rule == b.rule && a.context == b.context;
}

}  // namespace

Result<GrantPrincipal> bind_grant_principal(meta::Transaction& transaction, std::string_view arn) {
  auto means = identity::bind_principal(transaction, arn);
  if (means && arn.starts_with("arn:")) return GrantPrincipal{std::string(arn), std::move(*means)};
  if (!means && means.error().reason() != "MalformedPolicyDocument") {
    return std::unexpected(means.error());
  }
  return fail(ErrorCode::InvalidArgument, "InvalidArn", "ARN does not refer to a valid principal");
}

Result<Grant> create_grant(meta::Transaction& transaction, os::Os os, Grant wanted) {
  std::ranges::sort(wanted.operations);
  const auto repeated = std::ranges::unique(wanted.operations);
  wanted.operations.erase(repeated.begin(), repeated.end());
  if (!wanted.name.empty()) {
    TRY_ASSIGN(const auto named,
               select(transaction, "key = ? AND name = ?", {wanted.key_arn, wanted.name}));
    for (const auto& grant : named) {
      if (same(grant, wanted)) return grant;
    }
  }
  TRY_ASSIGN(const auto count,
             identity::select_number(transaction, "SELECT count(*) FROM kms_grants WHERE key = ?",
                                     {wanted.key_arn}));
  if (count >= kGrantsPerKeyMax) {
    return fail(ErrorCode::FailedPrecondition, "LimitExceeded",
                fmt::format("{} has {} grants already.", wanted.key_arn, kGrantsPerKeyMax));
  }
  wanted.id = hex_encode(os.random.bytes(32));
  wanted.created = os.clock.now();
  const auto context = canonical(wanted.context);
  const auto operations = fmt::format("{}", fmt::join(wanted.operations, " "));
  TRY(transaction.execute(
      "INSERT INTO kms_grants (id, key, name, grantee, grantee_means, retiring, retiring_means, "
      "operations, rule, context, issuer, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {wanted.id, wanted.key_arn, wanted.name, wanted.grantee.arn, wanted.grantee.means,
       wanted.retiring.arn, wanted.retiring.means, operations, static_cast<int64_t>(wanted.rule),
       meta::Blob{context}, wanted.issuing_account, to_unix_nanoseconds(wanted.created)}));
  return wanted;
}

Result<Grant> get_grant(meta::Transaction& transaction, const Key& key, std::string_view id) {
  TRY_ASSIGN(auto grants, select(transaction, "key = ? AND id = ?", {key.arn, id}));
  if (!grants.empty()) return std::move(grants.front());
  return fail(ErrorCode::NotFound, "NotFound", fmt::format("Grant ID {} not found", id));
}

Result<> remove_grant(meta::Transaction& transaction, const Grant& grant) {
  TRY(transaction.execute("DELETE FROM kms_grants WHERE id = ?", {grant.id}));
  return {};
}

Result<bool> is_granted(meta::Transaction& transaction, const Key& key, const GrantCaller& caller,
                        const GrantedUse& use, std::string_view id) {
  if (use.operation == kRetire) {
    TRY_ASSIGN(const auto grants, select(transaction, "key = ? AND id = ?", {key.arn, id}));
    return std::ranges::any_of(grants, [&](const Grant& grant) {
      return is(grant.retiring, caller) || (has(grant, kRetire) && is(grant.grantee, caller));
    });
  }
  TRY_ASSIGN(const auto grants, select(transaction, "key = ? AND grantee_means IN (?, ?, ?)",
                                       {key.arn, caller.id, caller.arn, caller.role_id}));
  return std::ranges::any_of(
      grants, [&](const Grant& grant) { return is(grant.grantee, caller) && covers(grant, use); });
}

Result<identity::Page<Grant>> list_grants(meta::Transaction& transaction, const Key& key,
                                          std::string_view grantee,
                                          const identity::Cursor& cursor) {
  identity::Page<Grant> page;
  TRY_ASSIGN(
      page.items,
      select(transaction, "key = ?1 AND id > ?2 AND (?3 = '' OR grantee = ?3) ORDER BY id LIMIT ?4",
             {key.arn, cursor.after, grantee, cursor.rows_max()}));
  page.cut(cursor);
  return page;
}

Result<identity::Page<Grant>> list_retirable_grants(meta::Transaction& transaction,
                                                    const Place& place, std::string_view retiring,
                                                    const identity::Cursor& cursor) {
  identity::Page<Grant> page;
  TRY_ASSIGN(page.items,
             select(transaction,
                    "retiring = ? AND key IN (SELECT arn FROM kms_keys WHERE account = ? AND "
                    "region = ?) AND id > ? ORDER BY id LIMIT ?",
                    {retiring, place.account, place.region, cursor.after, cursor.rows_max()}));
  page.cut(cursor);
  return page;
}

}  // namespace traccia::kms
