// Requests that wait until there is something for them: ReceiveMessage with WaitTimeSeconds.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace traccia::api {

// Thread-safe. Requests that wait hold no worker: one thread looks after all of them.
class LongPolls {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr size_t kWaitingMax = 1000;

  struct Waiting {
    int64_t queue = 0;
    Clock::time_point deadline;
    // Answers, or waits once more. Called once, on the thread of LongPolls.
    std::move_only_function<void()> proceed;
  };
  // Whether the queue has something now. Called on the thread of LongPolls.
  using HasMessages = std::function<bool(int64_t queue)>;

  explicit LongPolls(HasMessages has_messages);
  ~LongPolls();
  LongPolls(const LongPolls&) = delete;
  LongPolls& operator=(const LongPolls&) = delete;

  // False, and `waiting` is as it was, when too many wait already or the end has come.
  bool wait(Waiting& waiting);
  // A message may have come.
  void wake();
  // All who wait proceed now; nobody waits any more.
  void stop();

 private:
  void run();
  std::vector<Waiting> take_ready(Clock::time_point now);

  HasMessages has_messages_;
  Mutex mutex_;
  Condition changed_;
  std::vector<Waiting> waiting_ GUARDED_BY(mutex_);  // in the order of their coming
  bool woken_ GUARDED_BY(mutex_) = false;
  bool stopped_ GUARDED_BY(mutex_) = false;
  std::jthread thread_;
};

}  // namespace traccia::api
