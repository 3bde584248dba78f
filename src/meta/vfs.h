// SQLite's door to the operating system, on the os seam.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <string>

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

 private:
  os::Os os_;
  std::string name_;
  sqlite3_vfs* registered_;
};

}  // namespace traccia::meta
