// The seam to the operating system: files, clock, random numbers. Product code reaches the kernel
// through these interfaces only, so that crash tests and the simulator can drive the same code.
// Real implementations: real_os.h. Fakes with fault injection and simulated power loss: fake_os.h.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace traccia::os {

// An open file. Thread-safe as pread and pwrite are. Closing happens in the destructor and never
// implies durability.
class File {
 public:
  virtual ~File() = default;

  // Reads up to `out.size()` bytes at `offset`; fewer only at the end of the file.
  virtual Result<size_t> read_at(uint64_t offset, std::span<char> out) = 0;
  // A hint: these bytes are read soon, so that they may be fetched meanwhile.
  virtual void read_ahead(uint64_t offset, uint64_t bytes) = 0;
  // Writes all of `bytes` at `offset`, extending the file (holes read as zeros).
  virtual Result<> write_at(uint64_t offset, std::string_view bytes) = 0;
  // On success the file's bytes and size survive power loss. The name does only after
  // FileSystem::sync_directory. A failure must never be retried: the pages may be marked clean.
  virtual Result<> sync_data() = 0;
  virtual Result<uint64_t> size() = 0;
  virtual Result<> truncate(uint64_t size) = 0;
  // Extends the file to at least `size` bytes of zeros with disk space behind them.
  virtual Result<> allocate(uint64_t size) = 0;
};

// Released by the destructor, or by the kernel when the process dies.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

// CreateNewUncached: as CreateNew, for what is written once and not read soon. Whole pages that are
// written at the boundary of a page from memory at the boundary of a page go past the page cache,
// where the disk can do that; PagedWriter writes so.
enum class OpenMode { ReadOnly, ReadWrite, CreateReadWrite, CreateNew, CreateNewUncached };

struct DirectoryEntry {
  std::string name;
  bool is_directory = false;
};

// Errors carry the path and the operation. NotFound, AlreadyExists, PermissionDenied and
// ResourceExhausted (no space) are told apart; anything else is Unavailable.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  // `mode_bits` apply on creation, e.g. 0600.
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode,
                                             unsigned mode_bits = 0600) = 0;
  // Replaces `to` atomically. Durable after sync_directory of the parent.
  virtual Result<> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<> remove(const std::string& path) = 0;
  // With missing parents; durable on return.
  virtual Result<> make_directories(const std::string& path) = 0;
  virtual Result<std::vector<DirectoryEntry>> list(const std::string& directory) = 0;
  virtual Result<bool> exists(const std::string& path) = 0;
  // Whether group or others may read the file.
  virtual Result<bool> readable_by_others(const std::string& path) = 0;
  // What this process may still write to the disk that holds the directory.
  virtual Result<uint64_t> free_bytes(const std::string& directory) = 0;
  // Names created, renamed or removed in the directory survive power loss after this returns.
  virtual Result<> sync_directory(const std::string& directory) = 0;
  // Advisory exclusive lock on a file it creates; FailedPrecondition when another holds it.
  virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
};

class Clock {
 public:
  virtual ~Clock() = default;
  // Wall clock; may jump.
  virtual Time now() = 0;
  // Never goes back; for intervals only.
  virtual Duration monotonic() = 0;
};

class Random {
 public:
  virtual ~Random() = default;
  // Cryptographically strong in the real implementation. Cannot fail: the process stops instead.
  virtual void fill(std::span<char> out) = 0;

  std::string bytes(size_t count);
  // RFC 4122 version 4, lower case.
  std::string uuid();
  // `count` characters of `alphabet`, uniformly.
  std::string characters(size_t count, std::string_view alphabet);
};

// The three together, as components take them. Borrowed; the composition root owns them.
struct Os {
  FileSystem& files;
  Clock& clock;
  Random& random;
};

inline constexpr size_t kPageBytes = 4096;

// Writes a file from its start on, in pieces of whole pages.
class PagedWriter {
 public:
  // Memory for a file of `size` bytes, at most kPieceBytes.
  PagedWriter(File& file, uint64_t size);
  Result<> append(std::string_view bytes);
  // Writes the rest; durable on return, but for the file's name.
  Result<> finish();

  static constexpr size_t kPieceBytes = 1 << 20;

 private:
  struct Free {
    void operator()(char* memory) const;
  };
  Result<> write_piece();

  File& file_;
  size_t capacity_;
  std::unique_ptr<char, Free> piece_;
  size_t filled_ = 0;
  uint64_t written_ = 0;
};

// Reads a whole file of at most `bytes_max` bytes (ResourceExhausted beyond).
Result<std::string> read_file(FileSystem& files, const std::string& path, uint64_t bytes_max);
// Writes `path` so that after power loss it holds the old bytes or the new, and once this returned
// the new: temporary file, sync, rename, directory sync.
Result<> write_file_atomically(FileSystem& files, const std::string& path, std::string_view bytes,
                               unsigned mode_bits = 0600);
std::string parent_directory(const std::string& path);

}  // namespace traccia::os
