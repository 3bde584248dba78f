// The write-ahead log: one ordered, durable sequence of entries. Format: docs/formats/wal.md.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"
#include "os/os.h"
#include "wal/recent.h"
#include "wal/spares.h"

namespace traccia::wal {

struct Options {
  uint64_t segment_bytes_max = 64ULL << 20;
  uint64_t entry_bytes_max = 80ULL << 20;
  uint64_t queue_bytes_max = 256ULL << 20;         // appended, not yet durable
  uint64_t reserve_bytes = 32ULL << 20;            // beyond that, for Room::Reserve
  uint64_t disk_reserve_bytes = 256ULL << 20;      // beyond limit_disk(), for Room::Reserve
  uint64_t disk_go_on_bytes = 16ULL << 20;         // below the limit, to end a refusal
  uint64_t recent_bytes_max = 96ULL << 20;         // decoded entries kept in memory;
  uint64_t recent_read_bytes_max = 16ULL << 20;    // of new ones, after all readers passed them;
  uint64_t recent_shared_bytes_max = 48ULL << 20;  // of those that a reader decoded for the others
  Duration gather_time = std::chrono::milliseconds(10);  // how long Haste::None may wait for others
};

struct Entry {
  Position position = 0;
  Position next = 0;  // where the following entry starts
  std::string payload;
};

// What is damaged in a sealed segment.
struct Damage {
  std::string path;
  uint64_t byte = 0;  // of the file, where the first damaged entry begins
  std::string what;   // with that entry
  Position position = 0;
  Position end = 0;     // where no further damage follows
  uint64_t places = 0;  // damaged entries; one, and what lies behind it, when its length is lost
};

// How far the check of what was sealed at start has come.
struct CheckState {
  uint64_t bytes = 0;  // to check in all
  uint64_t bytes_checked = 0;
  std::vector<Damage> damages;  // one for each damaged segment that is still there
};

// Records of changes that are committed already may use a reserve when the queue is full.
enum class Room { Queue, Reserve };

// An entry that nobody waits for is written with the next one that somebody does, or after
// Options::gather_time.
enum class Haste { Some, None };

// Called once, on the thread that runs step(), after the entry is durable or has failed.
using Completion = std::move_only_function<void(Result<Position>)>;

class SegmentCheck;

// Thread-safe. One thread calls step() in a loop (run by `server`); any thread appends and reads.
// A failed write or sync stops the log for good: the queue and all later appends get Unavailable,
// because pages may have been dropped by the kernel and a retry would lie.
class Wal {
 public:
  ~Wal();
  // Recovers: a torn tail (bad CRC or short entry with nothing valid after it) is cut; corruption
  // with valid entries after it is DataLoss naming segment and offset. The directory must exist.
  // Of sealed segments only headers and sizes are looked at; check_next() does the rest.
  static Result<std::unique_ptr<Wal>> open(os::FileSystem& files, std::string directory,
                                           Options options);

  // Queues an entry. An empty payload is a barrier: nothing is written; it completes after all that
  // was appended before it is durable. ResourceExhausted when the queue is full (nothing queued).
  Result<> append(std::string payload, Completion completion, Room room = Room::Queue,
                  Decoded decoded = {}, Haste haste = Haste::Some);

  // Writes everything queued, one sync_data, then completes it in order. Returns the count of
  // items completed; waits up to `idle_wait` for the first when the queue is empty, and as long,
  // but not beyond Options::gather_time, while all of it is without haste.
  size_t step(Duration idle_wait);

