// What the server remembers of the newest records, to recognise a repeat (I1): generations of
// records, the newest in memory, the older ones in sorted files behind one filter.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ingest/generation.h"
#include "ingest/window_file.h"
#include "ingest/window_filter.h"

namespace traccia::ingest {

// Not thread-safe: the sequencer's lock guards it. What takes long (writing, reading whole files)
// works on the parts that it hands out, without the lock, and is installed afterwards.
class Window {
 public:
  // Remembers at least the newest `events` records, at most kGenerations/(kGenerations-1) as many
  // and one batch.
  explicit Window(uint64_t events);

  // A sealed generation and the place of its bits in the filter.
  struct Sealed {
    std::shared_ptr<const WindowFile> file;
    unsigned column = 0;
    bool in_filter = false;  // until then it is asked for every key
  };
  // Records that are to be written; `log_end` is known once the log has told it.
  struct Pending {
    uint64_t ordinal = 0;
    std::shared_ptr<const Generation> generation;
    SequencerState state;
    std::optional<wal::Position> log_end;
    bool whole = false;  // else more records of this generation may follow
  };

  // DataLoss names a damaged file.
  Result<std::optional<Seen>> find(const RecordKey& key) const;
  void prefetch(const RecordKey& key) const { filter_.prefetch(key); }
  void add(const RecordKey& key, const Seen& seen) { current_->add(key, seen); }
  // Takes back the newest `count`, all of them added since the last rotation.
  void take_back(size_t count) { current_->take_back(count); }

  bool full() const { return current_->records().size() >= generation_events_; }
  // Not while files lag behind: the current generation then stays full.
  bool rotation_due() const { return full() && pending_.size() < kPendingMax; }
  uint64_t current_ordinal() const { return current_ordinal_; }
  bool has_pending() const { return !pending_.empty(); }
  // Ends the current generation. The ordinal names it for set_log_end.
  uint64_t rotate(SequencerState state);
  // A copy of the current generation, to be written as far as it has come.
  Pending snapshot(SequencerState state) const;
  void set_log_end(uint64_t ordinal, wal::Position position);

  // Files at start, in order, at most kFilesMax. The newest becomes the current generation again
  // when it has room.
  static constexpr size_t kFilesMax = 30;  // columns are left for one that comes and one that goes
  Result<> restore(std::vector<std::shared_ptr<const WindowFile>> files);

  // The oldest rotated generation whose place in the log is known.
  std::optional<Pending> next_to_write() const;
  // It is written: from now on the file answers.
  void install(std::shared_ptr<const WindowFile> file);
  std::optional<Sealed> next_for_filter() const;
  WindowFilter& filter() { return filter_; }
  void in_filter(uint64_t ordinal);
  // The oldest sealed generation, when it is not needed any more. Once its file is gone it is
  // forgotten; once its column is cleared that is given back.
  std::optional<Sealed> forgettable() const;
  void forget_oldest() { sealed_.erase(sealed_.begin()); }
  void give_back(unsigned column) { columns_ &= ~(uint32_t{1} << column); }

 private:
  static constexpr uint64_t kGenerations = 28;  // without the current one, when all are full
  static constexpr size_t kPendingMax = 2;

  uint64_t events_;
  uint64_t generation_events_;
  std::vector<Sealed> sealed_;   // oldest first
  std::deque<Pending> pending_;  // likewise
  std::shared_ptr<Generation> current_ = std::make_shared<Generation>();
  uint64_t current_ordinal_ = 0;
  WindowFilter filter_;
  uint32_t columns_ = 0;  // in use
};

}  // namespace traccia::ingest
