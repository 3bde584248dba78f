// Renders and checks blob files.
// SPDX-License-Identifier: Apache-2.0
#include "blob/format.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "compress/compress.h"

namespace traccia::blob {
namespace {

constexpr std::string_view kMagic = "TRBLOB01";
constexpr uint32_t kPlain = 0;

}  // namespace

uint32_t block_sum(uint64_t number, std::string_view block) {
  std::string head;
  append_u64(head, number);
  return compress::crc32c(block, compress::crc32c(head));
}

std::string render_blob(std::string_view bytes) {
  std::string out;
  out.reserve(file_bytes(bytes.size()));
  out += kMagic;
  append_u32(out, kPlain);
  append_u32(out, kBlockBytes);
  append_u64(out, bytes.size());
  out.resize(kHeaderBytes - 4, '\0');
  append_u32(out, compress::crc32c(out));
  for (uint64_t number = 0; !bytes.empty(); ++number) {
    const auto block = bytes.substr(0, kBlockBytes);
    out += block;
    append_u32(out, block_sum(number, block));
    bytes.remove_prefix(block.size());
  }
  return out;
}

Result<uint64_t> parse_header(std::string_view header) {
  if (header.size() != kHeaderBytes || !header.starts_with(kMagic)) {
    return fail(ErrorCode::DataLoss, "not the header of a blob");
  }
  ByteReader reader(header.substr(kMagic.size()));
  TRY_ASSIGN(const auto encryption, reader.u32());
  TRY_ASSIGN(const auto block_bytes, reader.u32());
  TRY_ASSIGN(const auto size, reader.u64());
  ByteReader tail(header.substr(kHeaderBytes - 4));
  TRY_ASSIGN(const auto sum, tail.u32());
  if (sum != compress::crc32c(header.substr(0, kHeaderBytes - 4))) {
    return fail(ErrorCode::DataLoss, "the header's checksum does not match");
  }
  if (encryption != kPlain || block_bytes != kBlockBytes || size > (1ULL << 48)) {
    return fail(ErrorCode::DataLoss,
                fmt::format("header of an unknown kind (encryption {}, blocks of {}, size {})",
                            encryption, block_bytes, size));
  }
  return size;
}

}  // namespace traccia::blob
