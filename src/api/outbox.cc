// Commits state and log records together.
// SPDX-License-Identifier: Apache-2.0
#include "api/outbox.h"

#include <future>
#include <memory>

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

constexpr size_t kDrainBatchMax = 1000;

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

Result<std::vector<int64_t>> Outbox::insert(meta::Transaction& transaction,
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
  std::vector<ingest::Draft> drafts;
  std::vector<int64_t> ids;
  std::vector<int64_t> removed;
  auto durable = std::make_shared<std::promise<Result<ingest::Outcome>>>();
  auto done = durable->get_future();
  {
    const MutexLock order(order_);
    {
      const MutexLock lock(sent_mutex_);
      removed = sent_;
    }
    TRY(database_.write([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(drafts, body(transaction));
      TRY_ASSIGN(ids, insert(transaction, drafts));
      return remove(transaction, removed);
    }));
    {
      const MutexLock lock(sent_mutex_);
      sent_.erase(sent_.begin(), sent_.begin() + static_cast<ptrdiff_t>(removed.size()));
    }
    if (drafts.empty()) return {};
    ingest_.submit(
        std::move(drafts),
        [durable](Result<ingest::Outcome> outcome) { durable->set_value(std::move(outcome)); },
        wal::Room::Reserve);
  }
  const auto outcome = done.get();
  if (!outcome) {
    return fail(ErrorCode::Unavailable, kCommittedNotLogged, outcome.error().message());
  }
  // An eventID that is taken means that its event is in the log: derived ids do that on a repeat.
  const MutexLock lock(sent_mutex_);
  sent_.insert(sent_.end(), ids.begin(), ids.end());
  return {};
}

Result<size_t> Outbox::drain() {
  size_t total = 0;
  while (true) {
    std::vector<ingest::Draft> drafts;
    int64_t last = 0;
    TRY(database_.read([&](meta::Transaction& transaction) {
      return transaction.query(
          "SELECT id, kind, json, change_id, sender FROM outbox ORDER BY id LIMIT ?",
          {static_cast<int64_t>(kDrainBatchMax)}, [&](const meta::Row& row) -> Result<> {
            TRY_ASSIGN(auto draft, read_draft(row));
            drafts.push_back(std::move(draft));
            last = row.integer(0);
            return {};
          });
    }));
    if (drafts.empty()) return total;
    total += drafts.size();
    TRY(ingest_.submit_and_wait(std::move(drafts)));
    TRY(database_.write([&](meta::Transaction& transaction) -> Result<> {
      TRY(transaction.execute("DELETE FROM outbox WHERE id <= ?", {last}));
      return {};
    }));
  }
}

}  // namespace traccia::api
