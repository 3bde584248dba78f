// Two maps by position, cut from their oldest ends.
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
    const auto limit = limits_.bytes_max - std::min(limits_.bytes_max, shared_bytes_);
    if (bytes_ <= (passed ? std::min(limit, limits_.read_bytes_max) : limit)) return;
    bytes_ -= oldest.bytes;
    dropped.push_back(std::move(oldest.found.content));
    kept_.erase(kept_.begin());
  }
}

void RecentEntries::trim_shared(Dropped& dropped) {
  const auto read = slowest();
  while (!shared_.empty() && shared_.begin()->second.found.next <= read) {
    shared_bytes_ -= shared_.begin()->second.bytes;
    dropped.push_back(std::move(shared_.begin()->second.found.content));
    shared_.erase(shared_.begin());
  }
}

bool RecentEntries::shared_full() const {
  return shared_bytes_ > 0 && shared_bytes_ + last_shared_bytes_ > limits_.shared_bytes_max;
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
  for (const auto* const entries : {&kept_, &shared_}) {
    const auto at = entries->find(position);
    if (at != entries->end()) return at->second.found;
  }
  return std::nullopt;
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
  trim_shared(dropped);
  trim(dropped);
  if (!shared_full() || slowest() >= awaited_) passed_.notify_all();
}

void RecentEntries::share(Position position, Position next, Decoded decoded) {
  Dropped dropped;
  const MutexLock lock(mutex_);
  // The one that shares it, and another.
  if (std::ranges::count_if(readers_, [&](auto at) { return at < next; }) < 2) return;
  last_shared_bytes_ = std::min(decoded.bytes, limits_.shared_bytes_max);
  if (decoded.bytes > limits_.shared_bytes_max - shared_bytes_) return;
  const auto [at, fresh] = shared_.try_emplace(position);
  if (!fresh) return;
  at->second = {{std::move(decoded.content), next}, decoded.bytes, 0};
  shared_bytes_ += decoded.bytes;
  trim(dropped);
}

void RecentEntries::wait_to_share(size_t reader) {
  const MutexLock lock(mutex_);
  while (shared_full() && readers_[reader] > slowest() && slowest() >= wait_again_from_) {
    if (slowest() >= awaited_) {
      awaited_ = slowest() + limits_.pace_bytes_min;
      patience_left_ = limits_.patience;
    }
    ++waits_;
    const auto before = std::chrono::steady_clock::now();
    passed_.wait_for(mutex_, patience_left_);
    patience_left_ -= std::chrono::steady_clock::now() - before;
    if (patience_left_ <= Duration{} && slowest() < awaited_) wait_again_from_ = awaited_;
  }
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

uint64_t RecentEntries::waits() const {
  const MutexLock lock(mutex_);
  return waits_;
}

}  // namespace traccia::wal
