// Opening a log that a crash may have left: finds its end, tells torn tails from corruption.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <span>

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

// The last segment, as recovery walks it. In memory is what the unbroken run needs, not what lies
// behind it: most of a file that was written before it is used.
class Walk {
 public:
  Walk(os::File& file, uint64_t size, Position start)
      : file_(file), size_(size), start_(start), at_(start) {}

  Position at() const { return at_; }
  // The file up to the end of the run, at least.
  std::string_view bytes() const { return bytes_; }

  // Moves behind the last entry of the unbroken run.
  Result<> run() {
    while (true) {
      TRY_ASSIGN(const auto next, next_entry());
      if (!next) return {};
      at_ = *next;
    }
  }

  // A later entry that was written when the bytes at at() were durable already.
  Result<std::optional<Position>> proof_of_loss() {
    std::string piece;
    auto offset = offset_of(at_) + kEntryAlignment;
    for (; offset + kEntryHeaderBytes <= size_; offset += kPieceBytes) {
      // A header that reaches into the next piece is looked at with this one.
      piece.resize(std::min(kPieceBytes + kEntryHeaderBytes - kEntryAlignment, size_ - offset));
      TRY_ASSIGN(const auto count, file_.read_at(offset, piece));
      piece.resize(count);
      for (auto in = piece.find(kEntryMarkerBytes); in != std::string::npos;
           in = piece.find(kEntryMarkerBytes, in + 1)) {
        if ((offset + in) % kEntryAlignment != 0) continue;
        const auto position = start_ + (offset + in - kSegmentHeaderBytes);
        const auto header =
            parse_entry_header(std::string_view(piece).substr(in, kEntryHeaderBytes), position);
        if (!header || header->group_start <= at_) continue;
        TRY_ASSIGN(const bool whole, payload_valid(offset + in + kEntryHeaderBytes, *header));
        if (whole) return position;
      }
    }
    return std::nullopt;
  }

 private:
  static constexpr uint64_t kPieceBytes = 1 << 20;

  uint64_t offset_of(Position position) const { return kSegmentHeaderBytes + (position - start_); }

  // Where the entry at at() ends. The file may have been another segment: what that left says that
  // less was durable than this one starts with.
  Result<std::optional<Position>> next_entry() {
    const auto offset = offset_of(at_);
    TRY(read_up_to(offset + kEntryHeaderBytes));
    if (bytes_.size() < offset + kEntryHeaderBytes) return std::nullopt;
    const auto header =
        parse_entry_header(std::string_view(bytes_).substr(offset, kEntryHeaderBytes), at_);
    if (!header || header->group_start < start_) return std::nullopt;
    const auto payload = offset + kEntryHeaderBytes;
    if (header->length > size_ - std::min(size_, payload)) return std::nullopt;
    TRY(read_up_to(payload + header->length));
    if (bytes_.size() < payload + header->length) return std::nullopt;
    const auto crc = compress::crc32c(std::string_view(bytes_).substr(payload, header->length));
    if (crc != header->payload_crc) return std::nullopt;
    return at_ + entry_extent(header->length);
  }

  Result<> read_up_to(uint64_t end) {
    while (bytes_.size() < std::min(end, size_)) {
      const auto before = bytes_.size();
      bytes_.resize(std::min(size_, before + kPieceBytes));
      TRY_ASSIGN(const auto count, file_.read_at(before, std::span(bytes_).subspan(before)));
      bytes_.resize(before + count);
      if (count == 0) return {};
    }
    return {};
  }

  Result<bool> payload_valid(uint64_t offset, const EntryHeader& header) {
    if (header.length > size_ - offset) return false;
    std::string payload(header.length, '\0');
    TRY_ASSIGN(const auto count, file_.read_at(offset, payload));
    return count == payload.size() && compress::crc32c(payload) == header.payload_crc;
  }

  os::File& file_;
  uint64_t size_;
  Position start_;
  Position at_;
  std::string bytes_;
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
  Walk walk(*file, size, segment.start);
  TRY(walk.run());
  const auto end_offset = kSegmentHeaderBytes + (walk.at() - segment.start);
  TRY_ASSIGN(const auto proof, walk.proof_of_loss());
  if (proof) {
    return fail(
        ErrorCode::DataLoss,
        fmt::format("'{}' at byte {}: the entry is damaged, and the one at byte {} shows "
                    "that it was durable; restore the file or remove what follows",
                    segment.path, end_offset, kSegmentHeaderBytes + (*proof - segment.start)));
  }
  if (end_offset < size) TRY(file->truncate(end_offset));
  // What a killed process wrote and did not sync is read from here on, so it must stay. After a
  // failed sync the kernel takes pages for written that are not: written again they are synced.
  TRY(file->write_at(0, walk.bytes().substr(0, end_offset)));
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
