// What was read from the store, kept while it stays as it is.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/mutex.h"
#include "meta/database.h"

namespace traccia::identity {

// Thread-safe. Every change of what belongs to a scope calls forget() inside its transaction,
// before that commits: what others read while the change is under way is from before it, and what
// they read afterwards is not found here. A transaction that wrote may see what is rolled back
// later, so nothing it reads is kept.
template <typename T>
class VersionedCache {
 public:
  static constexpr size_t kEntriesMax = 4096;
  using Found = std::shared_ptr<const T>;
  using Load = std::function<Result<T>()>;

  // The scope's value with this key, from `load` when it is not here. A key has one scope only.
  Result<Found> find(meta::Transaction& transaction, std::string_view scope, std::string_view key,
                     const Load& load) {
    uint64_t version = 0;
    {
      const MutexLock lock(mutex_);
      version = version_of(scope);
      const auto at = entries_.find(key);
      if (at != entries_.end() && at->second.version == version) return at->second.value;
    }
    TRY_ASSIGN(auto loaded, load());
    auto found = std::make_shared<const T>(std::move(loaded));
    if (transaction.wrote()) return found;
    const MutexLock lock(mutex_);
    if (entries_.size() >= kEntriesMax) entries_.clear();
    entries_.insert_or_assign(std::string(key), Entry{found, version});
    return found;
  }
  void forget(std::string_view scope) {
    const MutexLock lock(mutex_);
    const auto at = versions_.find(scope);
    if (at == versions_.end()) {
      versions_.emplace(scope, 1);
    } else {
      ++at->second;
    }
  }

 private:
  struct Entry {
    Found value;
    uint64_t version = 0;  // the scope's when it was read
  };

  uint64_t version_of(std::string_view scope) const REQUIRES(mutex_) {
    const auto at = versions_.find(scope);
    return at == versions_.end() ? 0 : at->second;
  }

  Mutex mutex_;
  std::map<std::string, uint64_t, std::less<>> versions_ GUARDED_BY(mutex_);  // by scope
  std::map<std::string, Entry, std::less<>> entries_ GUARDED_BY(mutex_);      // by key
};

}  // namespace traccia::identity
