// Checksums of objects, and of multipart objects out of those of their parts ("Checking object
// integrity in Amazon S3").
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace traccia::s3 {

extern const std::string_view kChecksumsSchema;

// FullObject: of all bytes. Composite: of the parts' checksums, shown with "-N" behind it.
enum class ChecksumType : uint8_t { FullObject = 0, Composite = 1 };
std::string_view name_of(ChecksumType type);  // "FULL_OBJECT"
std::optional<ChecksumType> checksum_type_of(std::string_view name);

// Sums are bytes here, the most significant first; on the wire and in the index they are base64.
struct ChecksumAlgorithm {
  std::string_view name;   // "crc32": in headers and in the index
  std::string_view label;  // "CRC32": in elements and as a value
  size_t bytes = 0;
  std::string (*compute)(std::string_view body) = nullptr;
  // The sum of two stretches from theirs; nullptr where only Composite makes one of parts.
  std::string (*combine)(std::string_view first, std::string_view second,
                         uint64_t second_bytes) = nullptr;
  ChecksumType multipart = ChecksumType::Composite;  // where an upload does not say

  bool makes(ChecksumType type) const;  // of parts
};
std::span<const ChecksumAlgorithm> checksum_algorithms();
// nullptr for none of their names and labels.
const ChecksumAlgorithm* find_checksum(std::string_view name);

// S3 adds this one where the client chose none.
inline constexpr std::string_view kDefaultChecksum = "crc64nvme";

// What an upload's parts are summed with.
struct UploadChecksum {
  std::string algorithm;  // a name; empty: none, of uploads from before
  ChecksumType type = ChecksumType::FullObject;
  bool chosen = false;  // by who began the upload
};

struct PartChecksum {
  std::string sum;  // base64
  uint64_t bytes = 0;
};
// The object's, in base64, without "-N". DataLoss for a sum that is none.
Result<std::string> checksum_of_parts(const UploadChecksum& upload,
                                      std::span<const PartChecksum> parts);

// The numbers and sums of a composite object's parts, as the index keeps them: "1:SUM 2:SUM …"
using PartSums = std::vector<std::pair<int, std::string>>;
std::string encode_part_sums(const PartSums& sums);
Result<PartSums> decode_part_sums(std::string_view text);

}  // namespace traccia::s3
