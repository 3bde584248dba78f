// The bridge from a committed change of state to the log: log records wait here inside the
// transaction that made the change, and leave once the log has them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"
#include "ingest/ingest.h"
#include "meta/database.h"

namespace traccia::api {

extern const std::string_view kOutboxSchema;

// Reason of the error after which the change stands although its records did not reach the log.
inline constexpr std::string_view kCommittedNotLogged = "CommittedNotLogged";

// Thread-safe. A record's eventID or change id makes a second submission a duplicate, so a crash
// between commit and removal repeats nothing.
class Outbox {
 public:
  Outbox(meta::Database& database, ingest::Ingest& ingest) : database_(database), ingest_(ingest) {}

  // Runs `body` in a write transaction together with the log records it returns, submits those in
  // commit order, and returns once they are durable in the log. An error of `body` rolls back and
  // leaves no trace. Unavailable (kCommittedNotLogged) when the log refused: the change is
  // committed and its records stay in the outbox, but nobody may be told that it succeeded.
  Result<> commit(
      const std::function<Result<std::vector<ingest::Draft>>(meta::Transaction&)>& body);

  // At start: submits what an earlier process left behind, in order.
  Result<size_t> drain();

 private:
  Result<std::vector<int64_t>> insert(meta::Transaction& transaction,
                                      const std::vector<ingest::Draft>& drafts);
  Result<> remove(meta::Transaction& transaction, const std::vector<int64_t>& ids);

  meta::Database& database_;
  ingest::Ingest& ingest_;
  Mutex order_;  // held from commit to submission, so that the log keeps the order of commits
  Mutex sent_mutex_;
  std::vector<int64_t> sent_
      GUARDED_BY(sent_mutex_);  // rows the log has; later commits remove them
};

}  // namespace traccia::api
