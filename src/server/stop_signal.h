// How the server's threads learn that they shall end.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/mutex.h"
#include "base/time.h"

namespace traccia::server {

// Thread-safe. Sleeps that set() ends.
class StopSignal {
 public:
  void set() {
    const MutexLock lock(mutex_);
    set_ = true;
    condition_.notify_all();
  }
  bool is_set() {
    const MutexLock lock(mutex_);
    return set_;
  }
  void wait_for(Duration time) {
    const MutexLock lock(mutex_);
    if (!set_) condition_.wait_for(mutex_, time);
  }

 private:
  Mutex mutex_;
  Condition condition_;
  bool set_ GUARDED_BY(mutex_) = false;
};

}  // namespace traccia::server
