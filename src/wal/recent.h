// The newest entries as their writers had them in memory, for readers that keep up.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace traccia::wal {

// Byte offset of an entry's header in the endless log: segment start plus offset in the segment.
// Positions only grow; the first entry is at 0.
using Position = uint64_t;

// What an entry says, as its writer had it in memory: readers that keep up need not decode it.
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
  // Of what every registered reader has passed, only `read_bytes_max` stay.
  RecentEntries(uint64_t bytes_max, uint64_t read_bytes_max)
      : bytes_max_(bytes_max), read_bytes_max_(read_bytes_max) {}

  // Positions only grow. An entry without content is not kept.
  void add(Position position, Position next, Decoded decoded);
  std::optional<Found> find(Position position) const;

  // Readers of every entry register once, with where they are, and tell how far they have come.
  size_t add_reader(Position position);
  void set_reader(size_t reader, Position position);
  // What the slowest reader has before it of what is kept; nothing when it is further behind, or
  // when nobody has registered.
  std::optional<uint64_t> unread_bytes() const;
  uint64_t bytes_max() const { return bytes_max_; }

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

  const uint64_t bytes_max_;
  const uint64_t read_bytes_max_;
  mutable Mutex mutex_;
  std::map<Position, Kept> kept_ GUARDED_BY(mutex_);
  uint64_t bytes_ GUARDED_BY(mutex_) = 0;
  uint64_t ever_bytes_ GUARDED_BY(mutex_) = 0;
  Position newest_end_ GUARDED_BY(mutex_) = 0;  // of the entries with content
  std::vector<Position> readers_ GUARDED_BY(mutex_);
};

}  // namespace traccia::wal
