// Opening a log that a crash may have left: finds its end, tells torn tails from corruption.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "compress/compress.h"
#include "wal/entry.h"
#include "wal/wal.h"

namespace traccia::wal {
namespace {

constexpr std::string_view kSuffix = ".wal";
constexpr size_t kNameDigits = 20;

std::optional<Position> parse_name(std::string_view name) {
  if (name.size() != kNameDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  Position start = 0;
  const auto* end = name.data() + kNameDigits;
  const auto [at, code] = std::from_chars(name.data(), end, start);
  if (code != std::errc() || at != end) return std::nullopt;
  return start;
}

// A whole segment in memory, as recovery walks it.
class Walk {
 public:
  Walk(std::string_view bytes, Position start) : bytes_(bytes), start_(start), at_(start) {}

  Position at() const { return at_; }

  // The header of a whole, undamaged entry at `position`. The file may have been another segment:
  // what that left says that less was durable than this one starts with.
  std::optional<EntryHeader> entry_at(Position position) const {
    const auto offset = kSegmentHeaderBytes + (position - start_);
    if (offset + kEntryHeaderBytes > bytes_.size()) return std::nullopt;
    const auto header = parse_entry_header(bytes_.substr(offset, kEntryHeaderBytes), position);
    if (!header || header->group_start < start_) return std::nullopt;
    const auto rest = bytes_.substr(offset + kEntryHeaderBytes);
    if (header->length > rest.size()) return std::nullopt;
    if (compress::crc32c(rest.substr(0, header->length)) != header->payload_crc) {
      return std::nullopt;
    }
    return header;
  }

  // Moves behind the last entry of the unbroken run.
  void run() {
    while (const auto header = entry_at(at_)) at_ += entry_extent(header->length);
  }

  // A later entry that was written when the bytes at at() were durable already.
  std::optional<Position> proof_of_loss() const {
    auto offset = kSegmentHeaderBytes + (at_ - start_) + kEntryAlignment;
    while (true) {
      offset = bytes_.find(kEntryMarkerBytes, offset);
      if (offset == std::string_view::npos) return std::nullopt;
      const auto position = start_ + (offset - kSegmentHeaderBytes);
      if (position % kEntryAlignment == 0) {
        const auto header = entry_at(position);
        if (header && header->group_start > at_) return position;
      }
      ++offset;
    }
  }

 private:
  std::string_view bytes_;
  Position start_;
  Position at_;
};

}  // namespace

std::string Wal::segment_path(Position start) const {
  return fmt::format("{}/{:020}{}", directory_, start, kSuffix);
}

Result<> Wal::check_sealed(const Segment& segment) {
  TRY_ASSIGN(const auto file, files_.open(segment.path, os::OpenMode::ReadOnly));
  TRY_ASSIGN(const auto size, file->size());
  char header[kSegmentHeaderBytes];
  TRY_ASSIGN(const auto count, file->read_at(0, header));
  if (!segment_header_valid({header, count}, segment.start)) {
    return fail(ErrorCode::DataLoss,
                fmt::format("'{}' at byte 0: not the header of this segment", segment.path));
  }
  const auto needed = kSegmentHeaderBytes + (segment.end - segment.start);
  if (size < needed) {
    return fail(ErrorCode::DataLoss,
                fmt::format("'{}' ends at byte {}, but the next segment starts where byte {} was",
                            segment.path, size, needed));
  }
  return {};
}

Result<Position> Wal::recover_tail(const Segment& segment) {
  TRY_ASSIGN(const auto file, files_.open(segment.path, os::OpenMode::ReadWrite));
  TRY_ASSIGN(const auto size, file->size());
  std::string bytes(size, '\0');
  TRY_ASSIGN(const auto count, file->read_at(0, bytes));
  bytes.resize(count);
  Walk walk(bytes, segment.start);
  walk.run();
  const auto end_offset = kSegmentHeaderBytes + (walk.at() - segment.start);
  if (const auto proof = walk.proof_of_loss()) {
    return fail(
        ErrorCode::DataLoss,
        fmt::format("'{}' at byte {}: the entry is damaged, and the one at byte {} shows "
                    "that it was durable; restore the file or remove what follows",
                    segment.path, end_offset, kSegmentHeaderBytes + (*proof - segment.start)));
  }
  if (end_offset < size) TRY(file->truncate(end_offset));
  // What a killed process wrote and did not sync is read from here on, so it must stay. After a
  // failed sync the kernel takes pages for written that are not: written again they are synced.
  TRY(file->write_at(0, std::string_view(bytes).substr(0, end_offset)));
  TRY(file->sync_data());
  TRY(files_.sync_directory(directory_));
  return walk.at();
}

Result<> Wal::recover() {
  TRY_ASSIGN(const auto entries, files_.list(directory_));
  std::vector<Position> starts;
  for (const auto& entry : entries) {
    if (const auto start = parse_name(entry.name)) starts.push_back(*start);
  }
  TRY(spares_.adopt(entries));
  std::ranges::sort(starts);
  // A crash right after a segment was created can leave it without its header; it never held data.
  if (!starts.empty()) {
    TRY_ASSIGN(const auto file, files_.open(segment_path(starts.back()), os::OpenMode::ReadOnly));
    TRY_ASSIGN(const auto size, file->size());
    char header[kSegmentHeaderBytes];
    TRY_ASSIGN(const auto count, file->read_at(0, header));
    if (size <= kSegmentHeaderBytes && !segment_header_valid({header, count}, starts.back())) {
      TRY(files_.remove(segment_path(starts.back())));
      TRY(files_.sync_directory(directory_));
      starts.pop_back();
    }
  }
  if (starts.empty()) return create_segment(0);
  const MutexLock lock(mutex_);
  for (size_t i = 0; i < starts.size(); ++i) {
    Segment segment;
    segment.start = starts[i];
    segment.end = i + 1 < starts.size() ? starts[i + 1] : starts[i];
    segment.path = segment_path(starts[i]);
    TRY(check_sealed(segment));
    if (i + 1 < starts.size()) {
      to_check_.push_back(segment.start);
      check_.bytes += segment.end - segment.start;
    }
    segments_[starts[i]] = std::move(segment);
  }
  auto& last = segments_.rbegin()->second;
  TRY_ASSIGN(write_end_, recover_tail(last));
  TRY_ASSIGN(last.file, files_.open(last.path, os::OpenMode::ReadWrite));
  active_ = last.file;
  active_start_ = last.start;
  durable_end_.store(write_end_, std::memory_order_release);
  return {};
}

}  // namespace traccia::wal
