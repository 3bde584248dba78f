// What History keeps, shared by its taking in and its looking up.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "history/history.h"
#include "ingest/ingest.h"
#include "meta/database.h"

namespace traccia::history {

// A place in the log between two records: so many records of the entry at `position` are taken.
struct Cursor {
  wal::Position position = 0;
  uint64_t taken = 0;
  bool operator==(const Cursor&) const = default;
};

// A management event on its way into the database.
struct Arrival {
  ingest::LogRecord log;
  event::Record event;
};

// What one step takes in.
struct Batch {
  std::vector<Arrival> arrivals;
  size_t passed = 0;  // log records, events of other categories included
  Cursor end;
};

// The members in the second part belong to the thread that calls step().
struct History::State {
  State(os::Os borrowed_os, wal::Wal& borrowed_wal) : os(borrowed_os), wal(borrowed_wal) {}

  os::Os os;
  wal::Wal& wal;
  std::unique_ptr<meta::Database> database;  // thread-safe
  std::atomic<wal::Position> cursor{0};
  std::atomic<wal::Position> durable_cursor{0};

  Cursor committed;
  Cursor at;                              // the next record to read; ahead of `committed` in a step
  std::vector<ingest::LogRecord> entry;   // the entry at `at.position`, when it is loaded
  wal::Position entry_next = 0;
  Duration last_checkpoint{0};

  Result<> load_cursor();
  Result<> make_durable();
  // Back to what is committed, after a failure.
  void rewind();
  // Whether a record is left; it is entry[at.taken] then.
  Result<bool> load_entry();
  Result<Batch> gather(size_t records_max);
  Result<> take_next(Batch& batch, size_t& bytes);
  Result<bool> something_expired();
  Result<> commit(const Batch& batch);
  Time retained_from() { return os.clock.now() - kRetention; }
};

}  // namespace traccia::history
