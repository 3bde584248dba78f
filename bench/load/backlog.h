// Fills a log as fast as it can be written: the load's events through the sequencer, no sinks.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "base/error.h"
#include "events.h"
#include "ingest/ingest.h"
#include "wal/wal.h"

namespace traccia::load {

struct BacklogOptions {
  uint64_t bytes = 0;  // the log grows by at least so many
  uint64_t first = 0;  // number of the first event
  unsigned threads = 1;
};

struct Backlog {
  uint64_t events = 0;
  uint64_t log_bytes = 0;
};

// What a server would submit for events `first` to `first` + `count` - 1. They are not parsed,
// since admission would take them as they are.
std::vector<ingest::Draft> backlog_batch(const EventPool& pool, uint64_t first, uint64_t count);

// Events `first` and the following, each once, in batches whose order is not theirs. Runs the log
// and the sequencer's upkeep meanwhile: nobody else does. An error stops it with the log half full.
Result<Backlog> fill_backlog(wal::Wal& log, ingest::Ingest& ingest, const EventPool& pool,
                             const BacklogOptions& options);

}  // namespace traccia::load
