// Sequencing, recognition of repeats, receipts, and what a crash leaves of a batch.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/ingest.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "base/bytes.h"
#include "compress/compress.h"
#include "ingest/batch.h"
#include "os/fake_os.h"

namespace traccia::ingest {
namespace {

Draft event_draft(const std::string& id, const std::string& region = "eu-south-1",
                  const std::string& more = "") {
  event::AdmitOptions options;
  options.account = "111122223333";
  options.default_region = region;
  options.now = from_unix_seconds(1'900'000'000);
  Draft draft;
  draft.record = event::admit(R"({"eventTime":"2026-11-24T11:00:00Z","eventName":"n)" + more +
                                  R"(","eventID":")" + id + "\"}",
                              options)
                     .value();
  draft.sender = "tkn-1";
  return draft;
}

std::vector<Draft> batch(std::initializer_list<std::string> ids) {
  std::vector<Draft> out;
  for (const auto& id : ids) out.push_back(event_draft(id));
  return out;
}

class IngestTest : public testing::Test {
 protected:
  void SetUp() override { open(); }

  void open(Options options = {}) {
    ingest_.reset();
    wal_.reset();
    ASSERT_TRUE(fake_.files.make_directories("/wal"));
    wal_ = wal::Wal::open(fake_.files, "/wal", {}).value();
    ingest_ = Ingest::open(fake_.os(), "/window", *wal_, options).value();
  }

  Result<Outcome> submit(std::vector<Draft> drafts) {
    Result<Outcome> result = fail(ErrorCode::Internal, "not completed");
    ingest_->submit(std::move(drafts), [&](Result<Outcome> done) { result = std::move(done); });
    wal_->step(Duration(0));
    return result;
  }

  std::vector<LogRecord> log() {
    std::vector<LogRecord> out;
    for (auto at = wal_->begin();;) {
      auto entry = wal_->read(at).value();
      if (!entry) return out;
      auto records = decode_entry(entry->payload).value();
      for (auto& record : records) out.push_back(std::move(record));
      at = entry->next;
    }
  }

