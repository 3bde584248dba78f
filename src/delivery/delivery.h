// The sink that turns the log into CloudTrail's files in buckets.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "delivery/file_builder.h"
#include "delivery/manifest.h"
#include "delivery/object_store.h"
#include "delivery/outstanding.h"
#include "delivery/put_slots.h"
#include "event/record.h"
#include "meta/database.h"
#include "os/os.h"
#include "trail/config.h"
#include "trail/selection.h"
#include "wal/wal.h"

namespace traccia::delivery {

struct Options {
  std::chrono::seconds interval{60};          // a file closes this long after its first event
  uint64_t file_bytes_max = 50ULL << 20;      // or before it grows beyond this, uncompressed
  uint64_t open_bytes_max = 96ULL << 20;      // of memory, all open files; then the largest closes
  size_t files_held_max = 16'384;             // closed files in memory, about 1 KB each, without
                                              // their content; the others are in the database
  uint64_t rendered_bytes_max = 64ULL << 20;  // closed files kept in memory, compressed; others
                                              // are rendered again from the log
  std::chrono::seconds retry_first{1};        // doubles up to retry_max, for all files of a trail
                                              // and bucket together
  std::chrono::seconds retry_max{300};
  std::chrono::hours retry_for{30 * 24};  // then a file is given up (facts 3.2)
  PutSlots::Limits puts;                  // those of digests included
  size_t entries_per_step = 4096;
};

// A sink of the log. step() runs on one thread; the rest is thread-safe. Each file's content is
// committed as a manifest before its first PUT, so a crash at any point leads to the same bytes
// under the same key.
class Delivery {
 public:
  static Result<std::unique_ptr<Delivery>> open(os::Os os, meta::Database& database, wal::Wal& wal,
                                                ObjectStore& store, Options options);

  // Takes in what is durable in the log and closes files that are due. True when there was
  // something to do.
  Result<bool> step();

  // PUTs the file that has been due for longest. True when there was one. A store's refusal is not
  // an error: it is kept for GetTrailStatus and tried again. Options::puts.puts_max threads may
  // call it at once.
  Result<bool> put_next();
  // Waits until put_next() may find more than it did when changes() gave `seen`, or the time is
  // over.
  uint64_t changes() const { return outstanding_.changes(); }
  void wait_for_files(uint64_t seen, Duration timeout) { outstanding_.wait(seen, timeout); }
  void wake() { outstanding_.wake(); }
  // Of the threads that call put_next(); they PUT digests, too.
  PutSlots& slots() { return slots_; }

  // Below this log position everything is in a manifest or of no interest.
  wal::Position cursor() const { return cursor_.load(std::memory_order_acquire); }
  // The log below this position is not needed any more: it is below the durable cursor, and the
  // files that hold its events have been PUT or given up. Never goes back.
  wal::Position log_floor() const { return log_floor_.load(std::memory_order_acquire); }
  // Where reading stands.
  wal::Position read_position() const { return read_position_.load(std::memory_order_acquire); }
  // Files whose PUT is outstanding.
  size_t pending() const { return outstanding_.count(); }
  // Those of them that are in memory.
  size_t held() const { return outstanding_.held(); }
  // Of memory: files that are closed and wait for their PUT; files that are open (to be asked by
  // the stepping thread).
  uint64_t rendered_bytes() const { return outstanding_.rendered_bytes(); }
  uint64_t open_bytes() const { return open_bytes_; }

 private:
  struct OpenFile {
    ChainId chain;
    trail::TrailConfig config;  // destination and validation when the file was opened
    Duration opened{};          // monotonic
    FileBuilder builder;
  };
  Delivery(os::Os os, meta::Database& database, wal::Wal& wal, ObjectStore& store, Options options)
      : os_(os),
        database_(database),
        wal_(wal),
        store_(store),
        options_(options),
        slots_(options.puts),
        outstanding_(slots_, {.files_held_max = options.files_held_max,
                              .rendered_bytes_max = options.rendered_bytes_max,
                              .retry_first = options.retry_first,
                              .retry_max = options.retry_max}) {}

  Result<> load();
  void apply(const trail::TrailChange& change);
  Result<size_t> read_log();
  void take_change(const ingest::LogRecord& record, wal::Position position,
                   trail::TrailChange change);
  Result<> select();
  Result<> take_block(const ingest::LogEntry& entry, const ingest::Block& block,
                      wal::Position position);
  OpenFile* file_for(const trail::TrailConfig& config, const ingest::LogRecord& first,
                     uint64_t growth);
  void add_to_file(const trail::TrailConfig& config, const ingest::LogEntry& entry,
                   const ingest::Block& block, const std::vector<uint32_t>& taken,
                   wal::Position position);
  void close_largest();
  void close(std::map<ChainId, OpenFile>::iterator at);
  void close_due();
  // Whether closed files fill the memory that they may have.
  bool full() const {
    return outstanding_.rendered_bytes() + just_closed_bytes_ >= options_.rendered_bytes_max;
  }
  Result<> commit_left();
  Result<> commit();
  Result<> move_floor();
  Result<> load_left_out();
  struct Attempted {
    FileState state = FileState::Pending;
    std::string error;     // the store's
    bool refused = false;  // which is no better for the trail's other files
  };
  Result<Attempted> attempt(Outstanding::File& file);
  Result<> record(Outstanding::File& file, Attempted& attempted);
  Result<std::string> render_again(const Manifest& manifest);

  os::Os os_;
  meta::Database& database_;
  wal::Wal& wal_;
  ObjectStore& store_;
  Options options_;

  // The stepping thread's own.
  std::map<std::string, trail::TrailConfig> configs_;  // valid where reading stands, by trail ARN
  std::shared_ptr<const trail::Selection> selection_;  // of judges_; none since a change
  std::vector<const trail::TrailConfig*> judges_;      // in configs_
  trail::Selection::Scratch scratch_;
  std::map<ChainId, OpenFile> open_;
  uint64_t open_bytes_ = 0;
  std::map<ChainId, ingest::Sequence> closed_;                   // of what is in manifests already
  std::vector<std::unique_ptr<Outstanding::File>> just_closed_;  // not committed yet
  uint64_t just_closed_bytes_ = 0;                               // rendered, of those
  std::vector<TrailChangeAt> changes_;                           // not committed yet
  std::vector<std::vector<uint32_t>> taken_;  // reused: by judge, records of a block
  Duration last_cursor_store_{};

  std::atomic<wal::Position> cursor_{0};
  std::atomic<wal::Position> log_floor_{0};
  std::atomic<wal::Position> read_position_{0};
  size_t reader_ = 0;  // of the log

  PutSlots slots_;
  Outstanding outstanding_;
};

}  // namespace traccia::delivery
