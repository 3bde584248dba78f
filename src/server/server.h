// The composition root: opens a data directory, wires the modules, runs their threads.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "os/os.h"
#include "server/config.h"

namespace traccia::server {

// Thread-safe. Threads it owns: http's event loops and workers, `wal` (sole appender), `log files`,
// `history`, `deliver` (files, then digests), `housekeeping`. Stopped in reverse order of starting.
class Server {
 public:
  // Locks the directory, recovers, and listens. FailedPrecondition when another server holds the
  // directory or its format is newer; DataLoss names what is corrupt.
  static Result<std::unique_ptr<Server>> start(os::Os os, Config config);
  ~Server();

  uint16_t port() const;
  // scheme://address:port as clients on this machine reach it.
  std::string endpoint() const;
  // Graceful: started requests finish and are answered, the log is written out. Idempotent.
  void stop();

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Files inside the data directory that commands read.
struct DataDirectory {
  std::string root;
  std::string format() const { return root + "/FORMAT"; }
  std::string lock() const { return root + "/lock"; }
  std::string endpoint() const { return root + "/endpoint"; }
  std::string credentials() const { return root + "/credentials"; }
  std::string master_key() const { return root + "/master.key"; }
  std::string wrapped_master_key() const { return root + "/master.key.wrapped"; }
  std::string meta() const { return root + "/meta.db"; }
  std::string history() const { return root + "/history"; }
  std::string window() const { return root + "/window"; }
  std::string wal() const { return root + "/wal"; }
  std::string blobs() const { return root + "/blobs"; }
  std::string test_clock() const { return root + "/test-clock"; }
};

inline constexpr int kFormatVersion = 2;
// Older ones were written by development builds only, before the first release.
inline constexpr int kFormatVersionOldest = 2;

}  // namespace traccia::server
