// Takes the log's management events into the index and forgets those past retention.
// SPDX-License-Identifier: Apache-2.0
#include "history/history.h"

#include <fmt/format.h>

#include "base/assert.h"
#include "history/state.h"

namespace traccia::history {
namespace {

// Values that no look-up can ask for (its values have at most 2000 characters) are not indexed.
constexpr size_t kValueBytesMax = 8000;
constexpr size_t kStepBytesMax = 32 << 20;
constexpr int64_t kExpiredPerStepMax = 1000;
constexpr std::chrono::seconds kCheckpointInterval{2};

// The indexes hold the sequence as their last column without naming it: it is the row's key. They
// are read backwards, newest first.
constexpr std::string_view kSchema = R"sql(
CREATE TABLE places (
  id      INTEGER PRIMARY KEY,
  account TEXT NOT NULL,
  region  TEXT NOT NULL,
  UNIQUE (account, region)
) STRICT;
CREATE TABLE events (
  sequence      INTEGER PRIMARY KEY,  -- the log record's
  place         INTEGER NOT NULL REFERENCES places (id),
  event_time    INTEGER NOT NULL,     -- unix nanoseconds
  ingest_time   INTEGER NOT NULL,     -- unix nanoseconds; never decreases along the sequence
  event_id      TEXT,
  event_name    TEXT,
  read_only     TEXT NOT NULL,
  username      TEXT,
  event_source  TEXT,
  access_key_id TEXT,
  record        TEXT NOT NULL         -- last: the other columns are read without it
) STRICT;
CREATE INDEX by_time ON events (place, event_time);
CREATE INDEX by_event_id ON events (place, event_id, event_time)
  WHERE event_id IS NOT NULL;
CREATE INDEX by_event_name ON events (place, event_name, event_time)
  WHERE event_name IS NOT NULL;
CREATE INDEX by_read_only ON events (place, read_only, event_time);
CREATE INDEX by_username ON events (place, username, event_time)
  WHERE username IS NOT NULL;
CREATE INDEX by_event_source ON events (place, event_source, event_time)
  WHERE event_source IS NOT NULL;
CREATE INDEX by_access_key_id ON events (place, access_key_id, event_time)
  WHERE access_key_id IS NOT NULL;
CREATE TABLE resource_types (
  sequence   INTEGER NOT NULL REFERENCES events (sequence) ON DELETE CASCADE,
  type       TEXT NOT NULL,
  place      INTEGER NOT NULL,
  event_time INTEGER NOT NULL,
  PRIMARY KEY (sequence, type)
) STRICT, WITHOUT ROWID;
CREATE INDEX by_resource_type ON resource_types (place, type, event_time, sequence);
CREATE TABLE resource_names (
  sequence   INTEGER NOT NULL REFERENCES events (sequence) ON DELETE CASCADE,
  name       TEXT NOT NULL,
  place      INTEGER NOT NULL,
  event_time INTEGER NOT NULL,
  PRIMARY KEY (sequence, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX by_resource_name ON resource_names (place, name, event_time, sequence);
CREATE TABLE cursor (
  id       INTEGER PRIMARY KEY CHECK (id = 0),
  position INTEGER NOT NULL,          -- of a log entry
  taken    INTEGER NOT NULL           -- so many of its records are in
) STRICT;
)sql";

bool indexed(std::string_view value) { return !value.empty() && value.size() <= kValueBytesMax; }

meta::Argument indexed_or_null(std::string_view value) {
  if (indexed(value)) return value;
  return nullptr;
}

using PlaceIds = std::map<std::pair<std::string, std::string>, int64_t>;

// `ids` lives for one transaction, so that a rollback leaves nothing false in it.
Result<int64_t> place_id(meta::Transaction& transaction, PlaceIds& ids,
                         const ingest::LogRecord& log) {
  auto& id = ids[{log.account, log.region}];
  if (id != 0) return id;
  TRY(transaction.execute("INSERT INTO places (account, region) VALUES (?, ?) "
                          "ON CONFLICT (account, region) DO NOTHING",
                          {log.account, log.region}));
  TRY(transaction.query("SELECT id FROM places WHERE account = ? AND region = ?",
                        {log.account, log.region}, [&](const meta::Row& row) -> Result<> {
                          id = row.integer(0);
                          return {};
                        }));
  return id;
}

Result<> insert_resources(meta::Transaction& transaction, const Arrival& arrival, int64_t place) {
  const auto sequence = static_cast<int64_t>(arrival.log.sequence);
  const auto time = to_unix_nanoseconds(arrival.event.event_time);
  for (const auto& resource : arrival.event.resources) {
    if (indexed(resource.type)) {
      TRY(transaction.execute(
          "INSERT INTO resource_types (sequence, type, place, event_time) VALUES (?, ?, ?, ?) "
          "ON CONFLICT (sequence, type) DO NOTHING",
          {sequence, resource.type, place, time}));
    }
    for (const auto& name : resource_names(resource)) {
      if (!indexed(name)) continue;
      TRY(transaction.execute(
          "INSERT INTO resource_names (sequence, name, place, event_time) VALUES (?, ?, ?, ?) "
          "ON CONFLICT (sequence, name) DO NOTHING",
          {sequence, name, place, time}));
    }
  }
  return {};
}

Result<> insert_event(meta::Transaction& transaction, const Arrival& arrival, int64_t place) {
  const auto& event = arrival.event;
  // Answers show an event that does not say as writing.
  const std::string_view read_only = event.read_only.value_or(false) ? "true" : "false";
  TRY(transaction.execute(
      "INSERT INTO events (sequence, place, event_time, ingest_time, event_id, event_name, "
      "read_only, username, event_source, access_key_id, record) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {static_cast<int64_t>(arrival.log.sequence), place, to_unix_nanoseconds(event.event_time),
       to_unix_nanoseconds(arrival.log.ingest_time), indexed_or_null(event.event_id),
       indexed_or_null(event.event_name), read_only, indexed_or_null(event.user_name),
       indexed_or_null(event.event_source), indexed_or_null(event.access_key_id),
       std::string_view(arrival.log.json)}));
  return insert_resources(transaction, arrival, place);
}

// Ingest time never decreases along the sequence: what is expired comes first.
Result<> remove_expired(meta::Transaction& transaction, Time retained_from) {
  std::optional<int64_t> last;
  TRY(transaction.query(
      "SELECT max(sequence) FROM "
      "(SELECT sequence, ingest_time FROM events ORDER BY sequence LIMIT ?) "
      "WHERE ingest_time < ?",
      {kExpiredPerStepMax, to_unix_nanoseconds(retained_from)},
      [&](const meta::Row& row) -> Result<> {
        if (!row.is_null(0)) last = row.integer(0);
        return {};
      }));
  if (!last) return {};
  TRY(transaction.execute("DELETE FROM events WHERE sequence <= ?", {*last}));
  return {};
}

}  // namespace

History::History(std::unique_ptr<State> state) : state_(std::move(state)) {}
History::~History() = default;

Result<std::unique_ptr<History>> History::open(os::Os os, const std::string& directory,
                                               wal::Wal& wal) {
  TRY(os.files.make_directories(directory));
  auto state = std::make_unique<State>(os, wal);
  TRY_ASSIGN(state->database, meta::Database::open(os, directory + "/history.db",
                                                   meta::Durability::Normal, {kSchema}));
  TRY(state->load_cursor());
  // What an earlier process committed may still wait for its sync.
  TRY(state->database->checkpoint());
  state->durable_cursor = state->committed.position;
  state->last_checkpoint = os.clock.monotonic();
  return std::unique_ptr<History>(new History(std::move(state)));
}

Result<> History::State::load_cursor() {
  committed = {wal.begin(), 0};
  TRY(database->read([&](meta::Transaction& transaction) {
    return transaction.query("SELECT position, taken FROM cursor", {},
                             [&](const meta::Row& row) -> Result<> {
                               committed = {static_cast<wal::Position>(row.integer(0)),
                                            static_cast<uint64_t>(row.integer(1))};
                               return {};
                             });
  }));
  if (committed.position < wal.begin()) {
    return fail(ErrorCode::DataLoss,
                fmt::format("event history has taken in the log up to position {}, but the log "
                            "begins at {}: the records between are gone; remove the history's "
                            "directory to build it again from the log that is left",
                            committed.position, wal.begin()));
  }
  if (committed.position > wal.durable_end()) {
    return fail(ErrorCode::DataLoss,
                fmt::format("event history has taken in the log up to position {}, but the log "
                            "ends at {}: they are not of one backup; remove the history's "
                            "directory to build it again from the log",
                            committed.position, wal.durable_end()));
  }
  rewind();
  cursor = committed.position;
  return {};
}

wal::Position History::cursor() const { return state_->cursor; }
wal::Position History::durable_cursor() const { return state_->durable_cursor; }

void History::State::rewind() {
  at = committed;
  entry.clear();
}

Result<> History::State::make_durable() {
  const auto now = os.clock.monotonic();
  if (durable_cursor == committed.position || now - last_checkpoint < kCheckpointInterval) {
    return {};
  }
  last_checkpoint = now;
  TRY(database->checkpoint());
  durable_cursor = committed.position;
  return {};
}

Result<bool> History::State::load_entry() {
  if (!entry.empty()) return true;
  TRY_ASSIGN(const auto read, wal.read(at.position));
  if (!read) return false;
  auto records = ingest::decode_entry(read->payload);
  if (!records) {
    return std::unexpected(std::move(records).error().with_context(
        fmt::format("log entry at position {}", at.position)));
  }
  if (at.taken >= records->size()) {
    return fail(ErrorCode::DataLoss,
                fmt::format("log entry at position {} has {} records; event history has taken in "
                            "{} of them",
                            at.position, records->size(), at.taken));
  }
  entry = std::move(*records);
  entry_next = read->next;
  return true;
}

Result<> History::State::take_next(Batch& batch, size_t& bytes) {
  auto& log = entry[at.taken];
  bytes += log.json.size();
  if (log.kind == ingest::Kind::Event) {
    event::AdmitOptions options;
    options.stored = true;
    options.account = log.account;
    auto parsed = event::admit(log.json, options);
    if (!parsed) {
      // It was admitted once, so its bytes or the rules have changed under it.
      return fail(ErrorCode::DataLoss,
                  fmt::format("log record {} is not an event that can be read: {}", log.sequence,
                              parsed.error().message()));
    }
    if (parsed->category == event::Category::Management) {
      parsed->json.clear();
      batch.arrivals.push_back({std::move(log), std::move(*parsed)});
    }
  }
  ++batch.passed;
  if (++at.taken == entry.size()) {
    at = {entry_next, 0};
    entry.clear();
  }
  batch.end = at;
  return {};
}

// What precedes something unreadable is still given; the next step meets the error first.
Result<Batch> History::State::gather(size_t records_max) {
  Batch batch;
  batch.end = at;
  size_t bytes = 0;
  while (batch.passed < records_max && bytes < kStepBytesMax) {
    const auto more = load_entry();
    if (more && !*more) break;
    const auto done = more ? take_next(batch, bytes) : Result<>(std::unexpected(more.error()));
    if (done) continue;
    if (batch.passed > 0) break;
    return std::unexpected(done.error());
  }
  return batch;
}

Result<bool> History::State::something_expired() {
  bool expired = false;
  TRY(database->read([&](meta::Transaction& transaction) {
    return transaction.query("SELECT ingest_time FROM events ORDER BY sequence LIMIT 1", {},
                             [&](const meta::Row& row) -> Result<> {
                               expired = from_unix_nanoseconds(row.integer(0)) < retained_from();
                               return {};
                             });
  }));
  return expired;
}

Result<> History::State::commit(const Batch& batch) {
  return database->write([&](meta::Transaction& transaction) -> Result<> {
    PlaceIds ids;
    for (const auto& arrival : batch.arrivals) {
      TRY_ASSIGN(const auto place, place_id(transaction, ids, arrival.log));
      TRY(insert_event(transaction, arrival, place));
    }
    TRY(remove_expired(transaction, retained_from()));
    TRY(transaction.execute(
        "INSERT INTO cursor (id, position, taken) VALUES (0, ?, ?) ON CONFLICT (id) DO UPDATE "
        "SET position = excluded.position, taken = excluded.taken",
        {static_cast<int64_t>(batch.end.position), static_cast<int64_t>(batch.end.taken)}));
    return {};
  });
}

Result<size_t> History::step(size_t records_max) {
  TRACCIA_ASSERT(records_max > 0);
  auto& state = *state_;
  TRY(state.make_durable());
  TRY_ASSIGN(const bool expired, state.something_expired());
  auto batch = state.gather(records_max);
  if (!batch) {
    state.rewind();
    return std::unexpected(std::move(batch).error().with_context("event history"));
  }
  if (batch->passed == 0 && !expired) return 0;
  if (auto done = state.commit(*batch); !done) {
    state.rewind();
    return std::unexpected(std::move(done).error().with_context("event history"));
  }
  state.committed = batch->end;
  state.cursor = batch->end.position;
  return batch->passed;
}

}  // namespace traccia::history
