// Text forms of bytes, and the bounded reader.
// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"

#include <fmt/format.h>

#include <charconv>

namespace traccia {
namespace {

constexpr std::string_view kHexLower = "0123456789abcdef";
constexpr std::string_view kHexUpper = "0123456789ABCDEF";
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

int base64_value(char c) {
  const auto at = kBase64.find(c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

bool unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '~';
}

}  // namespace

std::string hex_encode(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kHexLower[byte >> 4];
    out += kHexLower[byte & 15];
  }
  return out;
}

Result<std::string> hex_decode(std::string_view text) {
  if (text.size() % 2 != 0) return fail(ErrorCode::InvalidArgument, "hex text has odd length");
  std::string out;
  out.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) {
      return fail(ErrorCode::InvalidArgument, fmt::format("not hex at offset {}", i));
    }
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

std::string base64_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    for (size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (size_t j = 0; j < 4; ++j) {
      out += j <= count ? kBase64[group >> (18 - 6 * j) & 63] : '=';
    }
  }
  return out;
}

Result<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) {
    return fail(ErrorCode::InvalidArgument, "base64 length is not a multiple of 4");
  }
  size_t padding = 0;
  if (text.ends_with("==")) {
    padding = 2;
  } else if (text.ends_with("=")) {
    padding = 1;
  }
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (size_t i = 0; i < text.size(); i += 4) {
    uint32_t group = 0;
    for (size_t j = 0; j < 4; ++j) {
      const bool pad = i + j >= text.size() - padding;
      const int value = pad ? 0 : base64_value(text[i + j]);
      if (value < 0) {
        return fail(ErrorCode::InvalidArgument, fmt::format("not base64 at offset {}", i + j));
      }
      group = group << 6 | static_cast<uint32_t>(value);
    }
    const size_t count = i + 4 == text.size() ? 3 - padding : 3;
    for (size_t j = 0; j < count; ++j) out += static_cast<char>(group >> (16 - 8 * j) & 255);
  }
  return out;
}

std::string percent_encode(std::string_view text, KeepSlash keep_slash) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (unreserved(c) || (c == '/' && keep_slash == KeepSlash::Yes)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHexUpper[byte >> 4];
      out += kHexUpper[byte & 15];
    }
  }
  return out;
}

Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
    if (low < 0) {
      return fail(ErrorCode::InvalidArgument, fmt::format("bad percent escape at offset {}", i));
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

bool constant_time_equal(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference |=
        static_cast<unsigned char>(a[i]) ^ static_cast<unsigned>(static_cast<unsigned char>(b[i]));
  }
  return difference == 0;
}

Result<std::string_view> ByteReader::take(size_t count) {
  if (count > remaining()) {
    return fail(ErrorCode::DataLoss,
                fmt::format("needs {} bytes at offset {}, {} left", count, offset_, remaining()));
  }
  const auto view = bytes_.substr(offset_, count);
  offset_ += count;
  return view;
}

Result<uint8_t> ByteReader::u8() {
  TRY_ASSIGN(const auto raw, take(1));
  return static_cast<uint8_t>(raw[0]);
}

Result<uint32_t> ByteReader::u32() {
  TRY_ASSIGN(const auto raw, take(4));
  uint32_t value = 0;
  std::memcpy(&value, raw.data(), 4);
  return value;
}

Result<uint64_t> ByteReader::u64() {
  TRY_ASSIGN(const auto raw, take(8));
  uint64_t value = 0;
  std::memcpy(&value, raw.data(), 8);
  return value;
}

Result<std::string_view> ByteReader::block() {
  TRY_ASSIGN(const auto size, u32());
  return take(size);
}

Result<uint64_t> parse_byte_count(std::string_view text) {
  uint64_t count = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit(end, text.data() + text.size());
  const unsigned shift = unit == "MiB" ? 20 : unit == "GiB" ? 30 : unit == "TiB" ? 40 : 0;
  if (code != std::errc() || shift == 0 || count < 1 || count > 1'000'000) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("'{}' is not a size such as 512MiB, 64GiB or 2TiB", text));
  }
  return count << shift;
}

}  // namespace traccia
