// Blocks of a batch: what comes together, what is compressed how, and what reading gives back.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "base/bytes.h"
#include "ingest/batch.h"

namespace traccia::ingest {
namespace {

event::AdmitOptions options_for(std::string_view account, std::string_view region) {
  event::AdmitOptions options;
  options.account = account;
  options.default_region = region;
  options.now = from_unix_seconds(1'900'000'000);
  return options;
}

std::string json_of(size_t number, size_t padding) {
  return fmt::format(R"({{"eventTime":"2026-11-24T11:00:00Z","eventName":"n","eventID":"{}",)"
                     R"("x":"{}"}})",
                     number, std::string(padding, static_cast<char>('a' + number % 26)));
}

// Drafts of one request share their memory.
std::vector<Draft> request(size_t count, size_t padding, std::vector<std::string> regions) {
  const auto memory = std::make_shared<event::RecordMemory>(count * (padding + 300));
  std::vector<Draft> drafts;
  for (size_t i = 0; i < count; ++i) {
    Draft draft;
    draft.record = event::admit(json_of(i, padding),
                                options_for("111122223333", regions[i % regions.size()]), *memory)
                       .value();
    draft.sender = "tkn-1";
    draft.memory = memory;
    drafts.push_back(draft);
  }
  return drafts;
}

std::string joined(const LogEntry& entry, const Block& block) {
  std::string out;
  for (size_t i = block.first; i < block.first + block.count; ++i) {
    if (!out.empty()) out += ',';
    out += entry.records[i].json;
  }
  return out;
}

void number(LogEntry& entry) {
  Sequence next = 7;
  std::map<std::string_view, uint64_t> indexes;
  for (auto& record : entry.records) {
    record.sequence = next++;
    record.ingest_time = from_unix_seconds(1'800'000'000);
    if (record.kind == Kind::Event) record.region_index = indexes[record.region]++;
  }
}

TEST(Blocks, ARequestOfOnePlaceIsNotCopied) {
  const auto drafts = request(200, 300, {"eu-south-1"});
  const auto arranged = arrange(drafts);
  EXPECT_EQ(arranged.entry->memory.size(), 1U) << "nothing was copied";
  ASSERT_EQ(arranged.entry->blocks.size(), 1U);
  EXPECT_EQ(arranged.entry->blocks[0].text, joined(*arranged.entry, arranged.entry->blocks[0]));
  EXPECT_EQ(arranged.entry->blocks[0].text.data(), drafts[0].record.json.data());
}

TEST(Blocks, PlacesComeTogetherInOrder) {
  const auto drafts = request(30, 10, {"eu-south-1", "us-east-1", "eu-west-1"});
  const auto arranged = arrange(drafts);
  ASSERT_EQ(arranged.entry->blocks.size(), 3U);
  for (const auto& block : arranged.entry->blocks) {
    EXPECT_EQ(block.count, 10U);
    EXPECT_EQ(block.text, joined(*arranged.entry, block));
  }
  for (size_t i = 0; i < drafts.size(); ++i) {
    EXPECT_EQ(arranged.draft_of[i], i % 10 * 3 + i / 10);
    EXPECT_EQ(arranged.entry->records[i].json, arranged.entry->records[i].event.json);
  }
}

TEST(Blocks, AChangeKeepsEverythingInOrder) {
  auto drafts = request(2, 10, {"eu-south-1", "us-east-1"});
  drafts.insert(drafts.begin() + 1, change_draft("{}", "change", "sender"));
  drafts.push_back(request(1, 20, {"eu-south-1"})[0]);
  const auto arranged = arrange(drafts);
  EXPECT_EQ(arranged.entry->blocks.size(), 4U);
  EXPECT_EQ(arranged.draft_of, (std::vector<uint32_t>{0, 1, 2, 3}));
}

TEST(Blocks, AreBoundedAndCompressedBySize) {
  auto arranged = arrange(request(40, 30'000, {"eu-south-1"}));
  compress_blocks(*arranged.entry);
  EXPECT_GT(arranged.entry->blocks.size(), 1U);
  for (const auto& block : arranged.entry->blocks) {
    EXPECT_LE(block.text.size(), kBlockBytesMax);
    EXPECT_EQ(block.codec, Codec::Deflate);
  }
  auto small = arrange(request(1, 300, {"eu-south-1"}));
  compress_blocks(*small.entry);
  EXPECT_EQ(small.entry->blocks[0].codec, Codec::Zstd);
  auto change = arrange({change_draft("{}", "change", "sender")});
  compress_blocks(*change.entry);
  EXPECT_EQ(change.entry->blocks[0].codec, Codec::Stored) << "it would not become smaller";
}

TEST(Blocks, WhatIsDroppedLeavesNoTrace) {
  const auto arranged = arrange(request(5, 10, {"eu-south-1"}));
  const auto left = without(arranged, {false, true, false, false, true});
  ASSERT_EQ(left.entry->records.size(), 3U);
  EXPECT_EQ(left.draft_of, (std::vector<uint32_t>{0, 2, 3}));
  EXPECT_EQ(left.entry->blocks[0].text, joined(*left.entry, left.entry->blocks[0]));
  EXPECT_EQ(left.identities[1].key, arranged.identities[2].key);
}

TEST(Blocks, ReadBackAsTheyWere) {
  std::mt19937_64 random(20261125);
  for (int round = 0; round < 60; ++round) {
    std::vector<std::string> regions{"eu-south-1"};
    if (random() % 2 == 0) regions.emplace_back("us-east-1");
    auto drafts = request(random() % 60 + 1, random() % 3000, regions);
    if (random() % 4 == 0) drafts.push_back(change_draft("{\"a\":1}", "change", "sender"));
    auto arranged = arrange(drafts);
    compress_blocks(*arranged.entry);
    number(*arranged.entry);
    const auto payload = encode_batch(*arranged.entry, arranged.identities);
    const auto whole = decode_batch(payload).value();
    const auto heads = decode_batch_heads(payload).value();
    ASSERT_EQ(whole.entry->records.size(), drafts.size());
    ASSERT_EQ(heads.entry->records.size(), drafts.size());
    for (size_t i = 0; i < drafts.size(); ++i) {
      const auto& before = arranged.entry->records[i];
      const auto& after = whole.entry->records[i];
      EXPECT_EQ(after.json, before.json);
      EXPECT_EQ(after.sequence, before.sequence);
      EXPECT_EQ(after.region_index, before.region_index);
      EXPECT_EQ(after.sender, before.sender);
      EXPECT_EQ(after.account, before.account);
      EXPECT_EQ(after.region, before.region);
      EXPECT_EQ(after.kind, before.kind);
      EXPECT_EQ(after.ingest_time, before.ingest_time);
      EXPECT_EQ(heads.entry->records[i].sequence, before.sequence);
      EXPECT_EQ(heads.entry->records[i].region_index, before.region_index);
      EXPECT_TRUE(heads.entry->records[i].json.empty());
      EXPECT_EQ(heads.identities[i].key, arranged.identities[i].key);
      EXPECT_EQ(whole.identities[i].content, arranged.identities[i].content);
    }
    for (size_t i = 0; i < whole.entry->blocks.size(); ++i) {
      const auto& before = arranged.entry->blocks[i];
      const auto& after = whole.entry->blocks[i];
      EXPECT_EQ(after.text, before.text);
      EXPECT_EQ(after.compressed, before.compressed);
      EXPECT_EQ(after.codec, before.codec);
    }
  }
}

TEST(Blocks, DamageIsTold) {
  auto arranged = arrange(request(80, 300, {"eu-south-1", "us-east-1"}));
  compress_blocks(*arranged.entry);
  number(*arranged.entry);
  const auto payload = encode_batch(*arranged.entry, arranged.identities);
  for (size_t i = 0; i < payload.size(); i += 3) {
    EXPECT_FALSE(decode_entry(payload.substr(0, i))) << i;
  }
  EXPECT_FALSE(decode_entry("junk"));
  EXPECT_FALSE(decode_entry(payload + "x"));
  EXPECT_TRUE(decode_batch_heads(payload.substr(0, payload.size() - 5))) << "needs no texts";
}

TEST(ContentHashes, TellRepeatsFromConflicts) {
  const auto a =
      event_draft(json_of(1, 10), options_for("111122223333", "eu-south-1"), "s").value();
  const auto b =
      event_draft(json_of(1, 10), options_for("111122223333", "eu-south-1"), "t").value();
  const auto c =
      event_draft(json_of(1, 11), options_for("111122223333", "eu-south-1"), "s").value();
  EXPECT_EQ(content_of(a), content_of(b));
  EXPECT_NE(content_of(a), content_of(c));
  EXPECT_EQ(key_of(a), key_of(c)) << "the id decides";
  const auto d =
      event_draft(json_of(1, 10), options_for("444455556666", "eu-south-1"), "s").value();
  EXPECT_NE(key_of(a), key_of(d)) << "the owner too";
}

}  // namespace
}  // namespace traccia::ingest
