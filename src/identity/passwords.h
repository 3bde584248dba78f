// Passwords of users and root users: kept as hashes that cost memory and time to compute.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/mutex.h"
#include "base/time.h"
#include "crypto/crypto.h"
#include "identity/entities.h"
#include "identity/password_policy.h"
#include "identity/policy_cache.h"
#include "meta/database.h"
#include "os/os.h"

namespace traccia::identity {

struct LoginProfile {
  Time created;
  Time changed;  // the password
  bool must_change = false;
  std::optional<int64_t> session_seconds;  // of a sign-in, where the default is not meant
  std::optional<Time> used;                // last sign-in
  std::string salt, hash;

  bool expired(const std::optional<PasswordPolicy>& policy, Time now) const;
};

struct HashedPassword {
  std::string salt, hash;
};

// What is nullopt stays. A new password must be hashed with the salt that the owner has.
struct LoginProfileChange {
  std::optional<HashedPassword> password;
  std::optional<bool> must_change;
  std::optional<std::optional<int64_t>> session_seconds;
};

// Who changes a password: its user is bound by the history.
enum class PasswordSetter : uint8_t { Other, Self };

// Thread-safe; state lives in the caller's transaction. An owner is an entity's id. Reasons of
// errors: NoSuchEntity, EntityAlreadyExists, PasswordPolicyViolation, Throttling,
// EntityTemporarilyUnmodifiable (somebody else changed the password meanwhile).
class Passwords {
 public:
  static constexpr int kHashesAtOnce = 2;      // 32 MiB and some 0.3 s of a CPU each
  static constexpr int kHashesWaitingMax = 2;  // beyond those; each holds a thread that serves

  Passwords(os::Os os, PolicyCache& cache, crypto::ScryptCost cost)
      : os_(os), cache_(cache), cost_(cost) {}

  // Takes long: not to be called inside a transaction. An owner keeps its salt, so that one hash
  // can be compared with all that it had; "" makes a new one. Throttling when too many wait.
  Result<HashedPassword> hash(std::string_view password, std::string_view salt = "");

  Result<std::optional<LoginProfile>> find(meta::Transaction& transaction, std::string_view owner);
  // NoSuchEntity when there is none.
  Result<LoginProfile> get(meta::Transaction& transaction, const Entity& owner);
  Result<LoginProfile> create(meta::Transaction& transaction, const Entity& owner,
                              const HashedPassword& password, bool must_change,
                              std::optional<int64_t> session_seconds = {});
  // The owner's sign-in sessions end with its password.
  Result<> update(meta::Transaction& transaction, const Entity& owner,
                  const LoginProfileChange& change, PasswordSetter setter);
  Result<> remove(meta::Transaction& transaction, const Entity& owner);
  Result<> note_use(meta::Transaction& transaction, std::string_view owner);

  Result<> set_policy(meta::Transaction& transaction, std::string_view account_id,
                      const PasswordPolicy& policy);
  // NoSuchEntity when the account has the default one.
  Result<> remove_policy(meta::Transaction& transaction, std::string_view account_id);

 private:
  Result<> check_history(meta::Transaction& transaction, const Entity& owner,
                         const LoginProfile& profile, const HashedPassword& password);
  Result<> keep_history(meta::Transaction& transaction, std::string_view owner,
                        const LoginProfile& profile);

  os::Os os_;
  PolicyCache& cache_;
  crypto::ScryptCost cost_;
  Mutex mutex_;
  Condition free_;
  int running_ GUARDED_BY(mutex_) = 0;
  int waiting_ GUARDED_BY(mutex_) = 0;
};

}  // namespace traccia::identity
