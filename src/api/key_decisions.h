// What was decided on uses of keys within one second.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/mutex.h"

namespace traccia::api {

namespace kms_service {
struct OpenUse;
}

// Thread-safe. Policies know the time to the second, and while meta::Database::writes() stays the
// same nothing that is set up changes: the same question then has the same answer, and need not be
// decided anew for each of a bucket's objects. What was denied is not kept.
class KeyDecisions {
 public:
  static constexpr size_t kDecisionsMax = 1024;
  using Allowed = std::shared_ptr<const kms_service::OpenUse>;
  struct Moment {
    uint64_t writes = 0;  // read before the transaction that decides
    int64_t second = 0;   // unix time
    bool operator==(const Moment&) const = default;
  };

  // `question` is all that a decision depends on beside the moment. nullptr: it is to be decided.
  Allowed find(std::string_view question, const Moment& now) const {
    const MutexLock lock(mutex_);
    const auto at = now == moment_ ? allowed_.find(question) : allowed_.end();
    return at == allowed_.end() ? nullptr : at->second;
  }
  void keep(std::string question, const Moment& now, Allowed allowed) {
    const MutexLock lock(mutex_);
    if (now.writes < moment_.writes) return;
    if (now != moment_ || allowed_.size() >= kDecisionsMax) allowed_.clear();
    moment_ = now;
    allowed_.insert_or_assign(std::move(question), std::move(allowed));
  }
  // What is older, so that nobody's key stays open.
  void forget_old(int64_t second) {
    const MutexLock lock(mutex_);
    if (moment_.second != second) allowed_.clear();
  }
  size_t size() const {
    const MutexLock lock(mutex_);
    return allowed_.size();
  }

 private:
  mutable Mutex mutex_;
  Moment moment_ GUARDED_BY(mutex_);
  std::map<std::string, Allowed, std::less<>> allowed_ GUARDED_BY(mutex_);
};

}  // namespace traccia::api
