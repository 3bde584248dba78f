// Reads a sealed segment from end to end: are its entries whole and undamaged?
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "os/os.h"
#include "wal/wal.h"

namespace traccia::wal {

// In pieces and in order, each byte once, with one piece in memory. Owned by one thread.
class SegmentCheck {
 public:
  // Small, so that the time that a piece takes is seldom that of other threads.
  static constexpr size_t kPieceBytes = 256 << 10;
  static constexpr size_t kReadAheadBytes = 8 << 20;  // in the kernel's memory

  SegmentCheck(std::string path, Position start, Position end);

  // Checks a piece. False when that was the last.
  bool step(os::FileSystem& files);
  uint64_t bytes_checked() const { return at_ - start_; }
  // What was found so far, when places is not 0.
  const Damage& damage() const { return damage_; }

 private:
  // Takes what it can from the front of the bytes, which are at at_. False at damage that hides
  // where the next entry is.
  bool take(std::string_view& bytes);
  Result<> read_piece(os::FileSystem& files, uint64_t bytes);
  // Of the entry at entry_.
  void note_damage(Position end, std::string_view what);
  bool give_up(std::string_view what);

  Damage damage_;
  std::shared_ptr<os::File> file_;
  Position start_;
  Position end_;
  Position at_;
  std::string buffer_;
  // The entry whose payload is being read.
  Position entry_;
  Position entry_end_;
  uint64_t payload_left_ = 0;
  uint32_t crc_ = 0;
  uint32_t expected_crc_ = 0;
};

}  // namespace traccia::wal
