// Accounts, users, access keys and ingest tokens in the control-plane store.
// SPDX-License-Identifier: Apache-2.0
#include "identity/identity.h"

#include <fmt/format.h>

#include "crypto/crypto.h"
#include "identity/aws_managed.h"
#include "identity/sql.h"

namespace traccia::identity {

namespace {

constexpr std::string_view kLettersAndDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::string_view kAdministrator = "administrator";
constexpr std::string_view kManagementName = "management";
constexpr std::string_view kTokenColumns =
    "SELECT id, account, created, expires, revoked FROM tokens ";

Token read_token(const meta::Row& row) {
  Token token;
  token.id = row.text(0);
  token.account_id = row.text(1);
  token.created = from_unix_nanoseconds(row.integer(2));
  if (!row.is_null(3)) token.expires = from_unix_nanoseconds(row.integer(3));
  token.revoked = row.integer(4) != 0;
  return token;
}

}  // namespace

Result<std::optional<Bootstrap>> Identity::bootstrap(meta::Transaction& transaction,
                                                     std::string_view account_id) {
  TRY_ASSIGN(const bool there, has_rows(transaction, "SELECT 1 FROM accounts LIMIT 1", {}));
  if (there) return std::nullopt;
  if (!valid_account_id(account_id)) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("account id '{}' is not 12 digits", account_id));
  }
  const auto email = fmt::format("root@{}.invalid", account_id);
  TRY(transaction.execute(
      "INSERT INTO accounts (id, management, created, name, email) VALUES (?, 1, ?, ?, ?)",
      {account_id, to_unix_nanoseconds(os_.clock.now()), kManagementName, email}));
  TRY_ASSIGN(auto made, create_administrator(transaction, account_id));
  return made;
}

Result<Bootstrap> Identity::create_administrator(meta::Transaction& transaction,
                                                 std::string_view account_id) {
  TRY_ASSIGN(const auto user, entities_.create(transaction, {.account_id = std::string(account_id),
                                                             .name = std::string(kAdministrator)}));
  TRY(transaction.execute("INSERT INTO first_users (user) VALUES (?)", {user.id}));
  TRY(attachments_.attach(transaction, user, kAdministratorAccess));
  TRY_ASSIGN(const auto key, keys_.create(transaction, user));
  return Bootstrap{user.account_id, user.name, key.metadata.id, key.secret};
}

Result<std::string> Identity::management_account(meta::Transaction& transaction) {
  {
    const MutexLock lock(mutex_);
    if (!management_account_.empty()) return management_account_;
  }
  std::string id;
  TRY(transaction.query("SELECT id FROM accounts WHERE management = 1", {},
                        [&](const meta::Row& row) -> Result<> {
                          id = row.text(0);
                          return {};
                        }));
  if (id.empty()) return fail(ErrorCode::NotFound, "there is no management account");
  if (transaction.wrote()) return id;
  const MutexLock lock(mutex_);
  management_account_ = id;
  return id;
}

Result<std::optional<std::string>> Identity::find_account(meta::Transaction& transaction,
                                                          std::string_view id_or_alias) {
  std::optional<std::string> found;
  // What looks like an id is one: an alias must not lead somebody else's people to its account.
  const std::string_view sql =
      valid_account_id(id_or_alias)
          ? "SELECT id FROM accounts WHERE state = 0 AND id = ?"
          : "SELECT id FROM accounts WHERE state = 0 AND id = (SELECT account FROM account_aliases "
            "WHERE alias = ?)";
  TRY(transaction.query(sql, {id_or_alias}, [&](const meta::Row& row) -> Result<> {
    found = row.text(0);
    return {};
  }));
  return found;
}

Result<bool> Identity::account_exists(meta::Transaction& transaction, std::string_view account_id) {
  return has_rows(transaction, "SELECT 1 FROM accounts WHERE id = ?", {account_id});
}

Result<Time> Identity::account_created(meta::Transaction& transaction,
                                       std::string_view account_id) {
  TRY_ASSIGN(const auto created,
             select_number(transaction, "SELECT created FROM accounts WHERE id = ?", {account_id}));
  return from_unix_nanoseconds(created);
}

Result<std::string> Identity::account_alias(meta::Transaction& transaction,
                                            std::string_view account_id) {
  std::string alias;
  TRY(transaction.query("SELECT alias FROM account_aliases WHERE account = ?", {account_id},
                        [&](const meta::Row& row) -> Result<> {
                          alias = row.text(0);
                          return {};
                        }));
  return alias;
}

