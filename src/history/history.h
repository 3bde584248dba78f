// Event history: 90 days of management events per account and region, for look-ups.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "event/record.h"
#include "history/expression.h"
#include "ingest/ingest.h"
#include "os/os.h"
#include "wal/wal.h"

namespace traccia::history {

inline constexpr size_t kPageRecordsMax = 1000;
inline constexpr size_t kPageBytesMax = 16 << 20;
inline constexpr uint64_t kPageWorkMax = 2'000'000;

struct Query {
  std::optional<std::string> account;  // absent: of every account
  std::optional<std::string> region;   // absent: of every region
  Expression expression;
  std::optional<Time> start;         // inclusive, by eventTime, in whole seconds as answers show it
  std::optional<Time> end;           // inclusive, likewise
  size_t count_max = 50;             // from 1; above kPageRecordsMax it counts as that
  size_t bytes_max = kPageBytesMax;  // the record that reaches it is still given
  uint64_t work_max = kPageWorkMax;  // steps down lists of the index, about; a page ends there too
  // Where the page starts: below this place (from Page::next), newest first. Stable under ingest.
  // Anything but a token given for the same query (limits aside) is InvalidArgument with reason
  // "InvalidNextToken".
  std::optional<std::string> after;
};

struct Page {
  // JSON, newest eventTime first (ties: newest place in the log first). At most count_max, fewer,
  // or none, when the page reaches another of its limits.
  std::vector<std::string> records;
  std::optional<std::string> next;  // opaque text for Query::after; absent on the last page
};

// A place in the log between two records: so many records of the entry at `position` are taken.
struct Cursor {
  wal::Position position = 0;
  uint64_t taken = 0;
  auto operator<=>(const Cursor&) const = default;
};

// What arrives, in the order of the log.
struct TailQuery {
  std::optional<std::string> account;  // absent: of every account
  std::optional<std::string> region;   // absent: of every region
  Expression expression;
  Cursor from;
  size_t count_max = 50;
  size_t bytes_max = kPageBytesMax;  // the record that reaches it is still given
  size_t examined_max = 50'000;      // log records
};

struct TailPage {
  std::vector<std::string> records;  // JSON, oldest first
  Cursor next;
};

// What LookupEvents lists and finds as ResourceName: the ARN, the resource's own name in it (bucket
// or key, user, role, log group, …) and, where that is a path, the name at its end. Views into the
// ARN.
class ResourceNames {
 public:
  explicit ResourceNames(const event::Resource& resource);
  const std::string_view* begin() const { return names_.data(); }
  const std::string_view* end() const { return names_.data() + count_; }

 private:
  std::array<std::string_view, 3> names_;
  size_t count_ = 0;
};

inline constexpr std::chrono::hours kRetention{90 * 24};  // counted from ingest

// Neighbouring segments become one: fewer look-ups in indexes, better compression. Merging yields
// to taking in: it runs when little arrives, or when there are many segments.
struct MergeOptions {
  size_t inputs_max = 16;         // segments at once; below 2 nothing is merged
  uint32_t events_max = 2 << 20;  // in a merged segment
  // By ingest; expired events are on the disk as much longer.
  std::chrono::hours span_max{72};
  size_t segments_max = 96;  // beyond, merging goes on whatever arrives
  // Little arrives when the log has grown by at most so much in such a time.
  uint64_t idle_log_bytes = 1 << 20;
  std::chrono::milliseconds idle_time{2000};
  uint32_t step_events = 2048;           // what a call of maintain() does, about
  std::chrono::minutes retry_after{10};  // a failure
  uint64_t free_bytes_min = 1ULL << 30;  // stay free on the disk beside what is written
};

struct Options {
  // The newest events are in memory until so many of them, or so many compressed bytes, become a
  // segment; likewise what the log has grown by, or time, so that the log can be cut.
  uint32_t head_events_max = 128 << 10;
  uint64_t head_bytes_max = 48 << 20;
  uint64_t head_log_bytes_max = 512ULL << 20;
  std::chrono::hours head_age_max{24};
  std::chrono::milliseconds room_wait{50};  // how long step() waits for a maintain() that lags
  MergeOptions merge{};
};

// A sink of the log. Thread-safe, but step() is called from one thread and maintain() from one.
class History {
 public:
  // The directory is made when missing. DataLoss when what was taken in and the log do not meet:
  // the log begins after the cursor, or ends before it (restored from unlike backups); and when a
  // segment is missing or damaged.
  static Result<std::unique_ptr<History>> open(os::Os os, const std::string& directory,
                                               wal::Wal& wal, Options options = {});
  ~History();
  // Takes in what is durable in the log: it can be looked up on return. The count of log records
  // passed, kept or not; 0 means that nothing was there, or that maintain() lags behind (waited for
  // briefly). After an error the same records are tried again.
  Result<size_t> step(size_t records_max);
  // Writes a segment when one is due, else removes one that is past retention, else goes a step on
  // in merging. True when there was something to do. An error leaves all as it was; it is tried
  // again by the next call, merging after a while.
  Result<bool> maintain();
  // The log position up to which everything is taken in. A restart sets it back to
  // durable_cursor().
  wal::Position cursor() const;
  // Everything below this log position is in segments: the log may be cut here. Never goes back.
  wal::Position durable_cursor() const;
  // Newest first across memory and segments; DataLoss names a damaged file.
  Result<Page> lookup(const Query& query) const;

  // Behind the last record that look-ups can find.
  Cursor end() const;
  // Waits until end() is beyond the place or the time is over.
  void wait_beyond(Cursor place, Duration timeout) const;
  // What was taken in from a place on that end() or an earlier page gave. FailedPrecondition,
  // reason "TailTooOld", when the log does not reach back to it any more.
  Result<TailPage> tail(const TailQuery& query) const;

 private:
  struct State;
  explicit History(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace traccia::history
