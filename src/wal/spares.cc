// Spare segment files: prepared ahead, or kept from segments that were cut.
// SPDX-License-Identifier: Apache-2.0
#include "wal/spares.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace traccia::wal {
namespace {

constexpr std::string_view kPrefix = "spare-";

}  // namespace

Result<> Spares::adopt(const std::vector<os::DirectoryEntry>& names) {
  const MutexLock lock(mutex_);
  bool changed = false;
  for (const auto& [name, is_directory] : names) {
    if (!name.starts_with(kPrefix)) continue;
    uint64_t number = 0;
    const auto* end = name.data() + name.size();
    if (std::from_chars(name.data() + kPrefix.size(), end, number).ptr != end) continue;
    next_number_ = std::max(next_number_, number + 1);
    Spare spare{fmt::format("{}/{}", directory_, name), nullptr};
    TRY_ASSIGN(spare.file, files_.open(spare.path, os::OpenMode::ReadWrite));
    TRY_ASSIGN(const auto size, spare.file->size());
    changed = true;
    if (size == bytes_ && ready_.size() < kSparesMax) {
      ready_.push_back(std::move(spare));
    } else {
      TRY(files_.remove(spare.path));
    }
  }
  // Before it is written over it must have lost the name it had as a segment.
  if (changed) TRY(files_.sync_directory(directory_));
  return {};
}

std::optional<Spare> Spares::take() {
  const MutexLock lock(mutex_);
  if (ready_.empty()) return std::nullopt;
  auto spare = std::move(ready_.front());
  ready_.pop_front();
  return spare;
}

bool Spares::empty() const {
  const MutexLock lock(mutex_);
  return ready_.empty();
}

bool Spares::full() const {
  const MutexLock lock(mutex_);
  return ready_.size() >= kSparesMax;
}

std::string Spares::next_path() {
  const MutexLock lock(mutex_);
  return fmt::format("{}/{}{}", directory_, kPrefix, next_number_++);
}

// Synced piece by piece, so that the log's own syncs find little before them on the disk.
Result<> Spares::write_piece() {
  if (!partial_) {
    const auto path = next_path();
    TRY_ASSIGN(std::shared_ptr<os::File> file, files_.open(path, os::OpenMode::CreateNew));
    partial_ = {path, std::move(file)};
  }
  uint64_t at = 0;
  {
    const MutexLock lock(mutex_);
    at = written_;
  }
  const auto end = std::min(bytes_, at + kPieceBytesMax);
  TRY(partial_->file->write_at(at, std::string(end - at, '\0')));
  TRY(partial_->file->sync_data());
  const MutexLock lock(mutex_);
  written_ = end;
  if (end < bytes_) return {};
  ready_.push_back(std::move(*partial_));
  partial_.reset();
  written_ = 0;
  return {};
}

Result<> Spares::prepare() {
  auto done = write_piece();
  if (done) return done;
  (void)give_up();  // the first error tells more
  return std::unexpected(std::move(done).error().with_context("prepare a segment of the log"));
}

// A file that cannot be removed is left to the next start, and counts no more.
Result<> Spares::give_up() {
  if (!partial_) return {};
  const auto path = std::exchange(partial_, std::nullopt)->path;
  {
    const MutexLock lock(mutex_);
    written_ = 0;
  }
  return files_.remove(path);
}

Result<> Spares::keep(const std::string& path) {
  TRY_ASSIGN(std::shared_ptr<os::File> file, files_.open(path, os::OpenMode::ReadWrite));
  TRY_ASSIGN(const auto size, file->size());
  if (size < bytes_ || full()) return files_.remove(path);
  if (size > bytes_) TRY(file->truncate(bytes_));
  const MutexLock lock(mutex_);
  ready_.push_back({path, std::move(file)});
  return {};
}

uint64_t Spares::bytes_missing() const {
  const MutexLock lock(mutex_);
  return bytes_ - written_;
}

uint64_t Spares::disk_bytes() const {
  const MutexLock lock(mutex_);
  return ready_.size() * bytes_ + written_;
}

}  // namespace traccia::wal
