// Linux system calls as Results.
// SPDX-License-Identifier: Apache-2.0
#include "os/real_os.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <system_error>

#include "base/assert.h"

namespace traccia::os {
namespace {

std::unexpected<Error> system_error(std::string_view operation, const std::string& path,
                                    int number) {
  auto code = ErrorCode::Unavailable;
  if (number == ENOENT) code = ErrorCode::NotFound;
  if (number == EEXIST) code = ErrorCode::AlreadyExists;
  if (number == EACCES || number == EPERM || number == EROFS) code = ErrorCode::PermissionDenied;
  if (number == ENOSPC || number == EDQUOT || number == EMFILE || number == ENFILE) {
    code = ErrorCode::ResourceExhausted;
  }
  return fail(code,
              fmt::format("{} '{}': {}", operation, path, std::generic_category().message(number)));
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  int get() const { return number_; }

 private:
  int number_;
};

class RealFile : public File {
 public:
  RealFile(Descriptor descriptor, std::string path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  // A file system that cannot do that stays with its cache.
  void bypass_cache() { uncached_ = set_direct(true); }

  Result<size_t> read_at(uint64_t offset, std::span<char> out) override {
    size_t done = 0;
    while (done < out.size()) {
      const auto count = ::pread(descriptor_.get(), out.data() + done, out.size() - done,
                                 static_cast<off_t>(offset + done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return system_error("read", path_, errno);
      if (count == 0) break;
      done += static_cast<size_t>(count);
    }
    return done;
  }

  void read_ahead(uint64_t offset, uint64_t bytes) override {
    (void)::posix_fadvise(descriptor_.get(), static_cast<off_t>(offset), static_cast<off_t>(bytes),
                          POSIX_FADV_WILLNEED);
  }

  Result<> write_at(uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      if (uncached_ && !in_whole_pages(offset, bytes)) TRY(use_cache());
      const auto count =
          ::pwrite(descriptor_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && errno == EINVAL && uncached_) {  // a disk with larger blocks
        TRY(use_cache());
        continue;
      }
      if (count < 0) return system_error("write", path_, errno);
      bytes.remove_prefix(static_cast<size_t>(count));
      offset += static_cast<uint64_t>(count);
    }
    return {};
  }

  Result<> sync_data() override {
    if (::fdatasync(descriptor_.get()) != 0) return system_error("fdatasync", path_, errno);
    return {};
  }

  Result<uint64_t> size() override {
    struct stat status{};
    if (::fstat(descriptor_.get(), &status) != 0) return system_error("fstat", path_, errno);
    return static_cast<uint64_t>(status.st_size);
  }

  Result<> truncate(uint64_t size) override {
    if (::ftruncate(descriptor_.get(), static_cast<off_t>(size)) != 0) {
      return system_error("truncate", path_, errno);
    }
    return {};
  }

  Result<> allocate(uint64_t size) override {
    const int number = ::posix_fallocate(descriptor_.get(), 0, static_cast<off_t>(size));
    if (number != 0) return system_error("allocate", path_, number);
    return {};
  }

 private:
  static bool in_whole_pages(uint64_t offset, std::string_view bytes) {
    const auto address = reinterpret_cast<uintptr_t>(bytes.data());
    return (offset | address | bytes.size()) % kPageBytes == 0;
  }
  bool set_direct(bool direct) {
    const int flags = ::fcntl(descriptor_.get(), F_GETFL);
    const int wanted = direct ? flags | O_DIRECT : flags & ~O_DIRECT;
    return flags >= 0 && ::fcntl(descriptor_.get(), F_SETFL, wanted) == 0;
  }
  Result<> use_cache() {
    if (!set_direct(false)) return system_error("fcntl", path_, errno);
    uncached_ = false;
    return {};
  }

  Descriptor descriptor_;
  std::string path_;
  std::atomic<bool> uncached_{false};
};

class RealLock : public FileLock {
 public:
  explicit RealLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

 private:
  Descriptor descriptor_;
};

int open_flags(OpenMode mode) {
  switch (mode) {
    case OpenMode::ReadOnly:
      return O_RDONLY;
    case OpenMode::ReadWrite:
      return O_RDWR;
    case OpenMode::CreateReadWrite:
      return O_RDWR | O_CREAT;
    case OpenMode::CreateNew:
    case OpenMode::CreateNewUncached:
      return O_RDWR | O_CREAT | O_EXCL;
  }
  return O_RDONLY;
}

class RealFileSystem : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode,
                                     unsigned mode_bits) override {
    TRY_ASSIGN(auto descriptor, open_descriptor(path, open_flags(mode), mode_bits));
    auto file = std::make_unique<RealFile>(std::move(descriptor), path);
    if (mode == OpenMode::CreateNewUncached) file->bypass_cache();
    return file;
  }

