// The bridge from a committed change of state to the log: log records wait here inside the
// transaction that made the change, and leave once the log has them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <future>
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
  // commit order once it is durable, and returns once they are durable in the log. An error of
  // `body` rolls back and leaves no trace. Unavailable (kCommittedNotLogged) when the log refused,
  // or the commit could not be synced: the change is committed, or may be after a restart, and its
  // records wait in the outbox, but nobody may be told that it succeeded. While
  // kWaitingMax records wait, what brings further ones is refused and leaves no trace.
  Result<> commit(
      const std::function<Result<std::vector<ingest::Draft>>(meta::Transaction&)>& body);

  // For who changes state while no server runs: the records wait for drain() of the next start. The
  // rows' numbers.
  static Result<std::vector<int64_t>> put(meta::Transaction& transaction,
                                          const std::vector<ingest::Draft>& drafts);

  // At start: submits what an earlier process left behind, in order; what the log refuses waits.
  // The number of records.
  Result<size_t> drain();

  // Submits what waits, in order, as far as the log takes it. The number of records.
  Result<size_t> resend();

  static constexpr size_t kWaitingMax = 1000;  // records

 private:
  // What is committed and not submitted yet.
  struct Batch {
    meta::CommitNumber number = 0;
    std::vector<ingest::Draft> drafts;
    std::vector<int64_t> ids;
    std::promise<Result<>> logged = {};
  };

  Result<Batch> write(
      const std::function<Result<std::vector<ingest::Draft>>(meta::Transaction&)>& body)
      REQUIRES(order_);
  void submit_up_to(meta::CommitNumber number) REQUIRES(order_);
  void submit(Batch batch) REQUIRES(order_);
  Result<> send_waiting() REQUIRES(order_);
  void sent(const std::vector<int64_t>& ids);
  Result<> remove(meta::Transaction& transaction, const std::vector<int64_t>& ids);

  meta::Database& database_;
  ingest::Ingest& ingest_;
  Mutex order_;  // held for a commit and for a submission, so that the log keeps their order
  std::deque<Batch> committed_ GUARDED_BY(order_);   // in that order
  std::vector<int64_t> waiting_ GUARDED_BY(order_);  // rows that the log has refused
  Mutex sent_mutex_;
  std::vector<int64_t> sent_
      GUARDED_BY(sent_mutex_);  // rows the log has; later commits remove them
};

}  // namespace traccia::api
