// The bytes of a blob's file. Format: docs/formats/blob.md.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "crypto/block_cipher.h"

namespace traccia::blob {

inline constexpr size_t kHeaderBytes = 128;
inline constexpr size_t kBlockBytes = 64 << 10;
inline constexpr size_t kBlockSumBytes = 4;
inline constexpr size_t kSaltBytes = 32;
inline constexpr size_t kDataKeyBytes = 32;

enum class Encryption : uint32_t { None = 0, Aes256Gcm = 1 };

// What a blob's header says.
struct Header {
  Encryption encryption = Encryption::None;
  uint64_t size = 0;  // of the content, as it is stored
  std::string salt = {};
  std::optional<uint64_t> unpacked = std::nullopt;  // of packed content: its size before that

  // Of a block beside its content.
  uint64_t overhead() const {
    return kBlockSumBytes + (encryption == Encryption::None ? 0 : crypto::BlockCipher::kTagBytes);
  }
  uint64_t file_bytes() const {
    const auto blocks = (size + kBlockBytes - 1) / kBlockBytes;
    return kHeaderBytes + size + blocks * overhead();
  }
  // Where a block starts in the file.
  uint64_t block_offset(uint64_t number) const {
    return kHeaderBytes + number * (kBlockBytes + overhead());
  }
};

// Takes a blob's bytes in their order.
using Sink = std::function<Result<>(std::string_view)>;

// Header: "TRBLOB01", u32 encryption, u32 block size, u64 size, the salt, u32 packing, u64 size
// before it, zeros, CRC-32C of all before it. Then blocks, each followed by its tag, where it is
// encrypted, and its CRC-32C, which covers the block's number and the tag too. `header.size` is
// that of the bytes. They are encrypted under a key that the data key (kDataKeyBytes) and the salt,
// which must be random, make; or stored plain without a data key.
// The sink's error is returned.
Result<> render_blob(std::string_view bytes, const Header& header, std::string_view data_key,
                     const Sink& sink);
// DataLoss when it is not a header of this version.
Result<Header> parse_header(std::string_view header);

uint32_t block_sum(uint64_t number, std::string_view block);

// Of the blob's blocks.
std::string block_key(std::string_view data_key, std::string_view salt);
// What each block is bound to beside its number.
std::string block_context(const Header& header);

}  // namespace traccia::blob
