// A machine in memory for tests: files that lose what was not synced when the power fails, a clock
// that a test moves, random numbers from a seed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "os/os.h"

namespace traccia::os {

// The steps that a fault may strike. Reads are not among them.
enum class Operation { Open, Write, Sync, Truncate, Rename, Remove, SyncDirectory };

// Thread-safe. What power loss keeps:
//   - bytes: all that sync_data covered; of each later write any subset of its 512-byte sectors;
//   - names: all that sync_directory covered; of the later changes a prefix in their order.
// A sync that a fault strikes covers nothing, and no later one covers what it should have: as with
// the kernel, the bytes can still be read but count as written. Power loss shows that they are not.
class FakeFileSystem : public FileSystem {
 public:
  // Returns the error that the operation shall meet instead of happening.
  using Fault = std::function<std::optional<Error>(Operation, const std::string& path)>;

  void set_fault(Fault fault);
  // From now on all files together have at most `bytes`: a write beyond does in part what fits and
  // fails, as on a full disk. Outlives restarts; nullopt: no limit.
  void set_capacity(std::optional<uint64_t> bytes);
  uint64_t used_bytes() const;
  // The power fails after that many more mutating operations: those following fail.
  void lose_power_after(uint64_t operations);
  // Mutating operations so far.
  uint64_t operations() const;
  bool power_lost() const;
  // Brings the machine back with what survived. Files and locks opened before are dead.
  void restart(uint64_t seed);
  // The same without loss of anything: what kill -9 leaves.
  void restart_keeping_all();
  // Flips bits of a stored file's current and durable bytes at `offset`.
  void corrupt(const std::string& path, uint64_t offset, char mask);
  std::vector<std::string> paths() const;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode,
                                     unsigned mode_bits = 0600) override;
  Result<> rename(const std::string& from, const std::string& to) override;
  Result<> remove(const std::string& path) override;
  Result<> make_directories(const std::string& path) override;
  Result<std::vector<DirectoryEntry>> list(const std::string& directory) override;
  Result<bool> exists(const std::string& path) override;
  Result<bool> readable_by_others(const std::string& path) override;
  Result<uint64_t> free_bytes(const std::string& directory) override;
  Result<> sync_directory(const std::string& directory) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;

 private:
  friend class FakeFile;
  friend class FakeLock;

  struct Change {  // of one file's bytes, not synced yet
    uint64_t offset = 0;
    std::string bytes;
    std::optional<uint64_t> new_size;  // a truncation or extension instead of a write
  };
  struct Inode {
    std::string current;
    std::string durable;
    unsigned mode_bits = 0600;
    std::vector<Change> pending;
  };
  using InodePtr = std::shared_ptr<Inode>;
  struct NameChange {  // not synced yet
    std::string path;
    InodePtr inode;    // nullptr: the name goes
    std::string from;  // of a rename: the name that goes with it
  };

  Result<> strike(Operation operation, const std::string& path) REQUIRES(mutex_);
  Result<> alive(uint64_t generation) REQUIRES(mutex_);
  uint64_t used_locked() const REQUIRES(mutex_);
  static void apply(std::string& bytes, const Change& change);
  void keep_some(Inode& inode, std::mt19937_64& random) REQUIRES(mutex_);
  void apply_durably(const NameChange& change) REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::map<std::string, InodePtr> names_ GUARDED_BY(mutex_);
  std::map<std::string, InodePtr> durable_names_ GUARDED_BY(mutex_);
  std::vector<NameChange> name_changes_ GUARDED_BY(mutex_);
  std::map<std::string, bool> directories_ GUARDED_BY(mutex_);
  std::map<std::string, uint64_t> locks_ GUARDED_BY(mutex_);  // path → generation
  Fault fault_ GUARDED_BY(mutex_);
  std::optional<uint64_t> power_left_ GUARDED_BY(mutex_);
  std::optional<uint64_t> capacity_ GUARDED_BY(mutex_);
  uint64_t operations_ GUARDED_BY(mutex_) = 0;
  uint64_t generation_ GUARDED_BY(mutex_) = 0;
};

// Thread-safe. monotonic() moves with advance() only, so set() is a jump of the wall clock.
class FakeClock : public Clock {
 public:
  explicit FakeClock(Time start) : now_(start) {}
  Time now() override;
  Duration monotonic() override;
  void set(Time time);
  void advance(Duration by);

 private:
  Mutex mutex_;
  Time now_ GUARDED_BY(mutex_);
  Duration monotonic_ GUARDED_BY(mutex_){0};
};

// Thread-safe.
class FakeRandom : public Random {
 public:
  explicit FakeRandom(uint64_t seed) : engine_(seed) {}
  void fill(std::span<char> out) override;

 private:
  Mutex mutex_;
  std::mt19937_64 engine_ GUARDED_BY(mutex_);
};

// The three together; a test owns one.
struct FakeOs {
  FakeFileSystem files;
  FakeClock clock{from_unix_seconds(1'790'000'000)};
  FakeRandom random;

  explicit FakeOs(uint64_t seed = 1) : random(seed) {}
  Os os() { return {files, clock, random}; }
};

}  // namespace traccia::os