  // First position that is not durable yet. Entries below it may be read.
  Position durable_end() const { return durable_end_.load(std::memory_order_acquire); }
  // The oldest entry that is still on disk.
  Position begin() const;
  // Waits until durable_end() > `position` or the time is over.
  void wait_beyond(Position position, Duration timeout);
  bool stopped() const { return stopped_.load(std::memory_order_acquire); }
  // Wakes waiters and step() for shutdown. Queued items are still written by later steps.
  void wake();
  // Reads the entry at `position`, which a caller got from an Entry or begin(). nullopt at
  // durable_end(). DataLoss names the place.
  Result<std::optional<Entry>> read(Position position);
  // Durable entries in memory.
  RecentEntries& recent() { return recent_; }
  // Removes whole segments that end at or below `position`, for good on return. Never the active
  // one. Their files may be kept as spares. Called from one thread; who reads below `position`
  // meanwhile may get an error. After an error the segment is still there, and the next call tries
  // again.
  Result<> remove_below(Position position);
  // Makes the next segment ready, a piece a call; true when there was something to do. Without it,
  // or after an error, segments grow as they are written, which costs each sync more. Called from
  // one thread. Takes nothing beyond limit_disk(): what cannot be finished is given up, since its
  // bytes are of no use.
  Result<bool> prepare();
  // Reads the next piece of what was sealed when the log was opened; false when all is checked.
  // Called from one thread.
  bool check_next();
  CheckState check_state() const;
  // All that the log takes on disk, what is allocated and not used yet included.
  uint64_t disk_bytes() const;
  // From now on entries are refused (ResourceExhausted, reason LogDiskFull) once the log and its
  // queue have `bytes`; those with Room::Reserve at Options::disk_reserve_bytes more. No limit at
  // first. What was queued before is still written. What is allocated is used before the limit is
  // met: entries count, not files. After a refusal it refuses until Options::disk_go_on_bytes are
  // free, so that a little room that comes and goes does not make it take entries in turn.
  void limit_disk(uint64_t bytes);
  // limit_disk(): `bytes_max`, or what leaves the disk `kept_free` bytes if that is less. When
  // others took of those, it refuses, and the reserve ends only where half of them are gone, so
  // `kept_free` is to be more than twice Options::disk_reserve_bytes.
  Result<> limit_to_disk(uint64_t bytes_max, uint64_t kept_free);
  // Whether the limit refuses entries now.
  bool disk_full() const;

 private:
  struct Segment {
    Position start = 0;
    Position end = 0;                   // of a sealed segment; the active one ends at durable_end()
    uint64_t bytes_written_before = 0;  // the file's, when it was a spare; else it grows
    std::string path;
    std::shared_ptr<os::File> file;  // nullptr: opened when it is read
    bool cut = false;                // about to lose its name
  };
  struct Item {
    std::string payload;
    Completion completion;
    Decoded decoded;
    Position position = 0;
  };

  Wal(os::FileSystem& files, std::string directory, Options options);

  uint64_t entry_bytes_locked() const REQUIRES(mutex_);
  uint64_t disk_bytes_locked() const REQUIRES(mutex_);
  bool disk_full_locked() const REQUIRES(mutex_);
  // Whether step() is to be told.
  Result<bool> queue(Item item, Room room, Haste haste);
  std::vector<Item> take_queued(Duration idle_wait);
  Result<> recover();
  Result<> check_sealed(const Segment& segment);
  std::optional<Segment> next_to_check();
  // The end of the last segment's valid entries, after cutting a torn tail.
  Result<Position> recover_tail(const Segment& segment);
  Result<> create_segment(Position start);
  bool segment_due() const;
  std::string segment_path(Position start) const;
  Result<> write_group(std::vector<Item>& group);
  Result<> flush(std::string& buffer);
  void stop_for_good(std::vector<Item>& group, const Error& error);
  Result<std::shared_ptr<os::File>> file_of(Position start);

  os::FileSystem& files_;
  std::string directory_;
  Options options_;
  RecentEntries recent_;
  Spares spares_;

  mutable Mutex mutex_;
  Condition queued_;   // something to write, or wake()
  Condition durable_;  // durable_end() moved, or wake()
  std::deque<Item> queue_ GUARDED_BY(mutex_);
  uint64_t queue_bytes_ GUARDED_BY(mutex_) = 0;
  bool hurried_ GUARDED_BY(mutex_) = false;  // somebody waits for what is queued
  uint64_t wakes_ GUARDED_BY(mutex_) = 0;
  uint64_t disk_limit_ GUARDED_BY(mutex_) = std::numeric_limits<uint64_t>::max();
  bool disk_refused_ GUARDED_BY(mutex_) = false;  // since there was room enough
  std::map<Position, Segment> segments_ GUARDED_BY(mutex_);
  std::deque<Position> to_check_ GUARDED_BY(mutex_);  // sealed segments, the first is being checked
  CheckState check_ GUARDED_BY(mutex_);

  // The stepping thread's own.
  std::shared_ptr<os::File> active_;
  Position active_start_ = 0;
  bool active_grows_ = true;  // it was no spare
  Position write_end_ = 0;

  // remove_below()'s own: what the segment is called that loses its name.
  std::string moved_path_;

  // check_next()'s own.
  std::unique_ptr<SegmentCheck> checking_;

  std::atomic<Position> durable_end_{0};
  std::atomic<bool> stopped_{false};
};

}  // namespace traccia::wal
