// One thread for all who wait.
// SPDX-License-Identifier: Apache-2.0
#include "api/long_polls.h"

#include <map>

namespace traccia::api {
namespace {

// Messages become visible by the clock too, which wakes nobody.
constexpr std::chrono::milliseconds kLookEvery{100};

}  // namespace

LongPolls::LongPolls(HasMessages has_messages)
    : has_messages_(std::move(has_messages)), thread_([this] { run(); }) {}

LongPolls::~LongPolls() {
  stop();
}

bool LongPolls::wait(Waiting& waiting) {
  const MutexLock lock(mutex_);
  if (stopped_ || waiting_.size() >= kWaitingMax) return false;
  waiting_.push_back(std::move(waiting));
  changed_.notify_all();
  return true;
}

void LongPolls::wake() {
  const MutexLock lock(mutex_);
  if (waiting_.empty()) return;
  woken_ = true;
  changed_.notify_all();
}

void LongPolls::stop() {
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

// Those whose time is over, and those whose queues have something: all of a queue's, since each
// looks for itself.
std::vector<LongPolls::Waiting> LongPolls::take_ready(Clock::time_point now) {
  std::map<int64_t, bool> queues;
  {
    const MutexLock lock(mutex_);
    for (const auto& one : waiting_) queues.emplace(one.queue, false);
  }
  for (auto& [queue, has] : queues) has = has_messages_(queue);
  std::vector<Waiting> ready, rest;
  const MutexLock lock(mutex_);
  for (auto& one : waiting_) {
    const auto at = queues.find(one.queue);
    const bool due = stopped_ || one.deadline <= now || (at != queues.end() && at->second);
    (due ? ready : rest).push_back(std::move(one));
  }
  waiting_ = std::move(rest);
  return ready;
}

void LongPolls::run() {
  while (true) {
    {
      const MutexLock lock(mutex_);
      while (waiting_.empty() && !stopped_) changed_.wait(mutex_);
      if (waiting_.empty()) return;  // stopped
      if (!woken_ && !stopped_) changed_.wait_for(mutex_, kLookEvery);
      woken_ = false;
    }
    for (auto& one : take_ready(Clock::now())) one.proceed();
  }
}

}  // namespace traccia::api
