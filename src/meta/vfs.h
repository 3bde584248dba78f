// SQLite's door to the operating system, on the os seam.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "os/os.h"

struct sqlite3_vfs;

namespace traccia::meta {

// One per database. Files are not locked: the server holds its directory, and a database has one
// connection. Write-ahead logging needs no shared memory then (exclusive locking mode).
class Vfs {
 public:
  explicit Vfs(os::Os os);
  ~Vfs();
  Vfs(const Vfs&) = delete;
  Vfs& operator=(const Vfs&) = delete;

  const char* name() const { return name_.c_str(); }
  os::Os os() const { return os_; }
  // Set by a sync that failed; writes are refused from then on, because pages may be lost that the
  // kernel counts as written.
  std::atomic<bool> failed{false};

  // Around a transaction, by the thread that has it. forget_frames() after a commit that failed:
  // its last frame may be in the log, which would be found after a restart. Durable on return.
  void begin_frames() { frames_from_.reset(); }
  Result<> forget_frames();
  bool wrote_frames() const { return frames_from_.has_value(); }

  // Makes what was written to the log survive power loss; beside a transaction too.
  Result<> sync_log();

  // By the callbacks: the write-ahead log while it is open, and its writes.
  struct File;
  void set_log(File* file) { log_ = file; }
  void wrote_log(uint64_t offset) {
    if (!frames_from_) frames_from_ = offset;
  }

 private:
  os::Os os_;
  std::string name_;
  sqlite3_vfs* registered_;
  File* log_ = nullptr;
  std::optional<uint64_t> frames_from_;  // where the transaction's first write to it was
};

}  // namespace traccia::meta