Result<> Identity::set_account_alias(meta::Transaction& transaction, std::string_view account_id,
                                     std::string_view alias) {
  TRY_ASSIGN(const bool taken,
             has_rows(transaction, "SELECT 1 FROM account_aliases WHERE alias = ? AND account <> ?",
                      {alias, account_id}));
  if (taken) {
    return fail(ErrorCode::AlreadyExists, "EntityAlreadyExists",
                fmt::format("The account alias {} already exists.", alias));
  }
  TRY(transaction.execute("INSERT OR REPLACE INTO account_aliases (account, alias) VALUES (?, ?)",
                          {account_id, alias}));
  return {};
}

Result<> Identity::remove_account_alias(meta::Transaction& transaction, std::string_view account_id,
                                        std::string_view alias) {
  TRY_ASSIGN(const auto removed,
             transaction.execute("DELETE FROM account_aliases WHERE account = ? AND alias = ?",
                                 {account_id, alias}));
  if (removed == 0) {
    return fail(ErrorCode::NotFound, "NoSuchEntity",
                fmt::format("The account alias {} cannot be found.", alias));
  }
  return {};
}

void Identity::note_use(const Principal& principal, std::string_view service,
                        std::string_view region) {
  if (!principal.session) return keys_.uses().note(principal.access_key_id, service, region);
  if (principal.type != PrincipalType::AssumedRole) return;
  const std::string_view id = principal.principal_id;  // AROA…:SESSION
  role_uses_.note(id.substr(0, id.find(':')), service, region);
}

Result<> Identity::store_uses(meta::Database& database) {
  TRY(keys_.uses().store(database));
  return role_uses_.store(database);
}

Result<std::optional<Use>> Identity::role_last_used(meta::Transaction& transaction,
                                                    const Entity& role) {
  auto found = role_uses_.find(role.id);
  if (found) return found;
  TRY(transaction.query("SELECT used, service, region FROM role_uses WHERE role = ?", {role.id},
                        [&](const meta::Row& row) -> Result<> {
                          found =
                              Use{from_unix_nanoseconds(row.integer(0)), row.text(1), row.text(2)};
                          return {};
                        }));
  return found;
}

Result<NewToken> Identity::create_token(meta::Transaction& transaction, std::string_view account_id,
                                        std::optional<Time> expires) {
  TRY_ASSIGN(const bool there, account_exists(transaction, account_id));
  if (!there) {
    return fail(ErrorCode::NotFound, "AccountNotFound",
                fmt::format("Account {} does not exist.", account_id));
  }
  NewToken made;
  made.token.id = "tkn-" + os_.random.characters(16, kLettersAndDigits);
  made.token.account_id = account_id;
  made.token.created = os_.clock.now();
  made.token.expires = expires;
  made.secret = "traccia_" + os_.random.characters(43, kLettersAndDigits);
  const auto hash = crypto::sha256(made.secret);
  TRY(transaction.execute(
      "INSERT INTO tokens (id, account, hash, created, expires, revoked) VALUES (?, ?, ?, ?, ?, 0)",
      {made.token.id, account_id, meta::Blob{hash}, to_unix_nanoseconds(made.token.created),
       expires ? meta::Argument(to_unix_nanoseconds(*expires)) : meta::Argument(nullptr)}));
  return made;
}

Result<std::optional<Token>> Identity::find_token(meta::Transaction& transaction,
                                                  std::string_view secret) {
  // The search is by hash, so its timing says nothing about the secret.
  const auto hash = crypto::sha256(secret);
  std::optional<Token> found;
  TRY(transaction.query(fmt::format("{}WHERE hash = ? AND revoked = 0 AND account IN (SELECT a.id "
                                    "FROM accounts a WHERE a.state = 0)",
                                    kTokenColumns),
                        {meta::Blob{hash}}, [&](const meta::Row& row) -> Result<> {
                          found = read_token(row);
                          return {};
                        }));
  if (found && found->expires && *found->expires <= os_.clock.now()) return std::nullopt;
  return found;
}

Result<std::vector<Token>> Identity::list_tokens(meta::Transaction& transaction,
                                                 std::string_view account_id) {
  std::vector<Token> tokens;
  TRY(transaction.query(fmt::format("{}WHERE account = ? ORDER BY created, id", kTokenColumns),
                        {account_id}, [&](const meta::Row& row) -> Result<> {
                          tokens.push_back(read_token(row));
                          return {};
                        }));
  return tokens;
}

Result<> Identity::revoke_token(meta::Transaction& transaction, std::string_view account_id,
                                std::string_view token_id) {
  TRY_ASSIGN(const auto changed,
             transaction.execute("UPDATE tokens SET revoked = 1 WHERE id = ? AND account = ?",
                                 {token_id, account_id}));
  if (changed == 0) {
    return fail(ErrorCode::NotFound, "TokenNotFound",
                fmt::format("Token {} does not exist in account {}.", token_id, account_id));
  }
  return {};
}

}  // namespace traccia::identity
