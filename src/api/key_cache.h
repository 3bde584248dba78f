// Access keys that were found, so that a signed request needs no look-up in the database.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mutex.h"
#include "identity/identity.h"
#include "meta/database.h"

namespace traccia::api {

// Thread-safe. A key is taken from here only while nothing was written to the database since it was
// read, busy tables aside: whatever may have changed it is seen by the next request.
class KeyCache {
 public:
  static constexpr size_t kKeysMax = 1024;
  using Found = std::shared_ptr<const identity::AccessKey>;  // nullptr: unknown or inactive

  // `token` is the session token of temporary credentials; empty with a user's own key.
  Result<Found> find(meta::Database& database, identity::Identity& identity, std::string_view id,
                     std::string_view token = {}) {
    const auto writes = database.writes();
    {
      const MutexLock lock(mutex_);
      const auto at = writes == writes_ ? keys_.find(id) : keys_.end();
      if (at != keys_.end() && constant_time_equal(at->second.token, token)) return at->second.key;
    }
    std::optional<identity::AccessKey> key;
    // Nobody was given a key that may still be lost.
    TRY(database.look([&](meta::Transaction& transaction) -> Result<> {
      if (token.empty()) {
        TRY_ASSIGN(key, identity.find_access_key(transaction, id));
      } else {
        TRY_ASSIGN(key, identity.find_session(transaction, id, token));
      }
      return {};
    }));
    if (!key) return Found();
    auto found = std::make_shared<const identity::AccessKey>(std::move(*key));
    keep({std::string(token), found}, writes);
    return found;
  }

 private:
  struct Entry {
    std::string token;
    Found key;
  };

  void keep(Entry entry, uint64_t writes) {
    const MutexLock lock(mutex_);
    if (writes < writes_) return;
    if (writes > writes_ || keys_.size() >= kKeysMax) keys_.clear();
    writes_ = writes;
    const auto id = entry.key->principal.access_key_id;
    keys_.insert_or_assign(id, std::move(entry));
  }

  Mutex mutex_;
  uint64_t writes_ GUARDED_BY(mutex_) =
      0;  // what Database::writes() said before the keys were read
  std::map<std::string, Entry, std::less<>> keys_ GUARDED_BY(mutex_);
};

}  // namespace traccia::api
