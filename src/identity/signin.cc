// Failures and sessions of sign-in in the control-plane store.
// SPDX-License-Identifier: Apache-2.0
#include "identity/signin.h"

#include <algorithm>

#include "base/bytes.h"
#include "crypto/crypto.h"

namespace traccia::identity {
namespace {

constexpr size_t kTokenBytes = 32;

}  // namespace

Result<std::optional<Time>> Signin::locked_until(meta::Transaction& transaction,
                                                 std::string_view owner) {
  std::optional<Time> until;
  TRY(transaction.query("SELECT failures, last FROM signin_failures WHERE owner = ?", {owner},
                        [&](const meta::Row& row) -> Result<> {
                          const auto beyond = row.integer(0) - kFailuresFree;
                          if (beyond < 0) return {};
                          // Doubled so often it is above the maximum, and no number overflows.
                          const auto doubled =
                              kLockMin * (int64_t{1} << std::min<int64_t>(beyond, 10));
                          until = from_unix_nanoseconds(row.integer(1)) +
                                  std::min<std::chrono::seconds>(doubled, kLockMax);
                          return {};
                        }));
  if (until && *until <= os_.clock.now()) return std::nullopt;
  return until;
}

Result<> Signin::note_failure(meta::Transaction& transaction, std::string_view owner) {
  TRY(transaction.execute(
      "INSERT INTO signin_failures (owner, failures, last) VALUES (?1, 1, ?2) ON CONFLICT (owner) "
      "DO UPDATE SET failures = failures + 1, last = ?2",
      {owner, to_unix_nanoseconds(os_.clock.now())}));
  return {};
}

Result<> Signin::forget_failures(meta::Transaction& transaction, std::string_view owner) {
  TRY(transaction.execute("DELETE FROM signin_failures WHERE owner = ?", {owner}));
  return {};
}

Result<NewSigninSession> Signin::open(meta::Transaction& transaction, std::string_view account_id,
                                      std::string_view owner, bool mfa,
                                      std::chrono::seconds lifetime) {
  NewSigninSession made;
  made.token = hex_encode(os_.random.bytes(kTokenBytes));
  made.session = {.account_id = std::string(account_id),
                  .owner = std::string(owner),
                  .mfa = mfa,
                  .created = os_.clock.now(),
                  .expires = os_.clock.now() + lifetime};
  const auto now = to_unix_nanoseconds(made.session.created);
  TRY(transaction.execute("DELETE FROM signin_sessions WHERE expires <= ?", {now}));
  TRY(transaction.execute(
      "DELETE FROM signin_sessions WHERE owner = ?1 AND hash NOT IN (SELECT hash FROM "
      "signin_sessions WHERE owner = ?1 ORDER BY created DESC LIMIT ?2)",
      {owner, kSessionsMax - 1}));
  const auto hash = crypto::sha256(made.token);
  TRY(transaction.execute(
      "INSERT INTO signin_sessions (hash, account, owner, mfa, created, seen, expires) VALUES (?, "
      "?, ?, ?, ?, ?, ?)",
      {meta::Blob{hash}, account_id, owner, int64_t{mfa}, now, now,
       to_unix_nanoseconds(made.session.expires)}));
  return made;
}

// The search is by hash, so its timing says nothing about the token.
Result<std::optional<Signin::Found>> Signin::find(meta::Transaction& transaction,
                                                  std::string_view token) {
  const auto hash = crypto::sha256(token);
  std::optional<Found> found;
  TRY(transaction.query(
      "SELECT account, owner, mfa, created, seen, expires FROM signin_sessions WHERE hash = ?",
      {meta::Blob{hash}}, [&](const meta::Row& row) -> Result<> {
        found = Found{{.account_id = row.text(0),
                       .owner = row.text(1),
                       .mfa = row.integer(2) != 0,
                       .created = from_unix_nanoseconds(row.integer(3)),
                       .expires = from_unix_nanoseconds(row.integer(5))},
                      from_unix_nanoseconds(row.integer(4))};
        return {};
      }));
  if (!found) return std::nullopt;
  const auto now = os_.clock.now();
  if (found->session.expires <= now || found->seen_before + kIdleMax <= now) return std::nullopt;
  return found;
}

Result<> Signin::note_seen(meta::Transaction& transaction, std::string_view token) {
  const auto hash = crypto::sha256(token);
  TRY(transaction.execute("UPDATE signin_sessions SET seen = ? WHERE hash = ?",
                          {to_unix_nanoseconds(os_.clock.now()), meta::Blob{hash}}));
  return {};
}

Result<> Signin::close(meta::Transaction& transaction, std::string_view token) {
  const auto hash = crypto::sha256(token);
  TRY(transaction.execute("DELETE FROM signin_sessions WHERE hash = ?", {meta::Blob{hash}}));
  return {};
}

}  // namespace traccia::identity
