// Accounts, users, access keys and ingest tokens in the control-plane store.
// SPDX-License-Identifier: Apache-2.0
#include "identity/identity.h"

#include <fmt/format.h>

#include "crypto/crypto.h"

namespace traccia::identity {

const std::string_view kSchema = R"sql(
CREATE TABLE accounts (
  id         TEXT PRIMARY KEY,
  management INTEGER NOT NULL,
  created    INTEGER NOT NULL       -- unix nanoseconds
) STRICT, WITHOUT ROWID;
CREATE TABLE users (
  id            TEXT PRIMARY KEY,   -- AIDA…
  account       TEXT NOT NULL REFERENCES accounts (id),
  name          TEXT NOT NULL,
  administrator INTEGER NOT NULL,
  UNIQUE (account, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE access_keys (
  id      TEXT PRIMARY KEY,         -- AKIA…
  user    TEXT NOT NULL REFERENCES users (id),
  secret  BLOB NOT NULL,            -- sealed, context access-key/ID
  active  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE tokens (
  id      TEXT PRIMARY KEY,         -- tkn-…
  account TEXT NOT NULL REFERENCES accounts (id),
  hash    BLOB NOT NULL UNIQUE,     -- SHA-256 of the secret
  created INTEGER NOT NULL,
  expires INTEGER,
  revoked INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

namespace {

constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::string_view kBase64Letters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kLettersAndDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::string_view kAdministrator = "administrator";
constexpr std::string_view kTokenColumns =
    "SELECT id, account, created, expires, revoked FROM tokens ";

std::string key_context(std::string_view access_key_id) {
  return fmt::format("access-key/{}", access_key_id);
}

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

bool valid_account_id(std::string_view text) {
  return text.size() == 12 && text.find_first_not_of("0123456789") == text.npos;
}

Result<std::optional<Bootstrap>> Identity::bootstrap(meta::Transaction& transaction,
                                                     std::string_view account_id) {
  bool there = false;
  TRY(transaction.query("SELECT 1 FROM accounts LIMIT 1", {}, [&](const meta::Row&) -> Result<> {
    there = true;
    return {};
  }));
  if (there) return std::nullopt;
  if (!valid_account_id(account_id)) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("account id '{}' is not 12 digits", account_id));
  }
  Bootstrap made;
  made.account_id = account_id;
  made.user_name = kAdministrator;
  made.access_key_id = "AKIA" + os_.random.characters(16, kBase32);
  made.secret_access_key = os_.random.characters(40, kBase64Letters);
  const auto user_id = "AIDA" + os_.random.characters(17, kBase32);
  const auto sealed = master_key_.seal(made.secret_access_key, key_context(made.access_key_id));
  TRY(transaction.execute("INSERT INTO accounts (id, management, created) VALUES (?, 1, ?)",
                          {account_id, to_unix_nanoseconds(os_.clock.now())}));
  TRY(transaction.execute(
      "INSERT INTO users (id, account, name, administrator) VALUES (?, ?, ?, 1)",
      {user_id, account_id, kAdministrator}));
  TRY(transaction.execute("INSERT INTO access_keys (id, user, secret, active) VALUES (?, ?, ?, 1)",
                          {made.access_key_id, user_id, meta::Blob{sealed}}));
  return made;
}

Result<std::string> Identity::management_account(meta::Transaction& transaction) {
  std::string id;
  TRY(transaction.query("SELECT id FROM accounts WHERE management = 1", {},
                        [&](const meta::Row& row) -> Result<> {
                          id = row.text(0);
                          return {};
                        }));
  if (id.empty()) return fail(ErrorCode::NotFound, "there is no management account");
  return id;
}

Result<bool> Identity::account_exists(meta::Transaction& transaction, std::string_view account_id) {
  bool there = false;
  TRY(transaction.query("SELECT 1 FROM accounts WHERE id = ?", {account_id},
                        [&](const meta::Row&) -> Result<> {
                          there = true;
                          return {};
                        }));
  return there;
}

Result<std::optional<AccessKey>> Identity::find_access_key(meta::Transaction& transaction,
                                                           std::string_view access_key_id) {
  std::optional<AccessKey> found;
  TRY(transaction.query(
      "SELECT k.secret, u.id, u.account, u.name, u.administrator FROM access_keys k "
      "JOIN users u ON u.id = k.user WHERE k.id = ? AND k.active = 1",
      {access_key_id}, [&](const meta::Row& row) -> Result<> {
        AccessKey key;
        TRY_ASSIGN(key.secret_access_key,
                   master_key_.open(row.view(0), key_context(access_key_id)));
        auto& principal = key.principal;
        principal.type = PrincipalType::IamUser;
        principal.principal_id = row.text(1);
        principal.account_id = row.text(2);
        principal.user_name = row.text(3);
        principal.administrator = row.integer(4) != 0;
        principal.arn =
            fmt::format("arn:aws:iam::{}:user/{}", principal.account_id, principal.user_name);
        principal.access_key_id = access_key_id;
        found = std::move(key);
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
  TRY(transaction.query(fmt::format("{}WHERE hash = ? AND revoked = 0", kTokenColumns),
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
