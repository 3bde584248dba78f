// Checksums out of parts' checksums.
// SPDX-License-Identifier: Apache-2.0
#include "s3/checksums.h"

#include <gmock/gmock.h>

#include "base/bytes.h"

namespace traccia::s3 {
namespace {

using testing::ElementsAre;
using testing::Pair;

PartChecksum part(const ChecksumAlgorithm& algorithm, std::string_view bytes) {
  return {base64_encode(algorithm.compute(bytes)), bytes.size()};
}

TEST(Checksums, AlgorithmsMakeWhatIsDocumented) {
  const auto makes = [](std::string_view name, ChecksumType type) {
    return find_checksum(name)->makes(type);
  };
  for (const auto name : {"crc32", "CRC32C"}) {
    EXPECT_TRUE(makes(name, ChecksumType::FullObject)) << name;
    EXPECT_TRUE(makes(name, ChecksumType::Composite)) << name;
    EXPECT_EQ(find_checksum(name)->multipart, ChecksumType::Composite) << name;
  }
  for (const auto name : {"sha1", "SHA256"}) {
    EXPECT_FALSE(makes(name, ChecksumType::FullObject)) << name;
    EXPECT_TRUE(makes(name, ChecksumType::Composite)) << name;
  }
  EXPECT_TRUE(makes("crc64nvme", ChecksumType::FullObject));
  EXPECT_FALSE(makes("crc64nvme", ChecksumType::Composite));
  EXPECT_EQ(find_checksum("md5"), nullptr);
}

TEST(Checksums, OfPartsIsOfTheWhole) {
  const std::string whole = "one two three, and a fourth that is longer than all of them";
  for (const auto& algorithm : checksum_algorithms()) {
    std::vector<PartChecksum> parts;
    std::string sums;
    for (const auto& [at, count] :
         std::initializer_list<std::pair<size_t, size_t>>{{0, 4}, {4, 4}, {8, 7}, {15, 100}}) {
      const auto piece = std::string_view(whole).substr(at, count);
      parts.push_back(part(algorithm, piece));
      sums += algorithm.compute(piece);
    }
    const std::string name(algorithm.name);
    if (algorithm.makes(ChecksumType::FullObject)) {
      EXPECT_EQ(checksum_of_parts({name, ChecksumType::FullObject}, parts).value(),
                base64_encode(algorithm.compute(whole)))
          << name;
    }
    if (algorithm.makes(ChecksumType::Composite)) {
      EXPECT_EQ(checksum_of_parts({name, ChecksumType::Composite}, parts).value(),
                base64_encode(algorithm.compute(sums)))
          << name;
    }
    parts[2].sum = "AA==";
    EXPECT_EQ(checksum_of_parts({name, algorithm.multipart}, parts).error().code(),
              ErrorCode::DataLoss);
  }
}

TEST(Checksums, SumsOfPartsComeBackFromTheIndex) {
  const PartSums sums{{1, "AAAA"}, {7, "BBB="}, {10'000, "C+/="}};
  EXPECT_THAT(decode_part_sums(encode_part_sums(sums)).value(),
              ElementsAre(Pair(1, "AAAA"), Pair(7, "BBB="), Pair(10'000, "C+/=")));
  EXPECT_TRUE(decode_part_sums("").value().empty());
  for (const auto* text : {"1", "1:", "x:AAAA", ":AAAA", "1:AAAA 2"}) {
    EXPECT_EQ(decode_part_sums(text).error().code(), ErrorCode::DataLoss) << text;
  }
}

}  // namespace
}  // namespace traccia::s3
