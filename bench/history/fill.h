// A log with realistic events, and event history behind it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"
#include "events.h"
#include "history/history.h"
#include "ingest/ingest.h"
#include "os/real_os.h"
#include "wal/wal.h"

namespace traccia::bench {

// How long history's own work took, without the log's.
struct Rates {
  uint64_t events = 0;
  double take_in_seconds = 0;
  double seal_seconds = 0;
};

// The log and history of one folder. Owned by one thread.
class Store {
 public:
  // The folder is made, or what is in it goes on.
  static Result<std::unique_ptr<Store>> open(const std::string& directory,
                                             history::Options options);
  // Closes history and opens it with other options.
  Result<> reopen(history::Options options);

  // Merges until it has come to rest; how long that took. Opens history again.
  Result<double> merge(history::Options options);

  // Takes in events `first` to `first` + `count` - 1; those that fill a head end up in a segment.
  Result<Rates> fill(const load::EventPool& pool, uint64_t first, uint64_t count);

  history::History& history() { return *history_; }
  os::FileSystem& files() { return real_.os().files; }
  const std::string& history_directory() const { return history_directory_; }

 private:
  Result<> submit(const load::EventPool& pool, uint64_t first, uint64_t count);

  os::RealOs real_;
  std::string history_directory_;
  std::unique_ptr<wal::Wal> log_;
  std::unique_ptr<ingest::Ingest> ingest_;
  std::unique_ptr<history::History> history_;
};

}  // namespace traccia::bench
