// Answers are called outside the lock.
// SPDX-License-Identifier: Apache-2.0
#include "api/pacer.h"

#include <utility>

namespace traccia::api {

bool Pacer::must_wait() const {
  const auto unread = recent_.unread_bytes();
  return unread && *unread > recent_.bytes_max() / 2;
}

void Pacer::answer(Answer answer) {
  if (must_wait()) {
    const auto until = clock_.monotonic() + kWaitMax;
    const MutexLock lock(mutex_);
    if (!stopped_ && held_.size() < kHeldMax) {
      held_.push_back({until, std::move(answer)});
      return;
    }
  }
  answer();
}

std::deque<Pacer::Held> Pacer::due(bool all) {
  const auto now = clock_.monotonic();
  const MutexLock lock(mutex_);
  if (all) return std::exchange(held_, {});
  std::deque<Held> out;
  while (!held_.empty() && held_.front().until <= now) {
    out.push_back(std::move(held_.front()));
    held_.pop_front();
  }
  return out;
}

void Pacer::check() {
  {
    const MutexLock lock(mutex_);
    if (held_.empty()) return;
  }
  for (auto& held : due(!must_wait())) held.answer();
}

void Pacer::stop() {
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
  }
  for (auto& held : due(true)) held.answer();
}

}  // namespace traccia::api
