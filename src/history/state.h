// What History keeps, shared by its taking in, its upkeep and its looking up.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "history/cache.h"
#include "history/head.h"
#include "history/history.h"
#include "history/merge.h"
#include "history/segment.h"
#include "ingest/ingest.h"

namespace traccia::history {

class Walk;  // lookup.cc

// What one step takes in.
struct Batch {
  std::vector<ingest::ReadEntry> entries;          // that hold the arrivals
  std::vector<const ingest::LogRecord*> arrivals;  // management events
  size_t passed = 0;  // log records, events of other categories included
  Cursor end;
};

// The parts of the history from oldest to newest: segments, frozen heads, the active head. Segments
// and frozen heads are immutable; the active head is read and changed under the mutex.
struct History::State {
  State(os::Os borrowed_os, std::string where, wal::Wal& borrowed_wal, Options chosen)
      : os(borrowed_os), directory(std::move(where)), wal(borrowed_wal), options(chosen) {}

  os::Os os;
  std::string directory;
  wal::Wal& wal;
  Options options;

  mutable Cache cache;  // of segments and heads

  mutable Mutex mutex;
  Condition room;           // a frozen head became a segment
  mutable Condition grown;  // something was taken in
  std::vector<std::shared_ptr<const Segment>> segments GUARDED_BY(mutex);
  std::vector<std::shared_ptr<const Head>> frozen GUARDED_BY(mutex);
  std::shared_ptr<Head> active GUARDED_BY(mutex);

  std::atomic<wal::Position> cursor{0};
  std::atomic<wal::Position> durable_cursor{0};

  // The stepping thread's own.
  Cursor at;                               // the next record to read
  std::optional<ingest::ReadEntry> entry;  // the entry at `at.position`, when it is loaded
  Duration head_since{0};
  size_t reader = 0;  // of the log

  // The maintaining thread's own.
  Activity activity{options.merge};
  std::unique_ptr<Merging> merging;
  std::vector<std::string> superseded;  // paths of segments that a merged one has replaced
  Duration merge_again{0};              // not before

  Result<> load_segments();
  std::shared_ptr<const compress::Dictionary> first_dictionary() const REQUIRES(mutex);
  Result<> add_segment(std::shared_ptr<const Segment> segment) REQUIRES(mutex);
  bool has_room();
  // Whether a record is left; it is the entry's record at.taken then.
  Result<bool> load_entry();
  Result<Batch> gather(size_t records_max);
  void take_next(Batch& batch, size_t& bytes);
  void take_in(const Batch& batch);
  bool is_due(const Head& head) const;
  void freeze_when_due();
  Result<bool> seal_oldest();
  Result<bool> remove_expired();
  Result<bool> merge_some();
  Result<bool> begin_merge();
  Result<> finish_merge();
  Result<> remove_superseded();
  void put_off_merging();
  // Whether the segment may be removed; a merge that reads it may be given up.
  bool release(const std::shared_ptr<const Segment>& segment);
  // The parts that may hold something of the slice, as they are now.
  std::vector<std::unique_ptr<Walk>> walks(const Slice& slice, size_t portion) const;
  Time retained_from() const { return os.clock.now() - kRetention; }
};

}  // namespace traccia::history
