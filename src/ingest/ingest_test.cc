// Sequencing, recognition of repeats, receipts, and what a crash leaves of a batch.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/ingest.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "base/bytes.h"
#include "compress/compress.h"
#include "ingest/batch.h"
#include "os/fake_os.h"
#include "wal/entry.h"

namespace traccia::ingest {
namespace {

Draft some_draft(const std::string& id, const std::string& region = "eu-south-1",
                 const std::string& more = "") {
  event::AdmitOptions options;
  options.account = "111122223333";
  options.default_region = region;
  options.now = from_unix_seconds(1'900'000'000);
  return event_draft(R"({"eventTime":"2026-11-24T11:00:00Z","eventName":"n)" + more +
                         R"(","eventID":")" + id + "\"}",
                     options, "tkn-1")
      .value();
}

std::vector<Draft> batch(std::initializer_list<std::string> ids) {
  std::vector<Draft> out;
  for (const auto& id : ids) out.push_back(some_draft(id));
  return out;
}

class IngestTest : public testing::Test {
 protected:
  void SetUp() override { open(); }

  void open(Options options = {}, wal::Options log_options = {}) {
    ingest_.reset();
    wal_.reset();
    ASSERT_TRUE(fake_.files.make_directories("/wal"));
    wal_ = wal::Wal::open(fake_.files, "/wal", log_options).value();
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
      kept_.push_back(decode_entry(entry->payload).value());
      for (const auto& record : kept_.back()->records) out.push_back(record);
      at = entry->next;
    }
  }

  os::FakeOs fake_;
  std::unique_ptr<wal::Wal> wal_;
  std::unique_ptr<Ingest> ingest_;
  std::vector<std::shared_ptr<LogEntry>> kept_;  // what log() gave points into
};

TEST_F(IngestTest, NumbersRecordsByServerAndByRegion) {
  std::vector<Draft> drafts = batch({"a", "b"});
  drafts.push_back(some_draft("c", "us-east-1"));
  drafts.push_back(some_draft("d"));
  drafts.push_back(change_draft("{}", "change-1", "sender"));
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
  drafts.push_back(some_draft("a", "eu-south-1", "other"));
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

TEST_F(IngestTest, OfTwoWithOneIdTheFirstGivenIsRecordedInWhateverOrderTheyAreLogged) {
  std::vector<Draft> drafts{some_draft("a", "eu-south-1"), some_draft("b", "us-east-1"),
                            some_draft("x", "us-east-1"),  some_draft("x", "eu-south-1", "other"),
                            some_draft("b", "us-east-1"),  some_draft("c", "eu-south-1")};
  const auto outcome = submit(std::move(drafts)).value();
  EXPECT_EQ(outcome.accepted, 4U);
  EXPECT_EQ(outcome.duplicates, 1U);
  ASSERT_EQ(outcome.rejected.size(), 1U);
  EXPECT_EQ(outcome.rejected[0].draft, 3U);
  std::vector<std::string> receipts;
  for (const auto& one : outcome.receipts) {
    receipts.push_back(fmt::format("{} {}+{}", one.region, one.first_index, one.count));
  }
  EXPECT_EQ(receipts, (std::vector<std::string>{"eu-south-1 0+1", "us-east-1 0+2", "us-east-1 0+1",
                                                "eu-south-1 1+1"}));
  std::vector<std::string_view> ids;
  for (const auto& record : log()) ids.push_back(record.json);
  ASSERT_EQ(ids.size(), 4U);
  EXPECT_NE(ids[3].find("\"x\""), std::string_view::npos);
  EXPECT_EQ(submit({some_draft("b", "us-east-1")})->receipts[0].first_index, 0U);
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

// I1 across power loss: a batch is there as a whole or not at all, and an acknowledged one is.
TEST_F(IngestTest, ReadersThatCatchUpDecodeAnEntryOnce) {
  ASSERT_TRUE(submit(batch({"a", "b"})));
  open();
  auto& recent = wal_->recent();
  const auto fast = recent.add_reader(0), slow = recent.add_reader(0);
  EXPECT_NE(read_entry(*wal_, 0).value()->entry, read_entry(*wal_, 0).value()->entry)
      << "who reads only now and then shares nothing";
  const auto first = read_entry_for(*wal_, fast, 0).value();
  recent.set_reader(fast, first->next);
  const auto again = read_entry_for(*wal_, slow, 0).value();
  EXPECT_EQ(first->entry, again->entry);
  EXPECT_EQ(first->next, again->next);
  EXPECT_EQ(again->records->at(1).event.event_id, "b");
  EXPECT_EQ(read_entry(*wal_, 0).value()->entry, first->entry) << "but takes what is shared";
  recent.set_reader(slow, again->next);
  EXPECT_NE(read_entry_for(*wal_, slow, 0).value()->entry, first->entry);
  EXPECT_FALSE(read_entry_for(*wal_, slow, first->next).value()) << "the log's end";
}

TEST_F(IngestTest, EachReaderIsToldOfADamagedEntry) {
  open({}, {.recent_bytes_max = 0});
  ASSERT_TRUE(submit(batch({"a"})));
  for (const auto& path : fake_.files.paths()) {
    if (path.starts_with("/wal/")) {
      fake_.files.corrupt(path, wal::kSegmentHeaderBytes + wal::kEntryHeaderBytes + 9, 0x55);
    }
  }
  auto& recent = wal_->recent();
  const auto first = recent.add_reader(0), second = recent.add_reader(0);
  for (const auto reader : {first, second, first}) {
    const auto read = read_entry_for(*wal_, reader, 0);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code(), ErrorCode::DataLoss);
  }
}

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
        ASSERT_EQ(decode_entry(entry->payload).value()->records.size(), 3U);
        at = entry->next;
      }
      fake.files.restart_keeping_all();
    }
  }
}

}  // namespace
}  // namespace traccia::ingest
