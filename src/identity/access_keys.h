// The access keys of users: made, switched off, removed; and when each was last used.
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

struct KeyMetadata {
  std::string id;  // AKIA…
  std::string user_name;
  bool active = true;
  Time created;
};

struct NewKey {
  KeyMetadata metadata;
  std::string secret;  // shown once
};

struct KeyUse {
  Time time;
  std::string service;
  std::string region;
};

// What GetAccessKeyLastUsed tells.
struct KeyLastUsed {
  std::string account_id;
  std::string user_name;
  std::optional<KeyUse> use;
};

enum class KeyStatus : uint8_t { Inactive, Active };

// Thread-safe; state lives in the caller's transaction, uses in memory until store_uses(): a crash
// forgets what came after it. Secrets are sealed. Reasons of errors: NoSuchEntity, LimitExceeded.
class AccessKeys {
 public:
  static constexpr size_t kUsesMax = 4096;  // in memory; further keys' are not noted until stored

  AccessKeys(os::Os os, const MasterKey& master_key) : os_(os), master_key_(master_key) {}

  Result<NewKey> create(meta::Transaction& transaction, const Entity& user);
  // By id.
  Result<Page<KeyMetadata>> list(meta::Transaction& transaction, const Entity& user,
                                 const Cursor& cursor);
  Result<> set_status(meta::Transaction& transaction, const Entity& user, std::string_view key_id,
                      KeyStatus status);
  Result<> remove(meta::Transaction& transaction, const Entity& user, std::string_view key_id);

  // A request under this key has proven itself.
  void note_use(std::string_view key_id, std::string_view service, std::string_view region);
  // Writes down the uses since the last time, if there were any.
  Result<> store_uses(meta::Database& database);
  // NotFound for a key that does not exist.
  Result<KeyLastUsed> last_used(meta::Transaction& transaction, std::string_view key_id);

 private:
  struct Noted {
    KeyUse use;
    bool stored = false;
  };

  os::Os os_;
  const MasterKey& master_key_;
  mutable Mutex mutex_;
  std::map<std::string, Noted, std::less<>> noted_ GUARDED_BY(mutex_);
};

// What a sealed secret is bound to.
std::string access_key_context(std::string_view key_id);

}  // namespace traccia::identity
