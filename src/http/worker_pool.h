// Threads that run handlers, behind a bounded queue.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace traccia::http {

// Thread-safe.
class WorkerPool {
 public:
  using Job = std::move_only_function<void()>;

  WorkerPool(unsigned threads, size_t queue_max);
  ~WorkerPool();

  // False when the queue is full or stop() was called; the job was not taken then.
  bool submit(Job& job);
  // Runs what was taken, then ends the threads. Idempotent.
  void stop();

 private:
  void run();

  const size_t queue_max_;
  Mutex mutex_;
  Condition ready_;
  std::deque<Job> queue_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::vector<std::jthread> threads_;
};

}  // namespace traccia::http
