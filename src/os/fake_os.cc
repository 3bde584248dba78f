// Files in memory with simulated power loss.
// SPDX-License-Identifier: Apache-2.0
#include "os/fake_os.h"

#include <fmt/format.h>

#include <algorithm>

namespace traccia::os {
namespace {

constexpr uint64_t kSectorBytes = 512;

std::unexpected<Error> not_found(std::string_view operation, const std::string& path) {
  return fail(ErrorCode::NotFound,
              fmt::format("{} '{}': no such file or directory", operation, path));
}

std::unexpected<Error> no_space(const std::string& path) {
  return fail(ErrorCode::ResourceExhausted,
              fmt::format("write '{}': no space left on device", path));
}

}  // namespace

class FakeFile : public File {
 public:
  FakeFile(FakeFileSystem& files, FakeFileSystem::InodePtr inode, std::string path,
           uint64_t generation)
      : files_(files), inode_(std::move(inode)), path_(std::move(path)), generation_(generation) {}

  Result<size_t> read_at(uint64_t offset, std::span<char> out) override {
    const MutexLock lock(files_.mutex_);
    TRY(files_.alive(generation_));
    const auto& bytes = inode_->current;
    if (offset >= bytes.size()) return size_t{0};
    return bytes.copy(out.data(), out.size(), offset);
  }

  void read_ahead(uint64_t, uint64_t) override {}

  Result<> write_at(uint64_t offset, std::string_view bytes) override {
    return change(Operation::Write, {offset, std::string(bytes), std::nullopt});
  }

  Result<> sync_data() override {
    const MutexLock lock(files_.mutex_);
    TRY(files_.alive(generation_));
    if (auto struck = files_.strike(Operation::Sync, path_); !struck) {
      if (files_.power_left_ != 0U) inode_->pending.clear();
      return struck;
    }
    for (const auto& one : inode_->pending) FakeFileSystem::apply(inode_->durable, one);
    inode_->pending.clear();
    return {};
  }

  Result<uint64_t> size() override {
    const MutexLock lock(files_.mutex_);
    TRY(files_.alive(generation_));
    return inode_->current.size();
  }

  Result<> truncate(uint64_t size) override { return change(Operation::Truncate, {0, "", size}); }

  Result<> allocate(uint64_t size) override {
    {
      const MutexLock lock(files_.mutex_);
      if (inode_->current.size() >= size) return {};
    }
    return truncate(size);
  }

 private:
  Result<> change(Operation operation, FakeFileSystem::Change one) {
    const MutexLock lock(files_.mutex_);
    TRY(files_.alive(generation_));
    TRY(files_.strike(operation, path_));
    const auto wanted = one.bytes.size();
    TRY(fit(one));
    const bool whole = one.bytes.size() == wanted;
    FakeFileSystem::apply(inode_->current, one);
    inode_->pending.push_back(std::move(one));
    if (!whole) return no_space(path_);
    return {};
  }

  // Shortens a write to the room that the disk has; an extension needs all of its room.
  Result<> fit(FakeFileSystem::Change& one) REQUIRES(files_.mutex_) {
    if (!files_.capacity_) return {};
    const auto size = inode_->current.size();
    const auto others = files_.used_locked() - size;
    const auto size_max = std::max(size, *files_.capacity_ - std::min(*files_.capacity_, others));
    if (one.new_size) {
      if (*one.new_size > size_max) return no_space(path_);
    } else if (one.offset + one.bytes.size() > size_max) {
      if (one.offset >= size_max) return no_space(path_);
      one.bytes.resize(size_max - one.offset);
    }
    return {};
  }

  FakeFileSystem& files_;
  FakeFileSystem::InodePtr inode_;
  std::string path_;
  uint64_t generation_;
};

class FakeLock : public FileLock {
 public:
  FakeLock(FakeFileSystem& files, std::string path, uint64_t generation)
      : files_(files), path_(std::move(path)), generation_(generation) {}
  ~FakeLock() override {
    const MutexLock lock(files_.mutex_);
    const auto at = files_.locks_.find(path_);
    if (at != files_.locks_.end() && at->second == generation_) files_.locks_.erase(at);
  }

