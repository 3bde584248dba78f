// Trails whose digests wait for their PUT, and which of them may be tried now.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/mutex.h"
#include "base/time.h"
#include "delivery/put_slots.h"

namespace traccia::digest {

// A trail's digests go one after the other, the oldest first, so that they arrive in order. After a
// refusal the trail waits, twice as long with each further one. Thread-safe.
class Turns {
 public:
  struct Limits {
    std::chrono::seconds retry_first{1};  // doubles up to retry_max
    std::chrono::seconds retry_max{300};
  };
  struct Turn {
    std::string trail_arn;
    std::string bucket;  // of the trail's oldest digest
    std::optional<Duration> sent{};
  };

  Turns(delivery::PutSlots& slots, Limits limits) : slots_(slots), limits_(limits) {}

  // The trail has a digest for the bucket that needs a PUT: behind those that it has already.
  void add(const std::string& trail_arn, const std::string& bucket);
  // The trail that has waited longest of those whose bucket has a slot. The caller has it alone
  // until it gives it back with one of the last two.
  std::optional<Turn> take(Duration now);
  // The digest's bytes are there and go to the store.
  void sending(Turn& turn, Duration now);
  void refuse(const Turn& turn, Duration now);
  // The oldest needs no PUT any more; `next`: the bucket of the next one, if there is one.
  void finish(const Turn& turn, std::optional<std::string> next, Duration now);

 private:
  struct Lane {
    std::string bucket;  // of the oldest digest
    Duration due{};
    Duration delay{};  // since the last refusal
    bool taken = false;
    std::optional<std::string> added;  // while taken: the bucket of the first
  };
  using Lanes = std::map<std::string, Lane>;
  Lanes::iterator give_back(const Turn& turn, Duration now) REQUIRES(mutex_);
  void schedule(Lanes::value_type& lane, Duration due) REQUIRES(mutex_);

  delivery::PutSlots& slots_;
  const Limits limits_;
  Mutex mutex_;
  Lanes lanes_ GUARDED_BY(mutex_);                                     // by trail ARN
  std::set<std::pair<Duration, std::string>> due_ GUARDED_BY(mutex_);  // of those not taken
};

}  // namespace traccia::digest
