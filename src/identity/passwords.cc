// Login profiles in the control-plane store.
// SPDX-License-Identifier: Apache-2.0
#include "identity/passwords.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "identity/sql.h"

namespace traccia::identity {
namespace {

constexpr size_t kSaltBytes = 16;
constexpr size_t kHashBytes = 32;

constexpr std::string_view kEndSessions = "DELETE FROM signin_sessions WHERE owner = ?";

}  // namespace

bool LoginProfile::expired(const std::optional<PasswordPolicy>& policy, Time now) const {
  return policy && policy->days_max && now - changed >= std::chrono::days(*policy->days_max);
}

Result<HashedPassword> Passwords::hash(std::string_view password, std::string_view salt) {
  {
    const MutexLock lock(mutex_);
    if (waiting_ >= kHashesWaitingMax) {
      return fail(ErrorCode::ResourceExhausted, "Throttling", "Rate exceeded");
    }
    ++waiting_;
    while (running_ >= kHashesAtOnce) free_.wait(mutex_);
    --waiting_;
    ++running_;
  }
  HashedPassword out{salt.empty() ? os_.random.bytes(kSaltBytes) : std::string(salt), ""};
  out.hash = crypto::scrypt(password, out.salt, cost_, kHashBytes);
  const MutexLock lock(mutex_);
  --running_;
  free_.notify_one();
  return out;
}

Result<std::optional<LoginProfile>> Passwords::find(meta::Transaction& transaction,
                                                    std::string_view owner) {
  std::optional<LoginProfile> found;
  TRY(transaction.query(
      "SELECT created, changed, must_change, used, salt, hash, session_seconds FROM login_profiles "
      "WHERE owner = ?",
      {owner}, [&](const meta::Row& row) -> Result<> {
        found = LoginProfile{.created = from_unix_nanoseconds(row.integer(0)),
                             .changed = from_unix_nanoseconds(row.integer(1)),
                             .must_change = row.integer(2) != 0,
                             .session_seconds = {},
                             .used = {},
                             .salt = row.text(4),
                             .hash = row.text(5)};
        if (!row.is_null(6)) found->session_seconds = row.integer(6);
        if (!row.is_null(3)) found->used = from_unix_nanoseconds(row.integer(3));
        return {};
      }));
  return found;
}

Result<LoginProfile> Passwords::get(meta::Transaction& transaction, const Entity& owner) {
  TRY_ASSIGN(auto found, find(transaction, owner.id));
  if (found) return std::move(*found);
  return fail(ErrorCode::NotFound, "NoSuchEntity",
              fmt::format("Login Profile for User {} cannot be found.", owner.name));
}

Result<LoginProfile> Passwords::create(meta::Transaction& transaction, const Entity& owner,
                                       const HashedPassword& password, bool must_change,
                                       std::optional<int64_t> session_seconds) {
  TRY_ASSIGN(const auto there, find(transaction, owner.id));
  if (there) {
    return fail(ErrorCode::AlreadyExists, "EntityAlreadyExists",
                fmt::format("Login Profile for user {} already exists.", owner.name));
  }
  const auto now = os_.clock.now();
  TRY(transaction.execute(
      "INSERT INTO login_profiles (owner, created, changed, must_change, session_seconds, salt, "
      "hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
      {owner.id, to_unix_nanoseconds(now), to_unix_nanoseconds(now), int64_t{must_change},
       session_seconds ? meta::Argument(*session_seconds) : meta::Argument(nullptr),
       meta::Blob{password.salt}, meta::Blob{password.hash}}));
  return LoginProfile{.created = now,
                      .changed = now,
                      .must_change = must_change,
                      .session_seconds = session_seconds,
                      .used = {},
                      .salt = password.salt,
                      .hash = password.hash};
}

// Only whoever knows the password can come here with its hash, so it need not take the same time.
Result<> Passwords::check_history(meta::Transaction& transaction, const Entity& owner,
                                  const LoginProfile& profile, const HashedPassword& password) {
  TRY_ASSIGN(const auto policy, find_password_policy(transaction, owner.account_id));
  const auto count = policy ? policy->not_among_last.value_or(0) : 0;
  if (count == 0) return {};
  TRY_ASSIGN(
      const bool had,
      has_rows(transaction,
               "SELECT 1 FROM (SELECT hash FROM old_passwords WHERE owner = ? ORDER BY changed "
               "DESC LIMIT ?) WHERE hash = ?",
               {owner.id, count - 1, meta::Blob{password.hash}}));
  if (!had && !constant_time_equal(profile.hash, password.hash)) return {};
  return fail(ErrorCode::InvalidArgument, "PasswordPolicyViolation",
              "Password was used before: choose one that is new");
}

Result<> Passwords::keep_history(meta::Transaction& transaction, std::string_view owner,
                                 const LoginProfile& profile) {
  TRY(transaction.execute(
      "INSERT OR REPLACE INTO old_passwords (owner, changed, hash) VALUES (?, ?, ?)",
      {owner, to_unix_nanoseconds(profile.changed), meta::Blob{profile.hash}}));
  TRY(transaction.execute(
      "DELETE FROM old_passwords WHERE owner = ?1 AND changed NOT IN (SELECT changed FROM "
      "old_passwords WHERE owner = ?1 ORDER BY changed DESC LIMIT ?2)",
      {owner, kPasswordHistoryMax}));
  return {};
}

Result<> Passwords::update(meta::Transaction& transaction, const Entity& owner,
                           const LoginProfileChange& change, PasswordSetter setter) {
  TRY_ASSIGN(const auto profile, get(transaction, owner));
  const auto& password = change.password;
  if (change.must_change) {
    TRY(transaction.execute("UPDATE login_profiles SET must_change = ? WHERE owner = ?",
                            {int64_t{*change.must_change}, owner.id}));
  }
  if (change.session_seconds) {
    const auto& seconds = *change.session_seconds;
    TRY(transaction.execute(
        "UPDATE login_profiles SET session_seconds = ? WHERE owner = ?",
        {seconds ? meta::Argument(*seconds) : meta::Argument(nullptr), owner.id}));
  }
  if (!password) return {};
  if (password->salt != profile.salt) {
    return fail(ErrorCode::FailedPrecondition, "EntityTemporarilyUnmodifiable",
                fmt::format("The password of user {} was changed meanwhile.", owner.name));
  }
  if (setter == PasswordSetter::Self) TRY(check_history(transaction, owner, profile, *password));
  TRY(keep_history(transaction, owner.id, profile));
  TRY(transaction.execute(
      "UPDATE login_profiles SET hash = ?, changed = ? WHERE owner = ?",
      {meta::Blob{password->hash}, to_unix_nanoseconds(os_.clock.now()), owner.id}));
  TRY(transaction.execute(kEndSessions, {owner.id}));
  return {};
}

Result<> Passwords::remove(meta::Transaction& transaction, const Entity& owner) {
  TRY(get(transaction, owner));
  TRY(transaction.execute("DELETE FROM login_profiles WHERE owner = ?", {owner.id}));
  TRY(transaction.execute("DELETE FROM old_passwords WHERE owner = ?", {owner.id}));
  TRY(transaction.execute(kEndSessions, {owner.id}));
  return {};
}

Result<> Passwords::note_use(meta::Transaction& transaction, std::string_view owner) {
  TRY(transaction.execute("UPDATE login_profiles SET used = ? WHERE owner = ?",
                          {to_unix_nanoseconds(os_.clock.now()), owner}));
  return {};
}

Result<> Passwords::set_policy(meta::Transaction& transaction, std::string_view account_id,
                               const PasswordPolicy& policy) {
  cache_.forget(account_id);
  return set_password_policy(transaction, account_id, policy);
}

Result<> Passwords::remove_policy(meta::Transaction& transaction, std::string_view account_id) {
  cache_.forget(account_id);
  return remove_password_policy(transaction, account_id);
}

}  // namespace traccia::identity
