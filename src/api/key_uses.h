// What of Bucket Keys is remembered for a while: recorded uses, and data keys.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "api/data_keys.h"
#include "api/key_decisions.h"
#include "base/mutex.h"
#include "base/time.h"

namespace traccia::api {

// Thread-safe. With a Bucket Key, S3 keeps what KMS gave it for a while, at least per requester,
// and KMS hears no more of it ("Reducing the cost of SSE-KMS with Amazon S3 Bucket Keys"). Here
// each use is decided by the key's policy all the same, within a second once; only its event is
// told once in a while, and the data key stays for the bucket's next objects.
class KeyUses {
 public:
  static constexpr std::chrono::minutes kWhile{5};
  static constexpr size_t kUsesMax = 4096;  // the others are recorded each time

  // `use` names who, what and which key. True once a while.
  bool recorded(const std::string& use, Duration now) {
    const MutexLock lock(mutex_);
    const auto at = until_.find(use);
    return at != until_.end() && now < at->second;
  }
  void record(const std::string& use, Duration now) {
    const MutexLock lock(mutex_);
    if (until_.size() >= kUsesMax) {
      std::erase_if(until_, [&](const auto& one) { return one.second <= now; });
    }
    if (until_.size() < kUsesMax) until_[use] = now + kWhile;
  }

  DataKeys data_keys;
  KeyDecisions decisions;

 private:
  Mutex mutex_;
  std::map<std::string, Duration> until_ GUARDED_BY(mutex_);
};

}  // namespace traccia::api
