// Virtual MFA devices: made, assigned to users, and asked whether a code is theirs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"
#include "base/time.h"
#include "identity/entities.h"
#include "identity/master_key.h"
#include "identity/page.h"
#include "meta/database.h"
#include "os/os.h"

namespace traccia::identity {

struct MfaDevice {
  std::string serial = {};  // arn:aws:iam::ACCOUNT:mfa/path/name
  std::string account_id = {};
  std::string user_id = {};  // empty while it is nobody's
  std::string user_name = {};
  std::optional<Time> enabled = {};  // since when it is a user's
};

struct NewMfaDevice {
  MfaDevice device;
  std::string seed;  // bytes; shown once
};

enum class MfaAssignment : uint8_t { Any, Assigned, Unassigned };

enum class MfaCheck : uint8_t {
  Good,
  WrongCode,  // also a code that was accepted before
  NotOfUser,  // the user has no such device
  Locked,     // too many wrong codes
};

// Two codes that a device showed one after the other.
struct CodePair {
  std::string_view first, second;
};

// Thread-safe; state lives in the caller's transaction, seeds sealed. Codes are judged by the clock
// of clients, as signatures are, since authenticator apps know no other. What was accepted is also
// remembered in memory, so that a transaction that rolls back does not give a code back; wrong
// codes are counted there, and forgotten by a restart.
// Reasons of errors: NoSuchEntity, EntityAlreadyExists, LimitExceeded, DeleteConflict,
// InvalidAuthenticationCode; messages are IAM's.
class MfaDevices {
 public:
  static constexpr int64_t kPerUserMax = 8;  // "IAM and AWS STS quotas"
  static constexpr size_t kSeedBytes = 40;   // 64 characters of Base32
  // RFC 6238, 5.2: a code of the step before or after is taken too.
  static constexpr int64_t kStepsOff = 1;
  // A device whose clock is off by more is found by two codes, and its drift kept.
  static constexpr int64_t kResyncStepsOff = 20;
  static constexpr int64_t kEnableStepsOff = 4;
  // Three of a million codes are good at any time: 5 tries in 5 minutes find one in 0.4 % of days.
  static constexpr int kWrongCodesMax = 5;
  static constexpr std::chrono::minutes kWrongCodesWindow{5};
  static constexpr size_t kWatchedMax = 4096;  // devices in memory

  MfaDevices(os::Os os, os::Clock& client_clock, const MasterKey& master_key)
      : os_(os), client_clock_(client_clock), master_key_(master_key) {}

  Result<NewMfaDevice> create(meta::Transaction& transaction, std::string_view account_id,
                              std::string_view path, std::string_view name);
  Result<MfaDevice> get(meta::Transaction& transaction, std::string_view account_id,
                        std::string_view serial);
  // By serial number.
  Result<Page<MfaDevice>> list(meta::Transaction& transaction, std::string_view account_id,
                               MfaAssignment assignment, const Cursor& cursor);
  Result<Page<MfaDevice>> list_of(meta::Transaction& transaction, const Entity& user,
                                  const Cursor& cursor);
  Result<int64_t> count(meta::Transaction& transaction, std::string_view account_id,
                        MfaAssignment assignment);

  // Makes the device the user's.
  Result<> enable(meta::Transaction& transaction, const Entity& user, std::string_view serial,
                  const CodePair& codes);
  Result<> deactivate(meta::Transaction& transaction, const Entity& user, std::string_view serial);
  // DeleteConflict while it is a user's.
  Result<> remove(meta::Transaction& transaction, std::string_view account_id,
                  std::string_view serial);
  Result<> resync(meta::Transaction& transaction, const Entity& user, std::string_view serial,
                  const CodePair& codes);

  // Whether the user proves to hold that device right now: for AssumeRole, GetSessionToken, sign-in
  // and MFA delete. A code is good once. An empty serial means any of the user's devices.
  Result<MfaCheck> check(meta::Transaction& transaction, std::string_view user_id,
                         std::string_view serial, std::string_view code);

 private:
  // A device as it is judged.
  struct Keyed {
    std::string serial;
    std::string seed;
    int64_t drift = 0;      // steps that its clock is ahead
    int64_t used_step = 0;  // of the last code that was accepted
  };
  struct Watched {
    int64_t used_step = 0;
    int wrong_codes = 0;
    Time window_start = {};
  };

  Result<std::vector<Keyed>> keyed(meta::Transaction& transaction, std::string_view user_id,
                                   std::string_view serial);
  Result<std::optional<int64_t>> find_pair(meta::Transaction& transaction, std::string_view serial,
                                           const CodePair& codes, int64_t steps_off);
  MfaCheck judge(const Keyed& device, std::string_view code, int64_t& step);
  // Of this device: false when too many codes were wrong, or too many devices are watched.
  bool may_try(const std::string& serial);
  void note_wrong(const std::string& serial);
  bool spend(const std::string& serial, int64_t step);

  os::Os os_;
  os::Clock& client_clock_;
  const MasterKey& master_key_;
  Mutex mutex_;
  std::map<std::string, Watched, std::less<>> watched_ GUARDED_BY(mutex_);  // by serial
};

}  // namespace traccia::identity
