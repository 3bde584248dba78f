// The access keys of users: made, switched off, removed; and when each was last used.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "identity/entities.h"
#include "identity/master_key.h"
#include "identity/page.h"
#include "identity/uses.h"
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

// What GetAccessKeyLastUsed tells.
struct KeyLastUsed {
  std::string account_id;
  std::string user_name;
  std::optional<Use> use;
};

enum class KeyStatus : uint8_t { Inactive, Active };

// Thread-safe; state lives in the caller's transaction, uses in memory until they are stored.
// Secrets are sealed. Reasons of errors: NoSuchEntity, LimitExceeded.
class AccessKeys {
 public:
  AccessKeys(os::Os os, const MasterKey& master_key)
      : os_(os),
        master_key_(master_key),
        uses_(
            os.clock,
            "UPDATE access_keys SET used = ?2, used_service = ?3, used_region = ?4 WHERE id = ?1") {
  }

  Result<NewKey> create(meta::Transaction& transaction, const Entity& user);
  // By id.
  Result<Page<KeyMetadata>> list(meta::Transaction& transaction, const Entity& user,
                                 const Cursor& cursor);
  Result<> set_status(meta::Transaction& transaction, const Entity& user, std::string_view key_id,
                      KeyStatus status);
  Result<> remove(meta::Transaction& transaction, const Entity& user, std::string_view key_id);

  // A request under a key that has proven itself is noted here.
  Uses& uses() { return uses_; }
  // NotFound for a key that does not exist.
  Result<KeyLastUsed> last_used(meta::Transaction& transaction, std::string_view key_id);

 private:
  os::Os os_;
  const MasterKey& master_key_;
  Uses uses_;
};

// What a sealed secret is bound to.
std::string access_key_context(std::string_view key_id);

}  // namespace traccia::identity
