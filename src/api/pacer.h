// Keeps senders of much at the pace of the sinks.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <deque>
#include <functional>

#include "base/mutex.h"
#include "base/time.h"
#include "os/os.h"
#include "wal/recent.h"

namespace traccia::api {

// Sinks that fall behind what is in memory decode the log again, which costs more than it gains to
// answer early: large submissions are answered once the slowest sink is near, or after kWaitMax,
// so that a sink that does not move stops nobody. Thread-safe.
class Pacer {
 public:
  static constexpr std::chrono::milliseconds kWaitMax{250};
  static constexpr size_t kHeldMax = 1024;  // beyond, answers are given at once
  using Answer = std::move_only_function<void()>;

  Pacer(os::Clock& clock, const wal::RecentEntries& recent) : clock_(clock), recent_(recent) {}

  // Calls `answer` now or from a later check().
  void answer(Answer answer);
  // To be called after a sink has moved, and now and then.
  void check();
  // Calls all answers, now and from here on at once.
  void stop();

 private:
  struct Held {
    Duration until{0};
    Answer answer;
  };
  // A sink has more than half of what memory keeps before it, and still reads from memory.
  bool must_wait() const;
  std::deque<Held> due(bool all);

  os::Clock& clock_;
  const wal::RecentEntries& recent_;
  Mutex mutex_;
  std::deque<Held> held_ GUARDED_BY(mutex_);  // by `until`
  bool stopped_ GUARDED_BY(mutex_) = false;
};

}  // namespace traccia::api
