// Following the event history: cursors, and how many calls may wait for events.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/mutex.h"
#include "base/time.h"
#include "history/history.h"
#include "identity/identity.h"

namespace traccia::api {

// So many calls wait on workers at a time, so that enough workers are left; further ones are
// answered at once.
inline constexpr int kTailWaitersMax = 2;

// Thread-safe.
class Tail {
 public:
  Tail(const history::History& history, const identity::MasterKey& master_key)
      : history_(history), master_key_(master_key) {}

  struct Place {
    history::Cursor at;
    int64_t recorded = 0;  // when the audit event of this tail was written, unix seconds
  };
  // Opaque; good for the same scope only (who follows what), across restarts too.
  std::string encode(const Place& place, std::string_view scope) const;
  // Reason InvalidCursor.
  Result<Place> decode(std::string_view cursor, std::string_view scope) const;

  // Returns when something arrived behind the place, the time is over, too many wait already, or
  // stop() was called.
  void wait(history::Cursor place, Duration timeout);
  // Ends all waiting, for good.
  void stop();

 private:
  const history::History& history_;
  const identity::MasterKey& master_key_;
  Mutex mutex_;
  int waiting_ GUARDED_BY(mutex_) = 0;
  bool stopped_ GUARDED_BY(mutex_) = false;
};

}  // namespace traccia::api
