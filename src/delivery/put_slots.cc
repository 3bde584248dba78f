// Deals out PUTs to buckets.
// SPDX-License-Identifier: Apache-2.0
#include "delivery/put_slots.h"

#include "base/assert.h"

namespace traccia::delivery {
namespace {

constexpr size_t kSlowRememberedMax = 1024;  // buckets without a PUT under way

}  // namespace

bool PutSlots::slow(const Use& use, Duration now) const {
  return use.slow || (!use.sent.empty() && now - *use.sent.begin() >= limits_.slow_after);
}

size_t PutSlots::slow_slots(Duration now) const {
  size_t slots = 0;
  for (const auto& [bucket, use] : uses_) {
    if (slow(use, now)) slots += use.slots;
  }
  return slots;
}

bool PutSlots::take(const std::string& bucket, Duration now) {
  const MutexLock lock(mutex_);
  const auto free = limits_.puts_max - slots_;
  if (free == 0) return false;
  auto at = uses_.find(bucket);
  if (at == uses_.end()) {
    const bool was_slow = slow_idle_.contains(bucket);
    if (was_slow && slow_slots(now) >= limits_.slow_max) return false;
    at = uses_.try_emplace(bucket).first;
    at->second.slow = was_slow;
    slow_idle_.erase(bucket);
  } else {
    const auto& use = at->second;
    if (use.slots >= limits_.per_bucket_max || use.slots >= free) return false;
    if (slow(use, now)) return false;
  }
  ++at->second.slots;
  ++slots_;
  return true;
}

void PutSlots::sending(const std::string& bucket, Duration now) {
  const MutexLock lock(mutex_);
  uses_.at(bucket).sent.insert(now);
}

void PutSlots::done(const std::string& bucket, std::optional<Duration> sent, Duration now) {
  const MutexLock lock(mutex_);
  const auto at = uses_.find(bucket);
  TRACCIA_ASSERT(at != uses_.end());
  auto& use = at->second;
  if (sent) {
    use.slow = now - *sent >= limits_.slow_after;
    use.sent.erase(use.sent.find(*sent));
  }
  --slots_;
  if (--use.slots > 0) return;
  if (use.slow && slow_idle_.size() < kSlowRememberedMax) slow_idle_.insert(bucket);
  uses_.erase(at);
}

}  // namespace traccia::delivery