  os::FakeOs fake_;
  std::unique_ptr<wal::Wal> wal_;
  std::unique_ptr<Ingest> ingest_;
};

TEST_F(IngestTest, NumbersRecordsByServerAndByRegion) {
  std::vector<Draft> drafts = batch({"a", "b"});
  drafts.push_back(event_draft("c", "us-east-1"));
  drafts.push_back(event_draft("d"));
  Draft change;
  change.kind = Kind::TrailChange;
  change.change_id = "change-1";
  change.change_json = "{}";
  drafts.push_back(std::move(change));
  const auto outcome = submit(std::move(drafts)).value();
  EXPECT_EQ(outcome.accepted, 5U);
  ASSERT_EQ(outcome.receipts.size(), 3U);
  EXPECT_EQ(outcome.receipts[0].count, 2U);
  EXPECT_EQ(outcome.receipts[1].region, "us-east-1");
  EXPECT_EQ(outcome.receipts[2].first_index, 2U);
  const auto records = log();
  ASSERT_EQ(records.size(), 5U);
  for (size_t i = 0; i < records.size(); ++i) EXPECT_EQ(records[i].sequence, i + 1);
  EXPECT_EQ(records[3].region_index, 2U);
  EXPECT_EQ(records[3].sender, "tkn-1");
  EXPECT_EQ(records[4].kind, Kind::TrailChange);
}

TEST_F(IngestTest, ARepeatIsADuplicateAndOtherContentAConflict) {
  ASSERT_EQ(submit(batch({"a", "b"}))->accepted, 2U);
  std::vector<Draft> drafts = batch({"b", "c", "c"});
  drafts.push_back(event_draft("a", "eu-south-1", "other"));
  const auto outcome = submit(std::move(drafts)).value();
  EXPECT_EQ(outcome.accepted, 1U);
  EXPECT_EQ(outcome.duplicates, 2U);
  ASSERT_EQ(outcome.rejected.size(), 1U);
  EXPECT_EQ(outcome.rejected[0].draft, 3U);
  EXPECT_EQ(outcome.rejected[0].code, "EventIdConflict");
  ASSERT_EQ(outcome.receipts.size(), 2U);
  EXPECT_EQ(outcome.receipts[0].first_index, 1U) << "b, c";
  EXPECT_EQ(outcome.receipts[0].count, 2U);
  EXPECT_EQ(outcome.receipts[1].first_index, 2U) << "c again";
  EXPECT_EQ(log().size(), 3U);
}

TEST_F(IngestTest, TheWindowSurvivesReopening) {
  ASSERT_TRUE(submit(batch({"a", "b", "c"})));
  open();
  EXPECT_EQ(submit(batch({"a"}))->duplicates, 1U);
  EXPECT_EQ(submit(batch({"d"}))->receipts[0].first_index, 3U);
}

TEST_F(IngestTest, ARefusedBatchLeavesNoTrace) {
  fake_.files.set_fault([](os::Operation operation, const std::string&) -> std::optional<Error> {
    if (operation != os::Operation::Write) return std::nullopt;
    return Error(ErrorCode::ResourceExhausted, "no space left on device");
  });
  EXPECT_EQ(submit(batch({"a"})).error().code(), ErrorCode::Unavailable);
  EXPECT_EQ(submit(batch({"a"})).error().reason(), "LogStopped");
  fake_.files.restart_keeping_all();
  open();
  EXPECT_EQ(submit(batch({"a"}))->accepted, 1U);
}

TEST_F(IngestTest, AFullQueueTakesBackWhatItNumbered) {
  wal::Options tiny;
  tiny.queue_bytes_max = 1200;
  ingest_.reset();
  wal_ = wal::Wal::open(fake_.files, "/wal", tiny).value();
  ingest_ = Ingest::open(fake_.os(), "/window", *wal_, {}).value();
  int accepted = 0, refused = 0;
  for (int i = 0; i < 20; ++i) {
    ingest_->submit(batch({"id-" + std::to_string(i)}), [&](Result<Outcome> done) {
      accepted += done.has_value();
      refused += !done && done.error().reason() == "LogQueueFull";
    });
  }
  EXPECT_GT(refused, 0);
  wal_->step(Duration(0));
  EXPECT_EQ(accepted + refused, 20);
  // The refused may come again, and the places have no gaps.
  uint64_t fresh = 0;
  for (int i = 0; i < 20; ++i) fresh += submit(batch({"id-" + std::to_string(i)}))->accepted;
  EXPECT_EQ(fresh, static_cast<uint64_t>(refused));
  const auto records = log();
  ASSERT_EQ(records.size(), 20U);
  for (size_t i = 0; i < records.size(); ++i) EXPECT_EQ(records[i].region_index, i);
}

TEST_F(IngestTest, WrittenTimeHoldsWhenTheClockJumpsBack) {
  const auto before = ingest_->written_time();
  fake_.clock.set(before - std::chrono::hours(1));
  EXPECT_EQ(ingest_->written_time(), before);
  ASSERT_TRUE(submit(batch({"a"})));
  EXPECT_EQ(log()[0].ingest_time, before);
  open();
  EXPECT_GE(ingest_->written_time(), before) << "across a restart too";
}

TEST(DecodeEntry, RefusesDamage) {
  Batch records;
  records.records.resize(1);
  records.identities.resize(1);
  records.records[0].sequence = 7;
  records.records[0].json = "{}";
  const auto payload = encode_batch(records, compress_json(records.records));
  EXPECT_EQ(decode_entry(payload)->at(0).sequence, 7U);
  for (size_t i = 0; i < payload.size(); ++i) EXPECT_FALSE(decode_entry(payload.substr(0, i)));
  EXPECT_FALSE(decode_entry("junk"));
}

TEST(Batch, HeadsNeedNoJson) {
  Batch batch;
  for (const std::string_view json : {"{}", R"({"a":1})"}) {
    LogRecord record;
    record.sequence = 7 + batch.records.size();
    record.region = "eu-south-1";
    record.region_index = 3;
    record.json = json;
    batch.records.push_back(std::move(record));
    batch.identities.push_back({{'k'}, {'c'}});
  }
  const auto payload = encode_batch(batch, compress_json(batch.records));
  const auto whole = decode_batch(payload).value();
  EXPECT_EQ(whole.records[0].json, "{}");
  EXPECT_EQ(whole.records[1].json, R"({"a":1})");
  const auto heads = decode_batch_heads(payload.substr(0, payload.size() - 5)).value();
  ASSERT_EQ(heads.records.size(), 2U);
  EXPECT_EQ(heads.records[1].sequence, 8U);
  EXPECT_EQ(heads.records[1].region_index, 3U);
  EXPECT_EQ(heads.identities[1].key, batch.identities[1].key);
  EXPECT_TRUE(heads.records[1].json.empty());
}

TEST(Batch, ReadsTheFirstVersion) {
  std::string bytes(1, '\1');
  append_u64(bytes, 9);
  append_u64(bytes, 5);
  append_u32(bytes, 1);
  bytes += '\1';
  bytes += std::string(16, 'k') + std::string(8, 'c');
  append_u64(bytes, 4);
  for (const std::string_view text : {"sender", "111122223333", "eu-south-1", "{}"}) {
    append_block(bytes, text);
  }
  const auto payload = compress::zstd(bytes, 1);
  for (const auto& batch : {decode_batch(payload), decode_batch_heads(payload)}) {
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch->records.at(0).sequence, 9U);
    EXPECT_EQ(batch->records.at(0).json, "{}");
    EXPECT_EQ(batch->records.at(0).region_index, 4U);
  }
}

// I1 across power loss: a batch is there as a whole or not at all, and an acknowledged one is.
TEST(IngestCrash, BatchesAreAtomicAndAcknowledgedOnesStay) {
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    std::mt19937_64 random(seed);
    os::FakeOs fake(seed);
    ASSERT_TRUE(fake.files.make_directories("/wal"));
    std::set<std::string> acknowledged;
    int next = 0;
    for (int life = 0; life < 3; ++life) {
      fake.files.lose_power_after(random() % 40);
      if (auto wal = wal::Wal::open(fake.files, "/wal", {})) {
        auto ingest = Ingest::open(fake.os(), "/window", **wal, {}).value();
        while (!(*wal)->stopped() && !fake.files.power_lost() && next < 500) {
          const auto id = std::to_string(next++);
          ingest->submit(batch({id + "x", id + "y", id + "z"}), [&, id](Result<Outcome> done) {
            if (done) acknowledged.insert(id);
          });
          if (random() % 3 == 0) (*wal)->step(Duration(0));
        }
        (*wal)->step(Duration(0));
      }
      fake.files.restart(random());
      auto wal = wal::Wal::open(fake.files, "/wal", {}).value();
      auto ingest = Ingest::open(fake.os(), "/window", *wal, {});
      ASSERT_TRUE(ingest) << "seed " << seed << ": " << ingest.error().message();
      for (const auto& id : acknowledged) {
        Result<Outcome> again = fail(ErrorCode::Internal, "not completed");
        (*ingest)->submit(batch({id + "x", id + "y", id + "z"}),
                          [&](Result<Outcome> done) { again = std::move(done); });
        wal->step(Duration(0));
        ASSERT_EQ(again->duplicates, 3U) << "seed " << seed << " id " << id;
      }
      for (auto at = wal->begin();;) {
        const auto entry = wal->read(at).value();
        if (!entry) break;
        ASSERT_EQ(decode_entry(entry->payload)->size(), 3U);
        at = entry->next;
      }
      fake.files.restart_keeping_all();
    }
  }
}

}  // namespace
}  // namespace traccia::ingest
