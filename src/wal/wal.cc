// Appending, group commit and reading.
// SPDX-License-Identifier: Apache-2.0
#include "wal/wal.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "compress/compress.h"
#include "wal/check.h"
#include "wal/entry.h"

namespace traccia::wal {
namespace {

constexpr size_t kOpenSegmentsMax = 16;
constexpr size_t kWriteBytesMax = 16 << 20;  // one write call of a group
constexpr uint64_t kPrepareShare = 4;        // the next segment when so much of one is used

}  // namespace

Wal::Wal(os::FileSystem& files, std::string directory, Options options)
    : files_(files),
      directory_(std::move(directory)),
      options_(options),
      recent_({options.recent_bytes_max, options.recent_read_bytes_max,
               options.recent_shared_bytes_max}),
      spares_(files, directory_, kSegmentHeaderBytes + options.segment_bytes_max) {}

Wal::~Wal() = default;

Result<std::unique_ptr<Wal>> Wal::open(os::FileSystem& files, std::string directory,
                                       Options options) {
  std::unique_ptr<Wal> wal(new Wal(files, std::move(directory), options));
  if (auto done = wal->recover(); !done) {
    return std::unexpected(std::move(done).error().with_context("open the log"));
  }
  return wal;
}

Result<> Wal::append(std::string payload, Completion completion, Room room, Decoded decoded,
                     Haste haste) {
  if (payload.size() > options_.entry_bytes_max) {
    return fail(ErrorCode::InvalidArgument, fmt::format("log entry of {} bytes; at most {} fit",
                                                        payload.size(), options_.entry_bytes_max));
  }
  TRY_ASSIGN(
      const bool tell,
      queue({std::move(payload), std::move(completion), std::move(decoded), 0}, room, haste));
  if (tell) queued_.notify_one();
  return {};
}

Result<bool> Wal::queue(Item item, Room room, Haste haste) {
  const MutexLock lock(mutex_);
  if (stopped()) {
    return fail(ErrorCode::Unavailable, "LogStopped",
                "the log stopped after a failed write; restart the server once the disk is sound");
  }
  const auto used = entry_bytes_locked() + queue_bytes_;
  const bool refuses = room == Room::Reserve ? used >= disk_limit_ &&
                                                   used - disk_limit_ >= options_.disk_reserve_bytes
                                             : disk_full_locked();
  if (!item.payload.empty() && refuses) {
    disk_refused_ = true;
    return fail(ErrorCode::ResourceExhausted, "LogDiskFull",
                fmt::format("the log has {} bytes, its limit is {}: see /healthz which sink keeps "
                            "it from being cut, free disk space or raise --log-disk-max; retry "
                            "later",
                            used, disk_limit_));
  }
  const auto limit =
      options_.queue_bytes_max + (room == Room::Reserve ? options_.reserve_bytes : 0);
  if (queue_bytes_ + item.payload.size() > limit) {
    return fail(ErrorCode::ResourceExhausted, "LogQueueFull",
                fmt::format("{} bytes wait for the disk; retry later", queue_bytes_));
  }
  queue_bytes_ += item.payload.size();
  const bool tells = queue_.empty() || haste == Haste::Some;
  hurried_ = hurried_ || haste == Haste::Some;
  queue_.push_back(std::move(item));
  return tells;
}

std::vector<Wal::Item> Wal::take_queued(Duration idle_wait) {
  const MutexLock lock(mutex_);
  const auto wakes = wakes_;
  if (queue_.empty() && idle_wait > Duration(0)) queued_.wait_for(mutex_, idle_wait);
  const auto gather_time = std::min(idle_wait, options_.gather_time);
  if (!queue_.empty() && !hurried_ && wakes == wakes_ && gather_time > Duration(0)) {
    queued_.wait_for(mutex_, gather_time);
  }
  std::vector<Item> group(std::make_move_iterator(queue_.begin()),
                          std::make_move_iterator(queue_.end()));
  queue_.clear();
  hurried_ = false;
  return group;
}

size_t Wal::step(Duration idle_wait) {
  auto group = take_queued(idle_wait);
  if (group.empty()) return 0;
  auto written = stopped() ? fail(ErrorCode::Unavailable, "LogStopped", "the log is stopped")
                           : write_group(group);
  if (!written) {
    stop_for_good(group, written.error());
    return group.size();
  }
  uint64_t bytes = 0;
  for (auto& item : group) {
    bytes += item.payload.size();
    const auto next = item.position + entry_extent(item.payload.size());
    recent_.add(item.position, next, std::move(item.decoded));
  }
  {
    const MutexLock lock(mutex_);
    queue_bytes_ -= bytes;
    durable_end_.store(write_end_, std::memory_order_release);
  }
  durable_.notify_all();
  for (auto& item : group) item.completion(item.position);
  return group.size();
}

Result<> Wal::flush(std::string& buffer) {
  if (buffer.empty()) return {};
  const auto offset = kSegmentHeaderBytes + (write_end_ - buffer.size() - active_start_);
  TRY(active_->write_at(offset, buffer));
  buffer.clear();
  return {};
}

// One sync for the group, plus one for each segment that it fills.
Result<> Wal::write_group(std::vector<Item>& group) {
  std::string buffer;
  auto group_start = write_end_;
  for (auto& item : group) {
    item.position = write_end_;
    if (item.payload.empty()) continue;
    if (segment_due()) {
      TRY(flush(buffer));
      TRY(active_->sync_data());
      TRY(create_segment(write_end_));
      group_start = write_end_;
    }
    append_entry(buffer, write_end_, group_start, item.payload);
    write_end_ += entry_extent(item.payload.size());
    if (buffer.size() >= kWriteBytesMax) TRY(flush(buffer));
  }
  TRY(flush(buffer));
  if (write_end_ == durable_end()) return {};
  return active_->sync_data();
}

// A segment that grows is left as soon as there is a better one.
bool Wal::segment_due() const {
  const auto used = write_end_ - active_start_;
  return used >= options_.segment_bytes_max || (active_grows_ && used > 0 && !spares_.empty());
}

void Wal::stop_for_good(std::vector<Item>& group, const Error& error) {
  std::deque<Item> waiting;
  {
    const MutexLock lock(mutex_);
    stopped_.store(true, std::memory_order_release);
    waiting.swap(queue_);
    queue_bytes_ = 0;
    durable_.notify_all();
  }
  const auto refusal = [&] {
    return fail(ErrorCode::Unavailable, "LogStopped", "write the log: " + error.message());
  };
  for (auto& item : group) item.completion(refusal());
  for (auto& item : waiting) item.completion(refusal());
}

Result<> Wal::create_segment(Position start) {
  const auto path = segment_path(start);
  const auto spare = spares_.take();
  std::shared_ptr<os::File> file;
  if (spare) {
    file = spare->file;
  } else {
    TRY_ASSIGN(file, files_.open(path, os::OpenMode::CreateNew));
  }
  TRY(file->write_at(0, render_segment_header(start)));
  TRY(file->sync_data());
  if (spare) TRY(files_.rename(spare->path, path));
  TRY(files_.sync_directory(directory_));
  const MutexLock lock(mutex_);
  if (!segments_.empty()) {
    auto& sealed = segments_.rbegin()->second;
    sealed.end = start;
    // Entries of the sealed segment are durable before the new one takes any.
    durable_end_.store(start, std::memory_order_release);
  }
  const auto before = spare ? kSegmentHeaderBytes + options_.segment_bytes_max : 0;
  segments_[start] = {start, 0, before, path, file, false};
  active_ = std::move(file);
  active_start_ = start;
  active_grows_ = !spare;
  return {};
}

Position Wal::begin() const {
  const MutexLock lock(mutex_);
  TRACCIA_ASSERT(!segments_.empty());
  return segments_.begin()->first;
}

void Wal::wait_beyond(Position position, Duration timeout) {
  const MutexLock lock(mutex_);
  if (durable_end() > position || stopped()) return;
  durable_.wait_for(mutex_, timeout);
}

void Wal::wake() {
  const MutexLock lock(mutex_);
  ++wakes_;
  queued_.notify_all();
  durable_.notify_all();
}

Result<std::shared_ptr<os::File>> Wal::file_of(Position start) {
  const MutexLock lock(mutex_);
  const auto found = segments_.find(start);
  if (found == segments_.end()) {
    return fail(ErrorCode::DataLoss, fmt::format("the log from {} on was cut meanwhile", start));
  }
  auto& segment = found->second;
  if (!segment.file) {
    TRY_ASSIGN(segment.file, files_.open(segment.path, os::OpenMode::ReadOnly));
    size_t open = 0;
    for (auto& [at, other] : segments_) open += other.file != nullptr;
    for (auto& [at, other] : segments_) {
      const bool active = at == segments_.rbegin()->first;
      if (open <= kOpenSegmentsMax) break;
      if (at == start || active || !other.file) continue;
      other.file = nullptr;
      --open;
    }
  }
  return segment.file;
}

Result<std::optional<Entry>> Wal::read(Position position) {
  const auto limit = durable_end();
  if (position >= limit) return std::nullopt;
  Position start = 0;
  {
    const MutexLock lock(mutex_);
    auto at = segments_.upper_bound(position);
    if (at == segments_.begin()) {
      return fail(ErrorCode::DataLoss,
                  fmt::format("log position {} lies before the oldest segment", position));
    }
    start = std::prev(at)->first;
  }
  TRY_ASSIGN(const auto file, file_of(start));
  const auto offset = kSegmentHeaderBytes + (position - start);
  const auto corrupt = [&](std::string_view what) {
    // Its file may hold other entries by now.
    if (const auto still = file_of(start); !still) return std::unexpected(still.error());
    return fail(ErrorCode::DataLoss,
                fmt::format("'{}' at byte {}: {}", segment_path(start), offset, what));
  };
  char raw[kEntryHeaderBytes];
  TRY_ASSIGN(const auto header_bytes, file->read_at(offset, raw));
  const auto header = parse_entry_header({raw, header_bytes}, position);
  if (!header) return corrupt("not an entry's header");
  if (header->length > options_.entry_bytes_max) return corrupt("entry longer than the limit");
  Entry entry{position, position + entry_extent(header->length), std::string(header->length, '\0')};
  TRY_ASSIGN(const auto count, file->read_at(offset + kEntryHeaderBytes, entry.payload));
  if (count != header->length || compress::crc32c(entry.payload) != header->payload_crc) {
    return corrupt("the entry's checksum does not match");
  }
  return entry;
}

// The oldest first, each for good before the next: a gap would look like loss to the next start.
// A file is a spare, which is written over, only once it has lost its old name for good.
Result<> Wal::remove_below(Position position) {
  while (true) {
    std::string path;
    bool keeps = false;
    {
      const MutexLock lock(mutex_);
      if (segments_.size() < 2 || segments_.begin()->second.end > position) return {};
      segments_.begin()->second.cut = true;
      path = segments_.begin()->second.path;
      keeps = !spares_.full() && disk_bytes_locked() < disk_limit_;
    }
    const bool chosen_now = keeps && moved_path_.empty();
    if (chosen_now) moved_path_ = spares_.next_path();
    auto removed = moved_path_.empty() ? files_.remove(path) : files_.rename(path, moved_path_);
    // NotFound: an earlier call came that far.
    if (!removed && removed.error().code() != ErrorCode::NotFound) return removed;
    if (!removed && chosen_now) moved_path_.clear();  // that one removed it
    TRY(files_.sync_directory(directory_));
    {
      const MutexLock lock(mutex_);
      segments_.erase(segments_.begin());
      const auto begin = segments_.begin()->first;
      std::erase_if(check_.damages, [&](const Damage& one) { return one.position < begin; });
    }
    if (!moved_path_.empty()) TRY(spares_.keep(std::exchange(moved_path_, "")));
  }
}

Result<bool> Wal::prepare() {
  bool fits = false;
  {
    const MutexLock lock(mutex_);
    if (stopped() || !spares_.empty()) return false;
    const auto& active = segments_.rbegin()->second;
    const auto used = durable_end() - active.start;
    if (active.bytes_written_before > 0 && used < options_.segment_bytes_max / kPrepareShare) {
      return false;
    }
    const auto taken = disk_bytes_locked();
    fits = taken <= disk_limit_ && disk_limit_ - taken >= spares_.bytes_missing();
  }
  if (!fits) {
    TRY(spares_.give_up());
    return false;
  }
  TRY(spares_.prepare());
  return true;
}

uint64_t Wal::entry_bytes_locked() const {
  return durable_end() - segments_.begin()->first + segments_.size() * kSegmentHeaderBytes;
}

uint64_t Wal::disk_bytes_locked() const {
  const auto& active = segments_.rbegin()->second;
  const auto used = kSegmentHeaderBytes + (durable_end() - active.start);
  const auto unused = active.bytes_written_before - std::min(active.bytes_written_before, used);
  return entry_bytes_locked() + unused + spares_.disk_bytes();
}

uint64_t Wal::disk_bytes() const {
  const MutexLock lock(mutex_);
  return disk_bytes_locked();
}

void Wal::limit_disk(uint64_t bytes) {
  const MutexLock lock(mutex_);
  disk_limit_ = bytes;
  disk_refused_ = disk_refused_ && disk_full_locked();
}

Result<> Wal::limit_to_disk(uint64_t bytes_max, uint64_t kept_free) {
  TRY_ASSIGN(const auto free, files_.free_bytes(directory_));
  uint64_t limit = 0;
  {
    const MutexLock lock(mutex_);
    const auto all = disk_bytes_locked() + free;
    limit = std::max(all - std::min(all, kept_free),
                     std::min(entry_bytes_locked(), all - std::min(all, kept_free / 2)));
  }
  limit_disk(std::min(bytes_max, limit));
  return {};
}

bool Wal::disk_full_locked() const {
  const auto used = entry_bytes_locked() + queue_bytes_;
  return used + (disk_refused_ ? options_.disk_go_on_bytes : 0) >= disk_limit_;
}

bool Wal::disk_full() const {
  const MutexLock lock(mutex_);
  return disk_full_locked();
}

}  // namespace traccia::wal
