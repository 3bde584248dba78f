// What the server's threads tell each other.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "base/mutex.h"
#include "base/time.h"

namespace traccia::server {

// Sleeps that stop() ends.
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

// The text of a sink's last error, for /healthz.
class LastError {
 public:
  void set(std::string text) {
    const MutexLock lock(mutex_);
    text_ = std::move(text);
  }
  std::string get() const {
    const MutexLock lock(mutex_);
    return text_;
  }

 private:
  mutable Mutex mutex_;
  std::string text_ GUARDED_BY(mutex_);
};

}  // namespace traccia::server