  Result<> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return system_error("rename", from, errno);
    return {};
  }

  Result<> remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return system_error("remove", path, errno);
    return {};
  }

  Result<> make_directories(const std::string& path) override {
    if (::mkdir(path.c_str(), 0700) == 0) return sync_directory(parent_directory(path));
    const int number = errno;
    if (number == EEXIST) {
      struct stat status{};
      if (::stat(path.c_str(), &status) != 0) return system_error("stat", path, errno);
      if (S_ISDIR(status.st_mode)) return {};
      return system_error("make directory", path, ENOTDIR);
    }
    const auto parent = parent_directory(path);
    if (number != ENOENT || parent == path) return system_error("make directory", path, number);
    TRY(make_directories(parent));
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
      return system_error("make directory", path, errno);
    }
    return sync_directory(parent);
  }

  Result<std::vector<DirectoryEntry>> list(const std::string& directory) override {
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory.c_str()), ::closedir);
    if (!stream) return system_error("list", directory, errno);
    std::vector<DirectoryEntry> entries;
    while (true) {
      errno = 0;
      // One stream, one thread. NOLINTNEXTLINE(concurrency-mt-unsafe)
      const auto* entry = ::readdir(stream.get());
      if (entry == nullptr) break;
      const std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      bool is_directory = entry->d_type == DT_DIR;
      if (entry->d_type == DT_UNKNOWN) {
        struct stat status{};
        auto path = directory;
        path.append("/").append(name);
        if (::stat(path.c_str(), &status) != 0) return system_error("stat", path, errno);
        is_directory = S_ISDIR(status.st_mode);
      }
      entries.push_back({name, is_directory});
    }
    if (errno != 0) return system_error("list", directory, errno);
    return entries;
  }

  Result<bool> exists(const std::string& path) override {
    struct stat status{};
    if (::stat(path.c_str(), &status) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return system_error("stat", path, errno);
  }

  Result<bool> readable_by_others(const std::string& path) override {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) return system_error("stat", path, errno);
    return (status.st_mode & (S_IRGRP | S_IROTH)) != 0;
  }

  Result<uint64_t> free_bytes(const std::string& directory) override {
    struct statvfs status{};
    if (::statvfs(directory.c_str(), &status) != 0)
      return system_error("statvfs", directory, errno);
    return uint64_t{status.f_bavail} * status.f_frsize;
  }

  Result<> sync_directory(const std::string& directory) override {
    TRY_ASSIGN(const auto descriptor, open_descriptor(directory, O_RDONLY | O_DIRECTORY, 0));
    if (::fsync(descriptor.get()) != 0) return system_error("fsync", directory, errno);
    return {};
  }

  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override {
    TRY_ASSIGN(auto descriptor, open_descriptor(path, O_RDWR | O_CREAT, 0600));
    if (::flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) {
        return fail(ErrorCode::FailedPrecondition,
                    fmt::format("lock '{}': another process holds it", path));
      }
      return system_error("lock", path, errno);
    }
    return std::make_unique<RealLock>(std::move(descriptor));
  }

 private:
  static Result<Descriptor> open_descriptor(const std::string& path, int flags,
                                            unsigned mode_bits) {
    while (true) {
      const int number = ::open(path.c_str(), flags | O_CLOEXEC, mode_bits);
      if (number >= 0) return Descriptor(number);
      if (errno != EINTR) return system_error("open", path, errno);
    }
  }
};

Duration read_clock(clockid_t id) {
  timespec value{};
  TRACCIA_ASSERT(::clock_gettime(id, &value) == 0);
  return std::chrono::seconds(value.tv_sec) + std::chrono::nanoseconds(value.tv_nsec);
}

class RealClock : public Clock {
 public:
  Time now() override { return Time(read_clock(CLOCK_REALTIME)); }
  Duration monotonic() override { return read_clock(CLOCK_MONOTONIC); }
};

class RealRandom : public Random {
 public:
  void fill(std::span<char> out) override {
    while (!out.empty()) {
      const auto count = ::getrandom(out.data(), out.size(), 0);
      if (count < 0 && errno == EINTR) continue;
      TRACCIA_ASSERT(count > 0);
      out = out.subspan(static_cast<size_t>(count));
    }
  }
};

}  // namespace

struct RealOs::State {
  RealFileSystem files;
  RealClock clock;
  RealRandom random;
};

RealOs::RealOs() : state_(std::make_unique<State>()) {}
RealOs::~RealOs() = default;

Os RealOs::os() {
  return {state_->files, state_->clock, state_->random};
}

}  // namespace traccia::os
