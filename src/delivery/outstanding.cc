// Keeps files in the order in which they are due.
// SPDX-License-Identifier: Apache-2.0
#include "delivery/outstanding.h"

#include <algorithm>

#include "base/assert.h"

namespace traccia::delivery {

void Outstanding::add(std::unique_ptr<File> file) {
  const MutexLock lock(mutex_);
  const auto id = file->manifest.id;
  positions_.insert(file->manifest.first_position);
  rendered_bytes_ += file->rendered.size();
  due_.emplace(Duration{}, id);
  TRACCIA_ASSERT(waiting_.emplace(id, std::move(file)).second);
  ++changes_;
  changed_.notify_one();
}

std::unique_ptr<Outstanding::File> Outstanding::take(Duration now) {
  const MutexLock lock(mutex_);
  for (auto at = due_.begin(); at != due_.end() && at->first <= now; ++at) {
    const auto waiting = waiting_.find(at->second);
    auto& busy = busy_[waiting->second->manifest.bucket];
    if (busy >= per_bucket_max_) continue;
    ++busy;
    auto file = std::move(waiting->second);
    waiting_.erase(waiting);
    due_.erase(at);
    rendered_bytes_ -= file->rendered.size();
    return file;
  }
  return nullptr;
}

void Outstanding::retry(std::unique_ptr<File> file, Duration at) {
  const MutexLock lock(mutex_);
  if (rendered_bytes_ + file->rendered.size() > rendered_bytes_max_) file->rendered.clear();
  rendered_bytes_ += file->rendered.size();
  --busy_[file->manifest.bucket];
  const auto id = file->manifest.id;
  due_.emplace(at, id);
  waiting_.emplace(id, std::move(file));
}

void Outstanding::finish(std::unique_ptr<File> file) {
  const MutexLock lock(mutex_);
  const auto busy = busy_.find(file->manifest.bucket);
  if (--busy->second == 0) busy_.erase(busy);
  positions_.erase(positions_.find(file->manifest.first_position));
  ++changes_;  // its bucket may take another
  changed_.notify_one();
}

wal::Position Outstanding::floor(wal::Position otherwise) const {
  const MutexLock lock(mutex_);
  return positions_.empty() ? otherwise : std::min(otherwise, *positions_.begin());
}

size_t Outstanding::count() const {
  const MutexLock lock(mutex_);
  return positions_.size();
}

bool Outstanding::full() const {
  const MutexLock lock(mutex_);
  return rendered_bytes_ > rendered_bytes_max_;
}

uint64_t Outstanding::rendered_bytes() const {
  const MutexLock lock(mutex_);
  return rendered_bytes_;
}

uint64_t Outstanding::changes() const {
  const MutexLock lock(mutex_);
  return changes_;
}

void Outstanding::wait(uint64_t seen, Duration timeout) {
  const MutexLock lock(mutex_);
  if (changes_ == seen) changed_.wait_for(mutex_, timeout);
}

void Outstanding::wake() {
  const MutexLock lock(mutex_);
  ++changes_;
  changed_.notify_all();
}

}  // namespace traccia::delivery
