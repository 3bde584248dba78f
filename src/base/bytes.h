// Byte strings and their text forms: hex, base64, percent-encoding; little-endian integers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace traccia {

using ByteView = std::span<const std::byte>;

inline ByteView as_byte_view(std::string_view text) {
  return std::as_bytes(std::span(text));
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Lower-case hexadecimal.
std::string hex_encode(std::string_view bytes);
Result<std::string> hex_decode(std::string_view text);

// RFC 4648 base64 with padding; decode is strict (no whitespace, padding required).
std::string base64_encode(std::string_view bytes);
Result<std::string> base64_decode(std::string_view text);

// RFC 3986 percent-encoding as SigV4 wants it: unreserved characters stay, upper-case hex.
enum class KeepSlash { No, Yes };
std::string percent_encode(std::string_view text, KeepSlash keep_slash);
// Refuses truncated or non-hex escapes. Plus stays plus.
Result<std::string> percent_decode(std::string_view text);

// "512MiB", "64GiB", "2TiB": a whole number and a binary unit (MiB, GiB, TiB).
Result<uint64_t> parse_byte_count(std::string_view text);

// Compares without leaking the position of the first difference. Lengths are not secret.
bool constant_time_equal(std::string_view a, std::string_view b);

inline void append_u32(std::string& out, uint32_t value) {
  char raw[4];
  std::memcpy(raw, &value, 4);  // every supported machine is little-endian
  out.append(raw, 4);
}
inline void append_u64(std::string& out, uint64_t value) {
  char raw[8];
  std::memcpy(raw, &value, 8);
  out.append(raw, 8);
}

// Bounded reader over outside bytes: every read fails with DataLoss past the end.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}
  size_t offset() const { return offset_; }
  size_t remaining() const { return bytes_.size() - offset_; }
  Result<std::string_view> take(size_t count);
  Result<uint8_t> u8();
  Result<uint32_t> u32();
  Result<uint64_t> u64();
  // A u32 length followed by as many bytes.
  Result<std::string_view> block();

 private:
  std::string_view bytes_;
  size_t offset_ = 0;
};

// The writer's side of ByteReader::block.
inline void append_block(std::string& out, std::string_view bytes) {
  append_u32(out, static_cast<uint32_t>(bytes.size()));
  out.append(bytes);
}

}  // namespace traccia