 private:
  FakeFileSystem& files_;
  std::string path_;
  uint64_t generation_;
};

void FakeFileSystem::set_fault(Fault fault) {
  const MutexLock lock(mutex_);
  fault_ = std::move(fault);
}

void FakeFileSystem::set_capacity(std::optional<uint64_t> bytes) {
  const MutexLock lock(mutex_);
  capacity_ = bytes;
}

uint64_t FakeFileSystem::used_bytes() const {
  const MutexLock lock(mutex_);
  return used_locked();
}

uint64_t FakeFileSystem::used_locked() const {
  uint64_t used = 0;
  for (const auto& [path, inode] : names_) used += inode->current.size();
  return used;
}

void FakeFileSystem::lose_power_after(uint64_t operations) {
  const MutexLock lock(mutex_);
  power_left_ = operations;
}

uint64_t FakeFileSystem::operations() const {
  const MutexLock lock(mutex_);
  return operations_;
}

bool FakeFileSystem::power_lost() const {
  const MutexLock lock(mutex_);
  return power_left_ == 0U;
}

Result<> FakeFileSystem::alive(uint64_t generation) {
  if (generation == generation_) return {};
  return fail(ErrorCode::Unavailable, "the file was opened before the machine restarted");
}

Result<> FakeFileSystem::strike(Operation operation, const std::string& path) {
  if (power_left_ == 0U) return fail(ErrorCode::Unavailable, "the power failed");
  if (power_left_) --*power_left_;
  ++operations_;
  if (!fault_) return {};
  if (auto error = fault_(operation, path)) return std::unexpected(std::move(*error));
  return {};
}

void FakeFileSystem::apply(std::string& bytes, const Change& change) {
  if (change.new_size) {
    bytes.resize(*change.new_size, '\0');
    return;
  }
  const auto end = change.offset + change.bytes.size();
  if (bytes.size() < end) bytes.resize(end, '\0');
  bytes.replace(change.offset, change.bytes.size(), change.bytes);
}

// Sectors of a write reach the disk in any order, or not at all.
void FakeFileSystem::keep_some(Inode& inode, std::mt19937_64& random) {
  for (const auto& change : inode.pending) {
    const auto fate = random() % 4;
    if (fate == 0) continue;
    if (fate == 1 || change.new_size) {
      apply(inode.durable, change);
      continue;
    }
    uint64_t at = 0;
    while (at < change.bytes.size()) {
      const auto sector_end = (change.offset + at) / kSectorBytes * kSectorBytes + kSectorBytes;
      const auto count =
          std::min<uint64_t>(sector_end - change.offset - at, change.bytes.size() - at);
      if (random() % 2 == 0) {
        apply(inode.durable, {change.offset + at, change.bytes.substr(at, count), std::nullopt});
      }
      at += count;
    }
  }
  inode.pending.clear();
  inode.current = inode.durable;
}

void FakeFileSystem::apply_durably(const NameChange& change) {
  if (!change.from.empty()) durable_names_.erase(change.from);
  if (change.inode) {
    durable_names_[change.path] = change.inode;
  } else {
    durable_names_.erase(change.path);
  }
}

void FakeFileSystem::restart(uint64_t seed) {
  const MutexLock lock(mutex_);
  std::mt19937_64 random(seed);
  const auto kept = name_changes_.empty() ? 0 : random() % (name_changes_.size() + 1);
  for (size_t i = 0; i < kept; ++i) apply_durably(name_changes_[i]);
  name_changes_.clear();
  names_ = durable_names_;
  for (auto& [path, inode] : names_) keep_some(*inode, random);
  locks_.clear();
  power_left_.reset();
  fault_ = nullptr;
  ++generation_;
}

void FakeFileSystem::restart_keeping_all() {
  const MutexLock lock(mutex_);
  locks_.clear();
  power_left_.reset();
  fault_ = nullptr;
  ++generation_;
}

void FakeFileSystem::corrupt(const std::string& path, uint64_t offset, char mask) {
  const MutexLock lock(mutex_);
  auto& inode = *names_.at(path);
  for (auto* bytes : {&inode.current, &inode.durable}) {
    if (offset < bytes->size()) (*bytes)[offset] = static_cast<char>((*bytes)[offset] ^ mask);
  }
}

std::vector<std::string> FakeFileSystem::paths() const {
  const MutexLock lock(mutex_);
  std::vector<std::string> out;
  out.reserve(names_.size());
  for (const auto& [path, inode] : names_) out.push_back(path);
  return out;
}

Result<std::unique_ptr<File>> FakeFileSystem::open(const std::string& path, OpenMode mode,
                                                   unsigned mode_bits) {
  const MutexLock lock(mutex_);
  const auto at = names_.find(path);
  const bool creates = mode != OpenMode::ReadOnly && mode != OpenMode::ReadWrite;
  if (at != names_.end()) {
    if (mode == OpenMode::CreateNew || mode == OpenMode::CreateNewUncached) {
      return fail(ErrorCode::AlreadyExists, fmt::format("open '{}': file exists", path));
    }
    return std::make_unique<FakeFile>(*this, at->second, path, generation_);
  }
  if (!creates || !directories_.contains(parent_directory(path))) return not_found("open", path);
  TRY(strike(Operation::Open, path));
  auto inode = std::make_shared<Inode>();
  inode->mode_bits = mode_bits;
  names_[path] = inode;
  name_changes_.push_back({path, inode, ""});
  return std::make_unique<FakeFile>(*this, std::move(inode), path, generation_);
}

Result<> FakeFileSystem::rename(const std::string& from, const std::string& to) {
  const MutexLock lock(mutex_);
  const auto at = names_.find(from);
  if (at == names_.end()) return not_found("rename", from);
  TRY(strike(Operation::Rename, from));
  auto inode = at->second;
  names_.erase(at);
  names_[to] = inode;
  name_changes_.push_back({to, std::move(inode), from});
  return {};
}

Result<> FakeFileSystem::remove(const std::string& path) {
  const MutexLock lock(mutex_);
  if (!names_.contains(path)) return not_found("remove", path);
  TRY(strike(Operation::Remove, path));
  names_.erase(path);
  name_changes_.push_back({path, nullptr, ""});
  return {};
}

Result<> FakeFileSystem::make_directories(const std::string& path) {
  const MutexLock lock(mutex_);
  for (auto at = path; at != "/" && at != "."; at = parent_directory(at)) directories_[at] = true;
  return {};
}

Result<std::vector<DirectoryEntry>> FakeFileSystem::list(const std::string& directory) {
  const MutexLock lock(mutex_);
  if (!directories_.contains(directory)) return not_found("list", directory);
  std::vector<DirectoryEntry> entries;
  const auto is_child = [&](const std::string& path) {
    return path != directory && parent_directory(path) == directory;
  };
  for (const auto& [path, inode] : names_) {
    if (is_child(path)) entries.push_back({path.substr(directory.size() + 1), false});
  }
  for (const auto& [path, there] : directories_) {
    if (is_child(path)) entries.push_back({path.substr(directory.size() + 1), true});
  }
  return entries;
}

Result<bool> FakeFileSystem::exists(const std::string& path) {
  const MutexLock lock(mutex_);
  return names_.contains(path) || directories_.contains(path);
}

Result<bool> FakeFileSystem::readable_by_others(const std::string& path) {
  const MutexLock lock(mutex_);
  const auto at = names_.find(path);
  if (at == names_.end()) return not_found("stat", path);
  return (at->second->mode_bits & 044) != 0;
}

Result<uint64_t> FakeFileSystem::free_bytes(const std::string& directory) {
  constexpr uint64_t kFree = 1ULL << 40;
  const MutexLock lock(mutex_);
  if (!directories_.contains(directory)) return not_found("statvfs", directory);
  if (!capacity_) return kFree;
  return *capacity_ - std::min(*capacity_, used_locked());
}

Result<> FakeFileSystem::sync_directory(const std::string& directory) {
  const MutexLock lock(mutex_);
  if (!directories_.contains(directory)) return not_found("sync", directory);
  TRY(strike(Operation::SyncDirectory, directory));
  std::vector<NameChange> later;
  for (auto& change : name_changes_) {
    if (parent_directory(change.path) == directory) {
      apply_durably(change);
    } else {
      later.push_back(std::move(change));
    }
  }
  name_changes_ = std::move(later);
  return {};
}

Result<std::unique_ptr<FileLock>> FakeFileSystem::lock(const std::string& path) {
  const MutexLock guard(mutex_);
  if (!locks_.emplace(path, generation_).second) {
    return fail(ErrorCode::FailedPrecondition,
                fmt::format("lock '{}': another process holds it", path));
  }
  return std::make_unique<FakeLock>(*this, path, generation_);
}

Time FakeClock::now() {
  const MutexLock lock(mutex_);
  return now_;
}

Duration FakeClock::monotonic() {
  const MutexLock lock(mutex_);
  return monotonic_;
}

void FakeClock::set(Time time) {
  const MutexLock lock(mutex_);
  now_ = time;
}

void FakeClock::advance(Duration by) {
  const MutexLock lock(mutex_);
  now_ += by;
  monotonic_ += by;
}

void FakeRandom::fill(std::span<char> out) {
  const MutexLock lock(mutex_);
  for (auto& c : out) c = static_cast<char>(engine_());
}

}  // namespace traccia::os
