// Checking sealed segments behind the start.
// SPDX-License-Identifier: Apache-2.0
#include "wal/check.h"

#include <algorithm>
#include <optional>

#include "compress/compress.h"
#include "wal/entry.h"

namespace traccia::wal {

SegmentCheck::SegmentCheck(std::string path, Position start, Position end)
    : start_(start),
      end_(end),
      at_(start),
      buffer_(std::min<uint64_t>(kPieceBytes, end - start), '\0'),
      entry_(start),
      entry_end_(start) {
  damage_.path = std::move(path);
}

void SegmentCheck::note_damage(Position end, std::string_view what) {
  if (damage_.places++ == 0) {
    damage_.byte = kSegmentHeaderBytes + (entry_ - start_);
    damage_.what = what;
    damage_.position = entry_;
  }
  damage_.end = end;
}

bool SegmentCheck::give_up(std::string_view what) {
  note_damage(end_, what);
  at_ = end_;
  return false;
}

bool SegmentCheck::take(std::string_view& bytes) {
  if (payload_left_ > 0) {
    const auto piece = bytes.substr(0, payload_left_);
    crc_ = compress::crc32c(piece, crc_);
    payload_left_ -= piece.size();
    // At the end of the payload, behind its padding.
    const auto to = payload_left_ > 0 ? at_ + piece.size() : entry_end_;
    if (payload_left_ == 0 && crc_ != expected_crc_) {
      note_damage(entry_end_, "the entry's checksum does not match");
    }
    bytes.remove_prefix(std::min(bytes.size(), to - at_));
    at_ = to;
    return true;
  }
  entry_ = at_;
  const auto header = parse_entry_header(bytes.substr(0, kEntryHeaderBytes), at_);
  if (!header || header->group_start < start_) return give_up("not an entry's header");
  entry_end_ = at_ + entry_extent(header->length);
  if (entry_end_ > end_) return give_up("the entry reaches beyond the segment");
  payload_left_ = header->length;
  crc_ = 0;
  expected_crc_ = header->payload_crc;
  at_ += kEntryHeaderBytes;
  bytes.remove_prefix(kEntryHeaderBytes);
  return true;
}

Result<> SegmentCheck::read_piece(os::FileSystem& files, uint64_t bytes) {
  const bool first = !file_;
  if (first) {
    TRY_ASSIGN(file_, files.open(damage_.path, os::OpenMode::ReadOnly));
  }
  const auto offset = kSegmentHeaderBytes + (at_ - start_);
  TRY_ASSIGN(const auto count, file_->read_at(offset, {buffer_.data(), bytes}));
  if (count < bytes) return fail(ErrorCode::DataLoss, "the file ends too early");
  // Fetched while this piece is checked, and while the thread leaves the CPU to others. Each byte
  // is asked for once.
  if (first) {
    file_->read_ahead(offset + bytes, kReadAheadBytes);
  } else {
    file_->read_ahead(offset + kReadAheadBytes, bytes);
  }
  return {};
}

bool SegmentCheck::step(os::FileSystem& files) {
  const auto wanted = std::min<uint64_t>(buffer_.size(), end_ - at_);
  if (const auto done = read_piece(files, wanted); !done) {
    if (payload_left_ == 0) entry_ = at_;
    return give_up(done.error().message());
  }
  std::string_view bytes(buffer_.data(), wanted);
  // A header that the piece cuts is read with the next one, unless the segment ends there.
  while (!bytes.empty() && (payload_left_ > 0 || bytes.size() >= kEntryHeaderBytes ||
                            end_ - at_ < kEntryHeaderBytes)) {
    if (!take(bytes)) return false;
  }
  return at_ < end_;
}

// What was cut meanwhile need not be checked.
std::optional<Wal::Segment> Wal::next_to_check() {
  const MutexLock lock(mutex_);
  while (!to_check_.empty()) {
    const auto at = segments_.find(to_check_.front());
    if (at != segments_.end() && !at->second.cut) return at->second;
    to_check_.pop_front();
    checking_.reset();
  }
  check_.bytes = check_.bytes_checked;
  return std::nullopt;
}

bool Wal::check_next() {
  const auto segment = next_to_check();
  if (!segment) return false;
  if (!checking_) {
    checking_ = std::make_unique<SegmentCheck>(segment->path, segment->start, segment->end);
  }
  const auto before = checking_->bytes_checked();
  const bool more = checking_->step(files_);
  const MutexLock lock(mutex_);
  check_.bytes_checked += checking_->bytes_checked() - before;
  const auto at = segments_.find(segment->start);
  // If it is cut by now, its file may hold other entries.
  if (checking_->damage().places > 0 && at != segments_.end() && !at->second.cut) {
    const auto& damage = checking_->damage();
    if (check_.damages.empty() || check_.damages.back().path != damage.path) {
      check_.damages.push_back(damage);
    } else {
      check_.damages.back() = damage;
    }
  }
  if (!more) {
    checking_.reset();
    to_check_.pop_front();
  }
  return true;
}

CheckState Wal::check_state() const {
  const MutexLock lock(mutex_);
  return check_;
}

}  // namespace traccia::wal
