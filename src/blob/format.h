// The bytes of a blob's file. Format: docs/formats/blob.md.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace traccia::blob {

inline constexpr size_t kHeaderBytes = 128;
inline constexpr size_t kBlockBytes = 64 << 10;
inline constexpr size_t kBlockSumBytes = 4;

// Header: "TRBLOB01", u32 encryption (0: none), u32 block size, u64 size, zeros for a key's name
// and a nonce, CRC-32C of all before it. Then blocks, each followed by its CRC-32C, which covers
// the block's number too.
std::string render_blob(std::string_view bytes);
// The size of the content. DataLoss when it is not a header of this version.
Result<uint64_t> parse_header(std::string_view header);

uint32_t block_sum(uint64_t number, std::string_view block);

// The file's length for a content of that size.
constexpr uint64_t file_bytes(uint64_t size) {
  const auto blocks = (size + kBlockBytes - 1) / kBlockBytes;
  return kHeaderBytes + size + blocks * kBlockSumBytes;
}
// Where a block starts in the file.
constexpr uint64_t block_offset(uint64_t number) {
  return kHeaderBytes + number * (kBlockBytes + kBlockSumBytes);
}

}  // namespace traccia::blob
