// Renders and checks blob files.
// SPDX-License-Identifier: Apache-2.0
#include "blob/format.h"

#include <fmt/format.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "compress/compress.h"
#include "crypto/crypto.h"

namespace traccia::blob {
namespace {

constexpr std::string_view kMagic = "TRBLOB01";
constexpr size_t kPackingOffset = 56;
constexpr uint32_t kZstdFrames = 1;
constexpr uint64_t kContentBytesMax = 1ULL << 48;
constexpr std::string_view kBlockKey = "traccia blob key 1\n";

void append_header(std::string& out, const Header& header) {
  out += kMagic;
  append_u32(out, static_cast<uint32_t>(header.encryption));
  append_u32(out, kBlockBytes);
  append_u64(out, header.size);
  out += header.salt;
  out.resize(kPackingOffset, '\0');
  append_u32(out, header.unpacked ? kZstdFrames : 0);
  append_u64(out, header.unpacked.value_or(0));
  out.resize(kHeaderBytes - 4, '\0');
  append_u32(out, compress::crc32c(out));
}

}  // namespace

uint32_t block_sum(uint64_t number, std::string_view block) {
  std::string head;
  append_u64(head, number);
  return compress::crc32c(block, compress::crc32c(head));
}

std::string block_key(std::string_view data_key, std::string_view salt) {
  TRACCIA_ASSERT(data_key.size() == kDataKeyBytes && salt.size() == kSaltBytes);
  return crypto::hmac_sha256(data_key, std::string(kBlockKey).append(salt));
}

std::string block_context(const Header& header) {
  std::string out;
  append_u64(out, header.size);
  return out;
}

Result<> render_blob(std::string_view bytes, const Header& header, std::string_view data_key,
                     const Sink& sink) {
  TRACCIA_ASSERT(bytes.size() == header.size);
  std::optional<crypto::BlockCipher> cipher;
  if (header.encryption != Encryption::None) cipher.emplace(block_key(data_key, header.salt));
  const auto context = block_context(header);
  std::string out;
  append_header(out, header);
  TRY(sink(out));
  for (uint64_t number = 0; !bytes.empty(); ++number) {
    const auto block = bytes.substr(0, kBlockBytes);
    out.clear();
    if (cipher) {
      cipher->seal(number, block, context, out);
    } else {
      out += block;
    }
    append_u32(out, block_sum(number, out));
    TRY(sink(out));
    bytes.remove_prefix(block.size());
  }
  return {};
}

Result<Header> parse_header(std::string_view header) {
  if (header.size() != kHeaderBytes || !header.starts_with(kMagic)) {
    return fail(ErrorCode::DataLoss, "not the header of a blob");
  }
  ByteReader reader(header.substr(kMagic.size()));
  TRY_ASSIGN(const auto encryption, reader.u32());
  TRY_ASSIGN(const auto block_bytes, reader.u32());
  Header out;
  TRY_ASSIGN(out.size, reader.u64());
  TRY_ASSIGN(out.salt, reader.take(kSaltBytes));
  TRY_ASSIGN(const auto packing, reader.u32());
  TRY_ASSIGN(const auto unpacked, reader.u64());
  if (packing != 0) out.unpacked = unpacked;
  ByteReader tail(header.substr(kHeaderBytes - 4));
  TRY_ASSIGN(const auto sum, tail.u32());
  if (sum != compress::crc32c(header.substr(0, kHeaderBytes - 4))) {
    return fail(ErrorCode::DataLoss, "the header's checksum does not match");
  }
  if (encryption > static_cast<uint32_t>(Encryption::Aes256Gcm) || block_bytes != kBlockBytes ||
      packing > kZstdFrames || out.size > kContentBytesMax || unpacked > kContentBytesMax) {
    return fail(ErrorCode::DataLoss,
                fmt::format("header of an unknown kind (encryption {}, blocks of {}, size {})",
                            encryption, block_bytes, out.size));
  }
  out.encryption = static_cast<Encryption>(encryption);
  return out;
}

}  // namespace traccia::blob
