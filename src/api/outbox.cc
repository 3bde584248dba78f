// Commits state and log records together.
// SPDX-License-Identifier: Apache-2.0
#include "api/outbox.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>

namespace traccia::api {

const std::string_view kOutboxSchema = R"sql(
CREATE TABLE outbox (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  kind      INTEGER NOT NULL,        -- ingest::Kind
  json      TEXT NOT NULL,
  change_id TEXT NOT NULL,
  sender    TEXT NOT NULL
) STRICT;
)sql";

namespace {

constexpr size_t kBatchMax = 100;  // of records that have waited

Result<ingest::Draft> read_draft(const meta::Row& row) {
  const auto json = row.view(2);
  if (static_cast<ingest::Kind>(row.integer(1)) == ingest::Kind::TrailChange) {
    return ingest::change_draft(json, row.view(3), row.view(4));
  }
  auto memory = std::make_shared<event::RecordMemory>(json.size());
  ingest::Draft draft;
  TRY_ASSIGN(draft.record, event::read_stored(memory->keep_padded(json), "", *memory));
  draft.sender = memory->values().copy(row.view(4));
  draft.memory = std::move(memory);
  return draft;
}

}  // namespace

Result<std::vector<int64_t>> Outbox::put(meta::Transaction& transaction,
                                         const std::vector<ingest::Draft>& drafts) {
  std::vector<int64_t> ids;
  for (const auto& draft : drafts) {
    const bool is_event = draft.kind == ingest::Kind::Event;
    TRY(transaction.execute(
        "INSERT INTO outbox (kind, json, change_id, sender) VALUES (?, ?, ?, ?)",
        {static_cast<int64_t>(draft.kind), is_event ? draft.record.json : draft.change_json,
         draft.change_id, draft.sender}));
    ids.push_back(transaction.last_insert_id());
  }
  return ids;
}

Result<> Outbox::remove(meta::Transaction& transaction, const std::vector<int64_t>& ids) {
  for (const auto id : ids) TRY(transaction.execute("DELETE FROM outbox WHERE id = ?", {id}));
  return {};
}

Result<> Outbox::commit(
    const std::function<Result<std::vector<ingest::Draft>>(meta::Transaction&)>& body) {
  const auto not_logged = [](const Error& error) {
    return fail(ErrorCode::Unavailable, kCommittedNotLogged, error.message());
  };
  meta::CommitNumber number = 0;
  std::optional<std::future<Result<>>> logged;
  {
    const MutexLock order(order_);
    TRY_ASSIGN(auto batch, write(body));
    number = batch.number;
    if (!batch.drafts.empty()) {
      logged = batch.logged.get_future();
      committed_.push_back(std::move(batch));
    }
  }
  // Others commit meanwhile: one sync does for all of them.
  if (const auto durable = database_.wait_durable(number); !durable) {
    return not_logged(durable.error());
  }
  if (!logged) return {};
  {
    const MutexLock order(order_);
    submit_up_to(number);
  }
  const auto done = logged->get();
  return done ? Result<>() : not_logged(done.error());
}

// The transaction of a commit; it also removes rows that the log has.
Result<Outbox::Batch> Outbox::write(
    const std::function<Result<std::vector<ingest::Draft>>(meta::Transaction&)>& body) {
  Batch batch;
  std::vector<int64_t> removed;
  {
    const MutexLock lock(sent_mutex_);
    removed = sent_;
  }
  const bool full = waiting_.size() >= kWaitingMax;
  TRY_ASSIGN(batch.number, database_.commit([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(batch.drafts, body(transaction));
    if (full && !batch.drafts.empty()) {
      return fail(ErrorCode::ResourceExhausted, "LogDiskFull",
                  "too many records wait for room in the log; retry later");
    }
    TRY_ASSIGN(batch.ids, put(transaction, batch.drafts));
    return remove(transaction, removed);
  }));
  const MutexLock lock(sent_mutex_);
  sent_.erase(sent_.begin(), sent_.begin() + static_cast<ptrdiff_t>(removed.size()));
  return batch;
}

// What is durable goes to the log, whoever committed it.
void Outbox::submit_up_to(meta::CommitNumber number) {
  while (!committed_.empty() && committed_.front().number <= number) {
    auto batch = std::move(committed_.front());
    committed_.pop_front();
    submit(std::move(batch));
  }
}

void Outbox::submit(Batch batch) {
  if (!waiting_.empty()) {
    // Behind those, so that the log keeps the order of commits.
    waiting_.insert(waiting_.end(), batch.ids.begin(), batch.ids.end());
    batch.logged.set_value(send_waiting());
    return;
  }
  struct Submission {
    std::vector<int64_t> ids;
    std::promise<Result<>> logged;
    std::atomic<bool> refused = false;
  };
  auto submission = std::make_shared<Submission>(std::move(batch.ids), std::move(batch.logged));
  ingest_.submit(
      std::move(batch.drafts),
      [this, submission](Result<ingest::Outcome> outcome) {
        // An eventID that is taken means that its event is in the log: derived ids do that on a
        // repeat.
        if (outcome) {
          sent(submission->ids);
          submission->logged.set_value({});
        } else {
          submission->refused = true;
          submission->logged.set_value(std::unexpected(outcome.error()));
        }
      },
      wal::Room::Reserve);
  // At once. What fails later finds the log stopped for good.
  if (submission->refused) waiting_ = submission->ids;
}

void Outbox::sent(const std::vector<int64_t>& ids) {
  const MutexLock lock(sent_mutex_);
  sent_.insert(sent_.end(), ids.begin(), ids.end());
}

Result<> Outbox::send_waiting() {
  while (!waiting_.empty()) {
    const auto count = std::min(waiting_.size(), kBatchMax);
    const std::vector<int64_t> ids(waiting_.begin(),
                                   waiting_.begin() + static_cast<ptrdiff_t>(count));
    std::vector<ingest::Draft> drafts;
    TRY(database_.read([&](meta::Transaction& transaction) -> Result<> {
      for (const auto id : ids) {
        TRY(transaction.query("SELECT id, kind, json, change_id, sender FROM outbox WHERE id = ?",
                              {id}, [&](const meta::Row& row) -> Result<> {
                                TRY_ASSIGN(auto draft, read_draft(row));
                                drafts.push_back(std::move(draft));
                                return {};
                              }));
      }
      return {};
    }));
    TRY(ingest_.submit_and_wait(std::move(drafts)));
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<ptrdiff_t>(count));
    sent(ids);
  }
  return {};
}

Result<size_t> Outbox::drain() {
  std::vector<int64_t> ids;
  TRY(database_.read([&](meta::Transaction& transaction) {
    return transaction.query("SELECT id FROM outbox ORDER BY id", {},
                             [&](const meta::Row& row) -> Result<> {
                               ids.push_back(row.integer(0));
                               return {};
                             });
  }));
  {
    const MutexLock order(order_);
    waiting_ = std::move(ids);
  }
  return resend();
}

Result<size_t> Outbox::resend() {
  const MutexLock order(order_);
  const auto count = waiting_.size();
  TRY(send_waiting());
  return count;
}

}  // namespace traccia::api
