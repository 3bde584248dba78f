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
  uint32_t region_number(const std::string& name) REQUIRES(mutex);
  Result<> judge(std::vector<Draft>& drafts, const std::vector<Identity>& identities, Time time,
                 Batch& fresh, Outcome& outcome) REQUIRES(mutex);
  void add_receipt(Outcome& outcome, uint32_t region, uint64_t index) REQUIRES(mutex);
  void take_back(const std::vector<LogRecord>& fresh) REQUIRES(mutex);
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
  std::map<std::string, uint32_t> numbers GUARDED_BY(mutex);
  std::vector<std::string> names GUARDED_BY(mutex);    // by number
  std::vector<uint64_t> next_index GUARDED_BY(mutex);  // by number
  std::optional<Window::Pending> checkpoint GUARDED_BY(mutex);

  Duration last_checkpoint{};  // of the thread that calls maintain()
};

}  // namespace traccia::ingest
