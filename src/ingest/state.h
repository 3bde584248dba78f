// The sequencer's inside, shared by its two halves: ingest.cc takes in, upkeep.cc writes down.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ingest/batch.h"
#include "ingest/window.h"

namespace traccia::ingest {

struct Ingest::State {
  State(os::Os machine, std::string where, wal::Wal& log, Options chosen)
      : os(machine),
        directory(std::move(where)),
        wal(log),
        options(chosen),
        window(chosen.window_events) {}

  // Taking in.
  uint32_t region_number(std::string_view name) REQUIRES(mutex);
  // Where a draft of a batch is in the log, for its receipt; no region for what has none.
  struct Placed {
    std::optional<uint32_t> region;
    uint64_t index = 0;
  };
  // What a submission has come to.
  struct Judged {
    std::vector<Placed> placed;                        // by draft
    std::vector<bool> dropped;                         // by record: a repeat or a conflict
    std::vector<std::pair<uint32_t, Placed>> repeats;  // record, and where its first is
    size_t conflicts = 0;
    size_t dropped_count() const { return repeats.size() + conflicts; }
  };
  Result<Judged> judge(const Arranged& arranged, Outcome& outcome) REQUIRES(mutex);
  void number(const Arranged& arranged, Judged& judged) REQUIRES(mutex);
  void add_receipts(const Judged& judged, Outcome& outcome) REQUIRES(mutex);
  void take_back(const LogEntry& entry) REQUIRES(mutex);
  // Judges, numbers and encodes; the payload is empty when nothing is new.
  Result<std::string> sequence(Arranged& arranged, Outcome& outcome) REQUIRES(mutex);
  Result<> make_room(wal::Room room) REQUIRES(mutex);
  void rotate_when_due() REQUIRES(mutex);
  SequencerState sequencer_state() const REQUIRES(mutex);

  // At start and in upkeep.
  Result<std::vector<std::shared_ptr<const WindowFile>>> open_files();
  Result<> restore();
  Result<> replay(const wal::Entry& entry) REQUIRES(mutex);
  Result<bool> write_checkpoint();
  Result<bool> write_oldest();
  void prepare_filter();
  Result<bool> fill_filter();
  Result<bool> forget_oldest();
  Result<bool> work_off();
  bool checkpoint_when_due();

  os::Os os;
  std::string directory;
  wal::Wal& wal;
  Options options;
  std::atomic<wal::Position> durable_cursor{0};

  Mutex mutex;
  Window window GUARDED_BY(mutex);
  Sequence next_sequence GUARDED_BY(mutex) = 1;
  Time newest GUARDED_BY(mutex){};
  std::map<std::string, uint32_t, std::less<>> numbers GUARDED_BY(mutex);
  std::vector<std::string> names GUARDED_BY(mutex);    // by number
  std::vector<uint64_t> next_index GUARDED_BY(mutex);  // by number
  std::optional<Window::Pending> checkpoint GUARDED_BY(mutex);

  Duration last_checkpoint{};  // of the thread that calls maintain()
};

}  // namespace traccia::ingest
