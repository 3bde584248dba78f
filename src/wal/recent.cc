// A map by position, cut from its oldest end.
// SPDX-License-Identifier: Apache-2.0
#include "wal/recent.h"

#include <algorithm>
#include <limits>

#include "base/assert.h"

namespace traccia::wal {

Position RecentEntries::slowest() const {
  return readers_.empty() ? 0 : std::ranges::min(readers_);
}

void RecentEntries::trim(Dropped& dropped) {
  const auto read = slowest();
  while (!kept_.empty()) {
    auto& oldest = kept_.begin()->second;
    const bool passed = oldest.found.next <= read;
    if (bytes_ <= (passed ? read_bytes_max_ : bytes_max_)) return;
    bytes_ -= oldest.bytes;
    dropped.push_back(std::move(oldest.found.content));
    kept_.erase(kept_.begin());
  }
}

void RecentEntries::add(Position position, Position next, Decoded decoded) {
  if (!decoded.content) return;
  Dropped dropped;
  const MutexLock lock(mutex_);
  kept_[position] = {{std::move(decoded.content), next}, decoded.bytes, ever_bytes_};
  bytes_ += decoded.bytes;
  ever_bytes_ += decoded.bytes;
  newest_end_ = next;
  trim(dropped);
}

std::optional<RecentEntries::Found> RecentEntries::find(Position position) const {
  const MutexLock lock(mutex_);
  const auto at = kept_.find(position);
  if (at == kept_.end()) return std::nullopt;
  return at->second.found;
}

size_t RecentEntries::add_reader(Position position) {
  const MutexLock lock(mutex_);
  readers_.push_back(position);
  return readers_.size() - 1;
}

void RecentEntries::set_reader(size_t reader, Position position) {
  Dropped dropped;
  const MutexLock lock(mutex_);
  TRACCIA_ASSERT(reader < readers_.size() && readers_[reader] <= position);
  readers_[reader] = position;
  trim(dropped);
}

std::optional<uint64_t> RecentEntries::unread_bytes() const {
  const MutexLock lock(mutex_);
  if (readers_.empty()) return std::nullopt;
  // What is between the reader and the oldest entry was let go; nothing is left when the newest
  // alone was beyond the limit.
  const auto from = slowest();
  if (kept_.empty() ? from < newest_end_ : from < kept_.begin()->first) return std::nullopt;
  const auto next = kept_.lower_bound(from);
  return next == kept_.end() ? 0 : ever_bytes_ - next->second.before;
}

}  // namespace traccia::wal
