// Files whose PUT is outstanding, and which of them may be tried now.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/time.h"
#include "delivery/manifest.h"
#include "delivery/put_slots.h"
#include "wal/wal.h"

namespace traccia::delivery {

// Files of one trail and bucket wait in a lane. A refusal closes the lane for a time that doubles
// with each further one, so that a store that is down meets one attempt of each lane at a time,
// however many files have piled up; the first file that it takes opens the lane for all. Of a lane
// that piles up only the oldest files are held; the others are left out, that is in the database
// alone, until there is room. Thread-safe.
class Outstanding {
 public:
  struct Limits {
    // Files in memory. A lane may hold another one while more are free than it has, but always
    // files_held_min.
    size_t files_held_max = 16'384;
    size_t files_held_min = 4;
    uint64_t rendered_bytes_max = 0;      // rendered files beyond it, together, are not kept
    std::chrono::seconds retry_first{1};  // doubles up to retry_max
    std::chrono::seconds retry_max{300};
  };
  struct File {
    Manifest manifest;
    std::string rendered;            // gzip; empty: render from the log
    Duration delay{};                // since an attempt that failed for reasons of its own
    std::optional<Duration> sent{};  // when the attempt under way was handed to the store
  };

  using LaneKey = std::pair<std::string, std::string>;  // bucket, trail ARN
  // What of a lane's left out files is to be loaded: `count` of those from the id on, the oldest
  // first.
  struct Gap {
    LaneKey lane;
    int64_t from_id = 0;
    size_t count = 0;
  };

  Outstanding(PutSlots& slots, Limits limits) : slots_(slots), limits_(limits) {}

  // Due at once. Its id is greater than that of any other.
  void add(std::unique_ptr<File> file);
  // The lane has so many files that are not held.
  void leave_out(const LaneKey& lane, size_t count);
  // A lane that has files left out and room for them. The caller alone calls fill() for it then,
  // with what it has loaded, or with nothing when that failed.
  std::optional<Gap> take_gap();
  void fill(const Gap& gap, std::vector<Manifest> files);
  // The one that has been due for longest of those whose bucket has a slot; the caller has it alone
  // until it gives it back with one of the last three. nullptr when none is due.
  std::unique_ptr<File> take(Duration now);
  // Its bytes are there and go to the store.
  void sending(File& file, Duration now);
  // The attempt failed for a reason that says nothing about other files.
  void retry(std::unique_ptr<File> file, Duration now);
  // The store refused it.
  void refuse(std::unique_ptr<File> file, Duration now);
  // Delivered or given up, as its manifest says.
  void finish(std::unique_ptr<File> file, Duration now);

  // The least first_position of all files that are held, those that are taken included, or
  // `otherwise`.
  wal::Position floor(wal::Position otherwise) const;
  size_t count() const;  // of all
  size_t held() const;
  size_t left_out() const;
  // What is kept of those that wait, in memory.
  uint64_t rendered_bytes() const;
  // Grows when take() may give more than before.
  uint64_t changes() const;
  // Waits until changes() differs from `seen` or the time is over.
  void wait(uint64_t seen, Duration timeout);
  void wake();

 private:
  struct Waiting {
    std::unique_ptr<File> file;
    Duration due{};
  };
  struct Lane {
    std::map<int64_t, Waiting> files;            // by manifest id: the oldest first
    std::set<std::pair<Duration, int64_t>> due;  // of the same
    size_t taken = 0;
    size_t left_out = 0;
    int64_t left_out_from = 0;  // the least id of those
    bool loading = false;       // somebody has taken the gap
    Duration delay{};           // since the last refusal; 0: open
    Duration reopens{};         // when a closed lane may try one
    bool newest = false;  // try the newest file next: the oldest may be refused for its own sake
  };
  using Turn = std::tuple<Duration, int64_t, LaneKey>;  // when a lane has a file, and which
  using Lanes = std::map<LaneKey, Lane>;

  static LaneKey key_of(const Manifest& manifest);
  size_t share_of(const Lane& lane) const REQUIRES(mutex_);
  void hold(Lanes::value_type& lane, std::unique_ptr<File> file) REQUIRES(mutex_);
  static std::optional<Turn> turn_of(const Lanes::value_type& lane);
  void unschedule(const Lanes::value_type& lane) REQUIRES(mutex_);
  void schedule(const Lanes::value_type& lane) REQUIRES(mutex_);
  Lanes::value_type& give_back(File& file, Duration now) REQUIRES(mutex_);
  void put_back(Lanes::value_type& lane, std::unique_ptr<File> file, Duration due) REQUIRES(mutex_);
  void keep_or_drop(const Lane& lane, File& file) REQUIRES(mutex_);
  void drop_rendered(Lane& lane) REQUIRES(mutex_);
  void tell() REQUIRES(mutex_);
  Duration doubled(Duration delay) const;

  PutSlots& slots_;
  const Limits limits_;

  mutable Mutex mutex_;
  Condition changed_;
  uint64_t changes_ GUARDED_BY(mutex_) = 0;
  Lanes lanes_ GUARDED_BY(mutex_);                             // that have files
  std::set<Turn> turns_ GUARDED_BY(mutex_);                    // of the lanes with waiting files
  std::multiset<wal::Position> positions_ GUARDED_BY(mutex_);  // of all that are held
  std::set<LaneKey> gaps_ GUARDED_BY(mutex_);                  // lanes with files left out
  size_t left_out_ GUARDED_BY(mutex_) = 0;                     // of all lanes
  uint64_t rendered_bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace traccia::delivery
