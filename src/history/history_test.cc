// Taking in the log: steps, upkeep, retention, logs that do not meet, concurrent look-ups.
// SPDX-License-Identifier: Apache-2.0
#include "history/history.h"

#include <atomic>
#include <set>
#include <thread>

#include "history/test_history.h"
#include "wal/entry.h"

namespace traccia::history {
namespace {

TEST_F(HistoryTest, TakesALargeEntryInStepsAndGoesOnAfterReopening) {
  std::vector<Sample> samples;
  for (int i = 0; i < 25; ++i) samples.push_back({.id = fmt::format("{}", i)});
  ASSERT_TRUE(submit(samples));
  ASSERT_TRUE(submit({{.id = "last"}}));
  options_.head_events_max = 10;
  open();
  EXPECT_EQ(history_->step(10).value(), 10U);
  EXPECT_EQ(history_->cursor(), wal_->begin()) << "the entry is not all in";
  EXPECT_EQ(history_->step(5).value(), 5U);
  maintain();
  ASSERT_EQ(segments().size(), 1U) << "a segment may end inside an entry";
  fake_.files.restart_keeping_all();
  open();
  EXPECT_EQ(ids(query()).size(), 10U);
  EXPECT_EQ(history_->step(100).value(), 16U);
  EXPECT_EQ(history_->step(10).value(), 0U);
  EXPECT_EQ(history_->cursor(), wal_->durable_end());
  const auto found = ids(query());
  EXPECT_EQ(std::set(found.begin(), found.end()).size(), 26U);
  EXPECT_EQ(found.size(), 26U);
}

TEST_F(HistoryTest, WaitsForUpkeepAndThenGoesOn) {
  options_.head_events_max = 1;
  open();
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(submit({{.id = fmt::format("{}", i)}}));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(history_->step(1).value(), 1U);
  EXPECT_EQ(history_->step(1).value(), 0U) << "two heads wait to be written";
  EXPECT_EQ(ids(query()).size(), 2U);
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(history_->maintain().value());
    EXPECT_EQ(history_->step(1).value(), 1U);
  }
  EXPECT_EQ(ids(query()), (Strings{"3", "2", "1", "0"}));
}

TEST_F(HistoryTest, ForgetsNinetyDaysAfterIngest) {
  ASSERT_TRUE(submit({{.id = "old", .more = std::string(kRich)}}));
  seal();
  ASSERT_TRUE(submit({{.id = "younger", .more = std::string(kRich)}}));
  seal();
  ASSERT_EQ(segments().size(), 2U);
  fake_.clock.advance(kRetention - 2 * options_.head_age_max);
  EXPECT_EQ(ids(query()).size(), 2U) << "exactly 90 days";
  fake_.clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(ids(query()), Strings{"younger"}) << "hidden before it is removed";
  EXPECT_TRUE(history_->maintain().value());
  EXPECT_EQ(segments().size(), 1U);
  fake_.clock.set(from_unix_seconds(1'790'000'000));  // what is removed does not come back
  EXPECT_EQ(ids(query()), Strings{"younger"});
  EXPECT_EQ(ids(query(Attribute::ResourceName, "bucket")), Strings{"younger"});
  fake_.clock.advance(2 * kRetention);
  EXPECT_EQ(ids(query()), Strings{});
  EXPECT_FALSE(history_->maintain().value()) << "the newest segment tells where the history ends";
  open();
  EXPECT_EQ(history_->step(10).value(), 0U);
}

TEST_F(HistoryTest, TheDatabaseOfTheFirstVersionIsReplaced) {
  ASSERT_TRUE(submit({{.id = "a"}}));
  for (const std::string_view name : {"history.db", "history.db-wal", "000.segment.new"}) {
    ASSERT_TRUE(os::write_file_atomically(fake_.files, fmt::format("/data/history/{}", name), "x"));
  }
  open();
  catch_up();
  EXPECT_EQ(ids(query()), Strings{"a"});
  EXPECT_FALSE(fake_.files.exists("/data/history/history.db").value());
  EXPECT_FALSE(fake_.files.exists("/data/history/000.segment.new").value());
}

TEST_F(HistoryTest, CorruptionInTheLogIsToldAfterWhatPrecedesIt) {
  recent_bytes_max_ = 0;
  open();
  ASSERT_TRUE(submit({{.id = "good"}}));
  const auto position = wal_->durable_end();
  ASSERT_TRUE(submit({{.id = "bad"}}));
  for (const auto& path : fake_.files.paths()) {
    if (!path.starts_with("/data/wal/")) continue;
    fake_.files.corrupt(path, wal::kSegmentHeaderBytes + position + 40, 0x55);
  }
  EXPECT_EQ(history_->step(100).value(), 1U);
  EXPECT_EQ(ids(query()), Strings{"good"});
  for (int i = 0; i < 2; ++i) EXPECT_EQ(history_->step(100).error().code(), ErrorCode::DataLoss);
  EXPECT_EQ(history_->cursor(), position);
}

// While it catches up: what it had to decode is there for the sink behind it.
TEST_F(HistoryTest, SharesWhatItDecodes) {
  ASSERT_TRUE(submit({{.id = "a"}, {.id = "b"}}));
  const auto second = wal_->durable_end();
  ASSERT_TRUE(submit({{.id = "c"}}));
  open();
  EXPECT_FALSE(wal_->recent().find(0)) << "nothing is in memory after the start";
  const auto other = wal_->recent().add_reader(0);
  catch_up();
  const auto found = wal_->recent().find(0);
  ASSERT_TRUE(found);
  EXPECT_EQ(static_cast<const ingest::LogEntry*>(found->content.get())->records.size(), 2U);
  EXPECT_EQ(found->next, second);
  wal_->recent().set_reader(other, second);
  EXPECT_FALSE(wal_->recent().find(0)) << "all have passed it";
  EXPECT_TRUE(wal_->recent().find(second));
}

TEST_F(HistoryTest, RefusesALogThatDoesNotMeetTheCursor) {
  ASSERT_TRUE(submit({{.id = "a"}}));
  seal();
  history_.reset();
  for (const auto& path : fake_.files.paths()) {
    if (path.starts_with("/data/wal/")) {
      ASSERT_TRUE(fake_.files.remove(path));
    }
  }
  open_log();
  const auto behind = History::open(fake_.os(), "/data/history", *wal_);
  ASSERT_FALSE(behind);
  EXPECT_EQ(behind.error().code(), ErrorCode::DataLoss);
}

TEST_F(HistoryTest, RefusesALogCutAboveTheCursor) {
  ASSERT_TRUE(submit({{.id = "a"}}));
  seal();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(submit({{.id = fmt::format("{}", i)}}));
  ASSERT_TRUE(wal_->remove_below(wal_->durable_end()));
  ASSERT_GT(wal_->begin(), history_->cursor());
  history_.reset();
  const auto gap = History::open(fake_.os(), "/data/history", *wal_);
  ASSERT_FALSE(gap);
  EXPECT_EQ(gap.error().code(), ErrorCode::DataLoss);
}

TEST_F(HistoryTest, AnswersWhileItTakesInAndWritesSegments) {
  constexpr int kCount = 200;
  options_.head_events_max = 7;
  open();
  std::atomic<bool> over{false};
  std::thread reader([&] {
    size_t before = 0;
    auto asked = query();
    asked.count_max = kCount;
    while (!over) {
      const auto found = ids(asked);
      ASSERT_GE(found.size(), before);
      before = found.size();
      // The events came in one by one: what is there is a prefix.
      for (size_t i = 0; i < before; ++i) ASSERT_EQ(found[i], fmt::format("{}", before - 1 - i));
    }
  });
  for (int i = 0; i < kCount; ++i) {
    EXPECT_TRUE(submit({{.id = fmt::format("{}", i)}}));
    EXPECT_EQ(history_->step(10).value(), 1U);
    maintain();
  }
  over = true;
  reader.join();
  EXPECT_GT(segments().size(), 20U);
}

}  // namespace
}  // namespace traccia::history
