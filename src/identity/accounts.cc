// Accounts in the control-plane store.
// SPDX-License-Identifier: Apache-2.0
#include "identity/accounts.h"

#include <fmt/format.h>

#include "identity/sql.h"

namespace traccia::identity {
namespace {

constexpr std::string_view kSelect =
    "SELECT id, name, email, created, state, closed FROM accounts ";

Account read_account(const meta::Row& row) {
  Account account;
  account.id = row.text(0);
  account.name = row.text(1);
  account.email = row.text(2);
  account.created = from_unix_nanoseconds(row.integer(3));
  account.state = static_cast<AccountState>(row.integer(4));
  if (!row.is_null(5)) account.closed = from_unix_nanoseconds(row.integer(5));
  return account;
}

}  // namespace

bool valid_account_id(std::string_view text) {
  return text.size() == 12 && text.find_first_not_of("0123456789") == text.npos;
}

// AWS's ids may begin with 0; these do not, so that no spreadsheet takes digits away.
Result<std::string> Accounts::unused_id(meta::Transaction& transaction) {
  while (true) {
    auto id = os_.random.characters(1, "123456789") + os_.random.characters(11, "0123456789");
    TRY_ASSIGN(const bool taken,
               has_rows(transaction, "SELECT 1 FROM accounts WHERE id = ?", {id}));
    if (!taken) return id;
  }
}

Result<Account> Accounts::create(meta::Transaction& transaction, const NewAccount& wanted) {
  Account account;
  if (wanted.id && !valid_account_id(*wanted.id)) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("account id '{}' is not 12 digits", *wanted.id));
  }
  if (wanted.id) {
    account.id = *wanted.id;
  } else {
    TRY_ASSIGN(account.id, unused_id(transaction));
  }
  TRY_ASSIGN(const bool there,
             has_rows(transaction, "SELECT 1 FROM accounts WHERE id = ?", {account.id}));
  if (there) {
    return fail(ErrorCode::AlreadyExists, "AccountAlreadyExists",
                fmt::format("Account {} already exists.", account.id));
  }
  TRY_ASSIGN(const bool taken,
             has_rows(transaction, "SELECT 1 FROM accounts WHERE email = ?", {wanted.email}));
  if (taken) {
    return fail(ErrorCode::AlreadyExists, "EmailAlreadyExists",
                fmt::format("Another account has the email address {}.", wanted.email));
  }
  account.name = wanted.name;
  account.email = wanted.email;
  account.created = os_.clock.now();
  TRY(transaction.execute(
      "INSERT INTO accounts (id, management, created, name, email) VALUES (?, 0, ?, ?, ?)",
      {account.id, to_unix_nanoseconds(account.created), account.name, account.email}));
  return account;
}

Result<std::optional<Account>> Accounts::find(meta::Transaction& transaction,
                                              std::string_view where, std::string_view argument) {
  std::optional<Account> found;
  TRY(transaction.query(fmt::format("{}{}", kSelect, where), {argument},
                        [&](const meta::Row& row) -> Result<> {
                          found = read_account(row);
                          return {};
                        }));
  return found;
}

Result<Account> Accounts::get(meta::Transaction& transaction, std::string_view id) {
  TRY_ASSIGN(auto found, find(transaction, "WHERE id = ?", id));
  if (found) return std::move(*found);
  return fail(ErrorCode::NotFound, "AccountNotFound",
              fmt::format("Account {} does not exist.", id));
}

Result<Account> Accounts::get_by_email(meta::Transaction& transaction, std::string_view email) {
  TRY_ASSIGN(auto found, find(transaction, "WHERE email = ?", email));
  if (found) return std::move(*found);
  return fail(ErrorCode::NotFound, "AccountNotFound",
              fmt::format("No account has the email address {}.", email));
}

Result<Page<Account>> Accounts::list(meta::Transaction& transaction, const Cursor& cursor) {
  Page<Account> page;
  TRY(transaction.query(fmt::format("{}WHERE id > ? ORDER BY id LIMIT ?", kSelect),
                        {cursor.after, cursor.rows_max()}, [&](const meta::Row& row) -> Result<> {
                          page.items.push_back(read_account(row));
                          return {};
                        }));
  page.cut(cursor);
  return page;
}

Result<> Accounts::close(meta::Transaction& transaction, std::string_view id) {
  cache_.forget(id);
  TRY(transaction.execute(
      "UPDATE accounts SET state = ?, closed = ? WHERE id = ? AND state = ?",
      {static_cast<int64_t>(AccountState::Closed), to_unix_nanoseconds(os_.clock.now()), id,
       static_cast<int64_t>(AccountState::Active)}));
  return {};
}

}  // namespace traccia::identity
