// Numbers in as few bits as they need, for lists in segments.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace traccia::history {

inline constexpr unsigned kRiceBitsMax = 31;

// Bits from the highest of each byte down; the last byte is filled with zeros. Owned by one thread.
class BitWriter {
 public:
  explicit BitWriter(std::string& out) : out_(out) {}
  ~BitWriter() {
    if (count_ > 0) out_.push_back(static_cast<char>(held_ << (8 - count_)));
  }
  BitWriter(const BitWriter&) = delete;
  BitWriter& operator=(const BitWriter&) = delete;

  // `width` up to 32.
  void append(uint32_t value, unsigned width) {
    held_ = held_ << width | value;
    for (count_ += width; count_ >= 8;) out_.push_back(static_cast<char>(held_ >> (count_ -= 8)));
  }
  // Rice code: value >> width zeros, a one, the lowest bits.
  void append_rice(uint32_t value, unsigned width) {
    for (auto zeros = value >> width; zeros > 0;) {
      const auto some = zeros < 32 ? zeros : 32;
      append(0, some);
      zeros -= some;
    }
    append(1, 1);
    append(value & ((uint32_t{1} << width) - 1), width);
  }

 private:
  std::string& out_;
  uint64_t held_ = 0;
  unsigned count_ = 0;
};

// Past the end it gives zeros and failed() stays true.
class BitReader {
 public:
  explicit BitReader(std::string_view bytes) : at_(bytes.data()), end_(at_ + bytes.size()) {}

  uint32_t next(unsigned width) {
    if (width == 0) return 0;
    refill();
    if (width > count_) return fail();
    const auto value = static_cast<uint32_t>(held_ >> (64 - width));
    drop(width);
    return value;
  }
  uint32_t next_rice(unsigned width) {
    uint64_t zeros = 0;
    while (true) {
      refill();
      if (count_ == 0) return fail();
      const auto here = static_cast<unsigned>(std::countl_zero(held_));
      if (here < count_) {
        zeros += here;
        drop(here + 1);
        break;
      }
      zeros += count_;
      drop(count_);
    }
    const auto value = zeros << width | next(width);
    return value > UINT32_MAX ? fail() : static_cast<uint32_t>(value);
  }
  bool failed() const { return failed_; }
  // Whether nothing but the last byte's filling is left.
  bool at_end() {
    refill();
    return !failed_ && count_ < 8 && held_ == 0;
  }

 private:
  void refill() {
    while (count_ <= 56 && at_ != end_) {
      held_ |= uint64_t{static_cast<unsigned char>(*at_++)} << (56 - count_);
      count_ += 8;
    }
  }
  void drop(unsigned width) {
    held_ = width == 64 ? 0 : held_ << width;
    count_ -= width;
  }
  uint32_t fail() {
    failed_ = true;
    return 0;
  }

  const char* at_;
  const char* end_;
  uint64_t held_ = 0;  // from the highest bit
  unsigned count_ = 0;
  bool failed_ = false;
};

// The width with which values of this sum take about the fewest bits.
inline unsigned rice_width(uint64_t sum, uint64_t count) {
  const auto mean = count == 0 ? 0 : sum * 7 / 10 / count;
  const auto width = static_cast<unsigned>(std::bit_width(mean));
  return width < kRiceBitsMax ? width : kRiceBitsMax;
}

}  // namespace traccia::history
