// A mutex that clang's thread-safety analysis understands. The only mutex product code uses.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define TRACCIA_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define TRACCIA_THREAD_ATTRIBUTE(x)
#endif

#define GUARDED_BY(x) TRACCIA_THREAD_ATTRIBUTE(guarded_by(x))
#define REQUIRES(x) TRACCIA_THREAD_ATTRIBUTE(requires_capability(x))

namespace traccia {

class TRACCIA_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void lock() TRACCIA_THREAD_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void unlock() TRACCIA_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }

 private:
  friend class Condition;
  std::mutex mutex_;
};

class TRACCIA_THREAD_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) TRACCIA_THREAD_ATTRIBUTE(acquire_capability(mutex))
      : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() TRACCIA_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits on a Mutex that the caller holds. Predicates are loops at the call site, so that the
// analysis sees the guarded reads: while (!ready_) condition_.wait(mutex_);
class Condition {
 public:
  void wait(Mutex& mutex) REQUIRES(mutex) {
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();  // the caller's
  }
  template <typename Rep, typename Period>
  void wait_for(Mutex& mutex, std::chrono::duration<Rep, Period> timeout) REQUIRES(mutex) {
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    condition_.wait_for(lock, timeout);
    lock.release();
  }
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace traccia
