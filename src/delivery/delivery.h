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
#include "event/record.h"
#include "meta/database.h"
#include "os/os.h"
#include "trail/config.h"
#include "trail/selection.h"
#include "wal/wal.h"

namespace traccia::delivery {

struct Options {
  std::chrono::seconds interval{60};           // a file closes this long after its first event
  uint64_t file_bytes_max = 50ULL << 20;       // or before it grows beyond this, uncompressed
  uint64_t open_bytes_max = 256ULL << 20;      // all open files; beyond, the largest closes early
  uint64_t rendered_bytes_max = 128ULL << 20;  // closed files kept in memory; others are rendered
                                               // again from the log
  std::chrono::seconds retry_first{1};         // doubles up to retry_max
  std::chrono::seconds retry_max{300};
  std::chrono::hours retry_for{30 * 24};  // then a file is given up (facts 3.2)
  size_t entries_per_step = 4096;
};

// A sink of the log. step() runs on one thread; the rest is thread-safe. Each file's content is
// committed as a manifest before its first PUT, so a crash at any point leads to the same bytes
// under the same key.
class Delivery {
 public:
  static Result<std::unique_ptr<Delivery>> open(os::Os os, meta::Database& database, wal::Wal& wal,
                                                ObjectStore& store, Options options);

  // Takes in what is durable in the log, closes files that are due, PUTs what is pending. True when
  // there was something to do. A store's refusal is not an error: it is kept for GetTrailStatus and
  // tried again.
  Result<bool> step();

  // Below this log position everything is in a manifest or of no interest.
  wal::Position cursor() const { return cursor_.load(std::memory_order_acquire); }
  // The log below this position is not needed any more: it is below the durable cursor, and the
  // files that hold its events have been PUT or given up. Never goes back.
  wal::Position log_floor() const { return log_floor_.load(std::memory_order_acquire); }
  // Where reading stands.
  wal::Position read_position() const { return read_position_.load(std::memory_order_acquire); }
  // Files whose PUT is outstanding.
  size_t pending() const { return pending_count_.load(std::memory_order_acquire); }

 private:
  struct OpenFile {
    ChainId chain;
    trail::TrailConfig config;  // destination and validation when the file was opened
    Duration opened{};          // monotonic
    FileBuilder builder;
  };
  struct PendingFile {
    Manifest manifest;
    std::string rendered;  // gzip; empty: render from the log
    Duration next_attempt{};
    Duration delay{};
  };
  Delivery(os::Os os, meta::Database& database, wal::Wal& wal, ObjectStore& store, Options options)
      : os_(os), database_(database), wal_(wal), store_(store), options_(options) {}

  Result<> load();
  void apply(const trail::TrailChange& change);
  Result<size_t> read_log();
  void take_change(const ingest::LogRecord& record, wal::Position position,
                   trail::TrailChange change);
  Result<> take_event(const ingest::LogRecord& record, wal::Position position);
  void add_to_file(const trail::TrailConfig& config, const ingest::LogRecord& record,
                   wal::Position position);
  void close(std::map<ChainId, OpenFile>::iterator at);
  void close_due();
  Result<> commit();
  void move_floor();
  Result<bool> put_pending();
  Result<> attempt(PendingFile& file);
  Result<> settle(PendingFile& file, FileState state, std::string_view error);
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
  std::map<ChainId, ingest::Sequence> closed_;  // of what is in manifests already
  std::vector<PendingFile> just_closed_;        // not committed yet
  std::vector<TrailChangeAt> changes_;          // not committed yet
  std::vector<PendingFile> pending_;
  uint64_t rendered_bytes_ = 0;
  Duration last_cursor_store_{};

  std::atomic<wal::Position> cursor_{0};
  std::atomic<wal::Position> log_floor_{0};
  std::atomic<wal::Position> read_position_{0};
  std::atomic<size_t> pending_count_{0};
};

}  // namespace traccia::delivery
