// Files for segments to come, so that a group's sync writes data and no metadata.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"
#include "os/os.h"

namespace traccia::wal {

// A file whose bytes were all written and synced before. What they say is of no use any more:
// zeros, or the entries of a segment that was cut.
struct Spare {
  std::string path;
  std::shared_ptr<os::File> file;
};

// The spares of one log's directory, files "spare-<number>" of one size. Thread-safe; prepare() is
// called from one thread, and so is keep().
class Spares {
 public:
  // Cut segments beyond that many are removed.
  static constexpr size_t kSparesMax = 4;
  // Zeros written and synced by one prepare().
  static constexpr uint64_t kPieceBytesMax = 1 << 20;

  Spares(os::FileSystem& files, std::string directory, uint64_t bytes)
      : files_(files), directory_(std::move(directory)), bytes_(bytes) {}

  // Takes over what an earlier process left among the directory's names, and removes what is of no
  // use. Before any other call.
  Result<> adopt(const std::vector<os::DirectoryEntry>& names);
  // The oldest, which is the caller's from then on.
  std::optional<Spare> take();
  bool empty() const;
  bool full() const;
  // Writes a piece of a new spare. After an error, a full disk say, what was written is gone.
  Result<> prepare();
  // Removes what prepare() has not finished. By the thread that prepares.
  Result<> give_up();
  // A name for a segment that is cut; once it has it for good, keep() makes it a spare. A file that
  // is too small is removed.
  std::string next_path();
  Result<> keep(const std::string& path);
  // What the one that prepare() is at, or begins with, still takes from the disk.
  uint64_t bytes_missing() const;
  uint64_t disk_bytes() const;

 private:
  Result<> write_piece();

  os::FileSystem& files_;
  std::string directory_;
  uint64_t bytes_;

  mutable Mutex mutex_;
  std::deque<Spare> ready_ GUARDED_BY(mutex_);
  uint64_t next_number_ GUARDED_BY(mutex_) = 0;
  uint64_t written_ GUARDED_BY(mutex_) = 0;  // of the one that prepare() is at

  // prepare()'s own.
  std::optional<Spare> partial_;
};

}  // namespace traccia::wal
