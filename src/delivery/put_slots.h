// How many PUTs each bucket may have under way, so that no bucket holds up the others.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/mutex.h"
#include "base/time.h"

namespace traccia::delivery {

// A dynamic threshold: a bucket gets another slot while more slots are free than it has, so that
// the first takes what it can use and those that come later still find some. A bucket that takes
// long to answer is slow until a PUT of it comes back in time; a slow one has one slot, and all
// slow ones together never have the last. Thread-safe.
class PutSlots {
 public:
  struct Limits {
    size_t puts_max = 8;        // side by side, one thread each
    size_t per_bucket_max = 3;  // of those
    size_t slow_max = 4;        // of those, for slow buckets together
    std::chrono::seconds slow_after{10};
  };
  explicit PutSlots(Limits limits) : limits_(limits) {}

  // Whether the caller may begin a PUT; if so, it gives the slot back with done().
  bool take(const std::string& bucket, Duration now);
  // The bytes are there and go to the store.
  void sending(const std::string& bucket, Duration now);
  // `sent`: when sending() was called, if it was. The store has answered by then, whatever it was.
  void done(const std::string& bucket, std::optional<Duration> sent, Duration now);

  size_t puts_max() const { return limits_.puts_max; }

 private:
  struct Use {
    size_t slots = 0;
    std::multiset<Duration> sent;  // of the PUTs under way
    bool slow = false;
  };
  bool slow(const Use& use, Duration now) const;
  size_t slow_slots(Duration now) const REQUIRES(mutex_);

  const Limits limits_;
  Mutex mutex_;
  std::map<std::string, Use> uses_ GUARDED_BY(mutex_);  // of the buckets with slots
  std::set<std::string> slow_idle_ GUARDED_BY(mutex_);  // buckets without, slow when last seen
  size_t slots_ GUARDED_BY(mutex_) = 0;                 // taken
};

}  // namespace traccia::delivery
