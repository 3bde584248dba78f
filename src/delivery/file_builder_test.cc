// Log files as they are stitched: the same bytes by whatever way, and what readers find inside.
// SPDX-License-Identifier: Apache-2.0
#include "delivery/file_builder.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "ingest/batch.h"

namespace traccia::delivery {
namespace {

// A batch as the log gives it back: some blocks large enough to be deflate stretches.
std::shared_ptr<ingest::LogEntry> batch(std::mt19937_64& random, size_t count, size_t padding,
                                        uint64_t first) {
  const auto memory = std::make_shared<event::RecordMemory>(count * (padding + 300));
  event::AdmitOptions options;
  options.account = "111122223333";
  options.default_region = "eu-south-1";
  options.now = from_unix_seconds(1'900'000'000);
  std::vector<ingest::Draft> drafts(count);
  for (size_t i = 0; i < count; ++i) {
    std::string text(padding, 'x');
    for (auto& c : text) c = static_cast<char>('a' + random() % 20);
    const auto json = fmt::format(
        R"({{"eventTime":"2026-11-24T11:{:02}:00Z","eventName":"n","eventID":"{}","x":"{}"}})",
        (first + i) % 60, first + i, text);
    drafts[i].record = event::admit(json, options, *memory).value();
    drafts[i].memory = memory;
  }
  auto arranged = ingest::arrange(drafts);
  ingest::compress_blocks(*arranged.entry);
  for (size_t i = 0; i < count; ++i) arranged.entry->records[i].sequence = first + i;
  return arranged.entry;
}

std::string expected(const std::vector<std::string>& records) {
  return fmt::format(R"({{"Records":[{}]}})", fmt::join(records, ","));
}

TEST(FileBuilder, HoldsWhatWasAddedByBlockAndByRecord) {
  std::mt19937_64 random(20261125);
  for (int round = 0; round < 40; ++round) {
    FileBuilder builder, again;
    std::vector<std::string> records;
    uint64_t sequence = 1;
    for (size_t n = random() % 6 + 1; n > 0; --n) {
      const auto entry = batch(random, random() % 40 + 1, random() % 2000, sequence);
      sequence += entry->records.size();
      for (const auto& block : entry->blocks) {
        const bool whole = random() % 2 == 0;
        if (whole) {
          builder.add_block(*entry, block, 7);
          again.add_block(*entry, block, 7);
        }
        for (size_t i = block.first; i < block.first + block.count; ++i) {
          if (!whole && random() % 3 == 0) continue;
          if (!whole) {
            builder.add(entry->records[i], 7);
            again.add(entry->records[i], 7);
          }
          records.emplace_back(entry->records[i].json);
        }
      }
    }
    EXPECT_EQ(builder.count(), records.size());
    const auto bytes = builder.bytes();
    const auto [gzip, sha256_hex] = std::move(builder).finish();
    const auto body = expected(records);
    EXPECT_EQ(bytes + 2, body.size());
    ASSERT_EQ(compress::gunzip(gzip, {}).value(), body);
    EXPECT_EQ(sha256_hex, crypto::sha256_hex(body));
    EXPECT_EQ(std::move(again).finish().gzip, gzip) << "the same bytes each time";
  }
}

TEST(FileBuilder, TakesLargeBlocksAsTheyAre) {
  std::mt19937_64 random(1);
  const auto entry = batch(random, 200, 1000, 5);
  ASSERT_EQ(entry->blocks[0].codec, ingest::Codec::Deflate);
  FileBuilder builder;
  builder.add_block(*entry, entry->blocks[0], 99);
  EXPECT_EQ(builder.first_sequence(), 5U);
  EXPECT_EQ(builder.last_sequence(), 204U);
  EXPECT_EQ(builder.first_position(), 99U);
  EXPECT_EQ(format_iso_seconds(builder.oldest()), "2026-11-24T11:00:00Z");
  EXPECT_EQ(format_iso_seconds(builder.newest()), "2026-11-24T11:59:00Z");
  const auto gzip = std::move(builder).finish().gzip;
  EXPECT_NE(gzip.find(entry->blocks[0].compressed), std::string::npos);
}

TEST(FileBuilder, HoldsSmallRecordsCompressedToo) {
  std::mt19937_64 random(2);
  FileBuilder builder;
  uint64_t sequence = 1;
  for (int i = 0; i < 3000; ++i) {
    const auto entry = batch(random, 1, 500, sequence++);
    builder.add(entry->records[0], 1);
  }
  EXPECT_LT(builder.held_bytes(), builder.bytes());
  EXPECT_TRUE(compress::gunzip(std::move(builder).finish().gzip, {}));
}

}  // namespace
}  // namespace traccia::delivery
