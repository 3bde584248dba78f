// The table of algorithms, and what makes one sum of many.
// SPDX-License-Identifier: Apache-2.0
#include "s3/checksums.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/assert.h"
#include "base/bytes.h"
#include "compress/compress.h"
#include "crypto/crypto.h"

namespace traccia::s3 {

const std::string_view kChecksumsSchema = R"sql(
ALTER TABLE s3_uploads ADD COLUMN algorithm TEXT NOT NULL DEFAULT '';    -- "crc64nvme"; '': none
ALTER TABLE s3_uploads ADD COLUMN composite INTEGER NOT NULL DEFAULT 0;  -- s3::ChecksumType
ALTER TABLE s3_uploads ADD COLUMN chosen INTEGER NOT NULL DEFAULT 0;     -- by the client
ALTER TABLE s3_parts ADD COLUMN checksum TEXT NOT NULL DEFAULT '';       -- base64
)sql";

namespace {

template <typename T>
std::string big_endian(T value) {
  std::string out(sizeof(T), '\0');
  for (size_t i = 0; i < sizeof(T); ++i) {
    out[sizeof(T) - 1 - i] = static_cast<char>(value >> (8 * i) & 0xFF);
  }
  return out;
}

template <typename T>
T number_of(std::string_view bytes) {
  TRACCIA_ASSERT(bytes.size() == sizeof(T));
  T out = 0;
  for (const char c : bytes) out = static_cast<T>(out << 8) | static_cast<unsigned char>(c);
  return out;
}

template <typename T, T (*Combine)(T, T, uint64_t)>
std::string combined(std::string_view first, std::string_view second, uint64_t second_bytes) {
  return big_endian(Combine(number_of<T>(first), number_of<T>(second), second_bytes));
}

constexpr ChecksumAlgorithm kAlgorithms[] = {
    {"crc32", "CRC32", 4, [](std::string_view body) { return big_endian(compress::crc32(body)); },
     combined<uint32_t, compress::crc32_combine>},
    {"crc32c", "CRC32C", 4,
     [](std::string_view body) { return big_endian(compress::crc32c(body)); },
     combined<uint32_t, compress::crc32c_combine>},
    {"crc64nvme", "CRC64NVME", 8,
     [](std::string_view body) { return big_endian(compress::crc64nvme(body)); },
     combined<uint64_t, compress::crc64nvme_combine>, ChecksumType::FullObject},
    {"sha1", "SHA1", 20, crypto::sha1},
    {"sha256", "SHA256", 32, crypto::sha256}};

std::unexpected<Error> broken() {
  return fail(ErrorCode::DataLoss, "the index holds a broken checksum of a part");
}

}  // namespace

std::string_view name_of(ChecksumType type) {
  return type == ChecksumType::Composite ? "COMPOSITE" : "FULL_OBJECT";
}

std::optional<ChecksumType> checksum_type_of(std::string_view name) {
  for (const auto type : {ChecksumType::FullObject, ChecksumType::Composite}) {
    if (name == name_of(type)) return type;
  }
  return std::nullopt;
}

bool ChecksumAlgorithm::makes(ChecksumType type) const {
  // CRC64NVME is always of the full object.
  return type == multipart || (combine != nullptr && multipart == ChecksumType::Composite);
}

std::span<const ChecksumAlgorithm> checksum_algorithms() {
  return kAlgorithms;
}

const ChecksumAlgorithm* find_checksum(std::string_view name) {
  const auto* const at = std::ranges::find_if(
      kAlgorithms, [&](const auto& one) { return one.name == name || one.label == name; });
  return at == std::end(kAlgorithms) ? nullptr : at;
}

Result<std::string> checksum_of_parts(const UploadChecksum& upload,
                                      std::span<const PartChecksum> parts) {
  const auto* algorithm = find_checksum(upload.algorithm);
  TRACCIA_ASSERT(algorithm != nullptr && algorithm->makes(upload.type) && !parts.empty());
  std::string whole;
  for (const auto& part : parts) {
    const auto sum = base64_decode(part.sum);
    if (!sum || sum->size() != algorithm->bytes) return broken();
    if (upload.type == ChecksumType::Composite || whole.empty()) {
      whole += *sum;
    } else {
      whole = algorithm->combine(whole, *sum, part.bytes);
    }
  }
  if (upload.type == ChecksumType::Composite) whole = algorithm->compute(whole);
  return base64_encode(whole);
}

std::string encode_part_sums(const PartSums& sums) {
  std::string out;
  for (const auto& [number, sum] : sums) {
    fmt::format_to(std::back_inserter(out), "{}{}:{}", out.empty() ? "" : " ", number, sum);
  }
  return out;
}

Result<PartSums> decode_part_sums(std::string_view text) {
  PartSums sums;
  while (!text.empty()) {
    const auto one = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(one.size() + 1, text.size()));
    const auto colon = std::min(one.find(':'), one.size());
    int number = 0;
    if (colon == 0 ||
        std::from_chars(one.data(), one.data() + colon, number).ptr != one.data() + colon ||
        colon + 1 >= one.size()) {
      return broken();
    }
    sums.emplace_back(number, one.substr(colon + 1));
  }
  return sums;
}

}  // namespace traccia::s3
