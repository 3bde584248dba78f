// One list in order of use, and a table into it, for each shard.
// SPDX-License-Identifier: Apache-2.0
#include "history/cache.h"

#include <utility>

namespace traccia::history {

std::shared_ptr<const void> Cache::find_any(Key key) {
  auto& shard = shard_of(key);
  const MutexLock lock(shard.mutex);
  const auto at = shard.places.find(key);
  if (at == shard.places.end()) return nullptr;
  shard.entries.splice(shard.entries.begin(), shard.entries, at->second);
  return at->second->value;
}

void Cache::keep(Key key, std::shared_ptr<const void> value, uint64_t bytes) {
  bytes += kEntryBytes;
  if (bytes > shard_bytes_max_ / 4) return;
  auto& shard = shard_of(key);
  std::list<Entry> forgotten;  // is destroyed without the lock
  const MutexLock lock(shard.mutex);
  if (shard.places.contains(key)) return;
  shard.entries.push_front({key, std::move(value), bytes});
  shard.places.emplace(key, shard.entries.begin());
  shard.bytes += bytes;
  while (shard.bytes > shard_bytes_max_) {
    auto& oldest = shard.entries.back();
    shard.bytes -= oldest.bytes;
    shard.places.erase(oldest.key);
    forgotten.splice(forgotten.begin(), shard.entries, std::prev(shard.entries.end()));
  }
}

}  // namespace traccia::history
