// Decoded entries, so that readers need not decode them: the newest as their writers had them, and
// older ones as the first of the readers that catch up decoded them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/time.h"

namespace traccia::wal {

// Byte offset of an entry's header in the endless log: segment start plus offset in the segment.
// Positions only grow; the first entry is at 0.
using Position = uint64_t;

// What an entry says.
struct Decoded {
  std::shared_ptr<const void> content;
  uint64_t bytes = 0;  // what it takes in memory
};

// Thread-safe. Contents are let go of outside the lock, by whoever makes them superfluous.
class RecentEntries {
 public:
  struct Found {
    std::shared_ptr<const void> content;
    Position next = 0;
  };
  struct Limits {
    uint64_t bytes_max = 0;         // of all that is kept
    uint64_t read_bytes_max = 0;    // of what writers gave, after every reader has passed it
    uint64_t shared_bytes_max = 0;  // of what readers gave
    // While the slowest reader takes in so much of the log, others wait for it so long in all.
    uint64_t pace_bytes_min = 4 << 20;
    Duration patience = std::chrono::milliseconds(250);
  };

  explicit RecentEntries(Limits limits) : limits_(limits) {}

  // From the writer. Positions only grow. An entry without content is not kept.
  void add(Position position, Position next, Decoded decoded);
  std::optional<Found> find(Position position) const;

  // Readers of every entry register once, with where they are, and tell how far they have come.
  size_t add_reader(Position position);
  void set_reader(size_t reader, Position position);
  // What the slowest reader has before it of what writers gave; nothing when it is further behind,
  // or when nobody has registered.
  std::optional<uint64_t> unread_bytes() const;
  uint64_t bytes_max() const { return limits_.bytes_max; }

  // From a reader that had to decode it. Kept until all have passed it; not kept when nobody else
  // is before it or there is no room, so that those who follow have the oldest.
  void share(Position position, Position next, Decoded decoded);
  // Before a reader decodes: waits for room to share it, which the slowest reader makes. One that
  // stands still or creeps costs the others Limits::patience in each pace_bytes_min of its way, no
  // more; the slowest itself never waits.
  void wait_to_share(size_t reader);
  // How often somebody did.
  uint64_t waits() const;

 private:
  struct Kept {
    Found found;
    uint64_t bytes = 0;
    uint64_t before = 0;  // of all entries ever kept before this one
  };
  using Dropped = std::vector<std::shared_ptr<const void>>;

  Position slowest() const REQUIRES(mutex_);
  // What no longer stays goes to `dropped`.
  void trim(Dropped& dropped) REQUIRES(mutex_);
  void trim_shared(Dropped& dropped) REQUIRES(mutex_);
  // Whether an entry like the last one would not be kept.
  bool shared_full() const REQUIRES(mutex_);

  const Limits limits_;
  mutable Mutex mutex_;
  Condition passed_;  // by the slowest reader: there is room, or it reached awaited_
  std::map<Position, Kept> kept_ GUARDED_BY(mutex_);
  uint64_t bytes_ GUARDED_BY(mutex_) = 0;
  uint64_t ever_bytes_ GUARDED_BY(mutex_) = 0;
  Position newest_end_ GUARDED_BY(mutex_) = 0;  // of the entries with content
  std::vector<Position> readers_ GUARDED_BY(mutex_);
  std::map<Position, Kept> shared_ GUARDED_BY(mutex_);  // from readers
  uint64_t shared_bytes_ GUARDED_BY(mutex_) = 0;
  uint64_t last_shared_bytes_ GUARDED_BY(mutex_) = 0;
  uint64_t waits_ GUARDED_BY(mutex_) = 0;
  Position awaited_ GUARDED_BY(mutex_) = 0;  // where the slowest reader is to come in time
  Duration patience_left_ GUARDED_BY(mutex_){};
  Position wait_again_from_ GUARDED_BY(mutex_) = 0;  // where it is, when it came too late
};

}  // namespace traccia::wal
