// Sign-in of people: what failed before, and the sessions of those who came in.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "meta/database.h"
#include "os/os.h"

namespace traccia::identity {

struct SigninSession {
  std::string account_id;
  std::string owner;  // an entity's id
  bool mfa = false;
  Time created;
  Time expires;
};

struct NewSigninSession {
  std::string token;  // shown once; only its hash is stored
  SigninSession session;
};

// Thread-safe; state lives in the caller's transaction.
class Signin {
 public:
  static constexpr int64_t kFailuresFree = 5;  // in a row, before an owner is locked
  // Each further failure locks it for twice as long.
  static constexpr std::chrono::seconds kLockMin{30};
  static constexpr std::chrono::seconds kLockMax{15 * 60};
  static constexpr std::chrono::hours kSessionMax{12};
  static constexpr std::chrono::hours kIdleMax{1};
  static constexpr int64_t kSessionsMax = 20;  // an owner; the oldest goes
  // How far `seen` may lie back before it is written again.
  static constexpr std::chrono::minutes kSeenStep{1};

  explicit Signin(os::Os os) : os_(os) {}

  // Until when the owner cannot sign in; nullopt: it can.
  Result<std::optional<Time>> locked_until(meta::Transaction& transaction, std::string_view owner);
  Result<> note_failure(meta::Transaction& transaction, std::string_view owner);
  Result<> forget_failures(meta::Transaction& transaction, std::string_view owner);

  Result<NewSigninSession> open(meta::Transaction& transaction, std::string_view account_id,
                                std::string_view owner, bool mfa,
                                std::chrono::seconds lifetime = kSessionMax);
  // nullopt for tokens that are unknown, expired, or not seen for too long alike. `seen_before` is
  // when it was last noted as seen.
  struct Found {
    SigninSession session;
    Time seen_before;
  };
  Result<std::optional<Found>> find(meta::Transaction& transaction, std::string_view token);
  Result<> note_seen(meta::Transaction& transaction, std::string_view token);
  // Closing one that is not there changes nothing.
  Result<> close(meta::Transaction& transaction, std::string_view token);

 private:
  os::Os os_;
};

}  // namespace traccia::identity
