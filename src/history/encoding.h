// Small encodings of segments: variable-length numbers and units that carry their checksum.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "compress/compress.h"

namespace traccia::history {

// Seven bits a byte, lowest first; the high bit says that another byte follows.
inline void append_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

inline uint64_t zigzag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
inline int64_t unzigzag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

// Reads numbers; past the end or on an overlong one it gives zeros and failed() stays true.
class VarintReader {
 public:
  explicit VarintReader(std::string_view bytes) : at_(bytes.data()), end_(at_ + bytes.size()) {}

  uint64_t next() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && at_ != end_; shift += 7) {
      const auto byte = static_cast<unsigned char>(*at_++);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    failed_ = true;
    return 0;
  }
  std::string_view take(uint64_t count) {
    if (count > static_cast<uint64_t>(end_ - at_)) {
      failed_ = true;
      return {};
    }
    const std::string_view out(at_, count);
    at_ += count;
    return out;
  }
  bool at_end() const { return at_ == end_; }
  bool failed() const { return failed_; }

 private:
  const char* at_;
  const char* end_;
  bool failed_ = false;
};

inline constexpr size_t kChecksumBytes = 4;

// Appends `payload` and its CRC-32C; the bytes appended.
inline uint32_t append_unit(std::string& out, std::string_view payload) {
  out.append(payload);
  append_u32(out, compress::crc32c(payload));
  return static_cast<uint32_t>(payload.size() + kChecksumBytes);
}

}  // namespace traccia::history
