// Parts of segments and heads that look-ups read again and again, checked and decompressed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>

#include "base/mutex.h"

namespace traccia::history {

inline constexpr uint64_t kCacheBytesMax = 32 << 20;

// Forgets what was used longest ago. Shards with locks of their own, so that look-ups side by side
// seldom wait for each other. Thread-safe.
class Cache {
 public:
  struct Key {
    uint64_t owner = 0;   // of new_owner(); 0: heads
    uint64_t offset = 0;  // in its file; of heads: an address
    bool operator==(const Key&) const = default;
  };
  explicit Cache(uint64_t bytes_max = kCacheBytesMax) : shard_bytes_max_(bytes_max / kShards) {}

  // From 1 on.
  uint64_t new_owner() { return ++owners_; }
  // What was kept under the key; whoever asks knows its type.
  template <typename T>
  std::shared_ptr<const T> find(Key key) {
    return std::static_pointer_cast<const T>(find_any(key));
  }
  void keep(Key key, std::shared_ptr<const void> value, uint64_t bytes);

 private:
  struct Hash {
    size_t operator()(const Key& key) const {
      const auto mixed = (key.offset ^ key.owner << 40) * 0x9e3779b97f4a7c15;
      return mixed ^ mixed >> 32;
    }
  };
  struct Entry {
    Key key;
    std::shared_ptr<const void> value;
    uint64_t bytes = 0;
  };
  struct Shard {
    Mutex mutex;
    std::list<Entry> entries GUARDED_BY(mutex);  // the last one used first
    std::unordered_map<Key, std::list<Entry>::iterator, Hash> places GUARDED_BY(mutex);
    uint64_t bytes GUARDED_BY(mutex) = 0;
  };
  static constexpr size_t kShards = 16;
  static constexpr uint64_t kEntryBytes = 160;  // what an entry takes beside its content, about

  std::shared_ptr<const void> find_any(Key key);
  Shard& shard_of(Key key) { return shards_[Hash()(key) % kShards]; }

  uint64_t shard_bytes_max_;
  std::atomic<uint64_t> owners_{0};
  std::array<Shard, kShards> shards_;
};

}  // namespace traccia::history
