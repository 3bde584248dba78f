// Segments: written again after a failure, removed in order, missing or damaged.
// SPDX-License-Identifier: Apache-2.0
#include "history/segment.h"

#include "history/test_history.h"

namespace traccia::history {
namespace {

TEST_F(HistoryTest, AFailedSegmentIsWrittenAgain) {
  ASSERT_TRUE(submit({{.id = "a"}, {.id = "b"}}));
  options_.head_events_max = 2;
  open();
  fake_.files.set_fault(
      [](os::Operation operation, const std::string& path) -> std::optional<Error> {
        if (operation != os::Operation::Write || !path.starts_with("/data/history")) return {};
        return Error(ErrorCode::ResourceExhausted, "no space left on device");
      });
  EXPECT_EQ(history_->step(100).value(), 2U);
  EXPECT_EQ(history_->step(100).value(), 0U);
  EXPECT_EQ(history_->maintain().error().code(), ErrorCode::ResourceExhausted);
  EXPECT_EQ(ids(query()), (Strings{"b", "a"})) << "still in memory";
  EXPECT_EQ(history_->durable_cursor(), wal_->begin()) << "the log must stay";
  fake_.files.set_fault(nullptr);
  EXPECT_TRUE(history_->maintain().value());
  EXPECT_EQ(history_->durable_cursor(), wal_->durable_end());
  EXPECT_EQ(ids(query()), (Strings{"b", "a"}));
}

// Segments go oldest first and one is forgotten only when its file is gone for good: otherwise the
// next start would find a gap.
TEST_F(HistoryTest, AFailedRemovalIsTriedAgain) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(submit({{.id = fmt::format("{}", i)}}));
    seal();
  }
  const auto oldest = segments().at(0);
  fake_.clock.advance(kRetention + std::chrono::hours(1));
  for (const auto failing : {os::Operation::Remove, os::Operation::SyncDirectory}) {
    fake_.files.set_fault(
        [&](os::Operation operation, const std::string& path) -> std::optional<Error> {
          if (operation != failing || !path.starts_with("/data/history")) return {};
          if (operation == os::Operation::Remove && path != oldest) return {};
          return Error(ErrorCode::Unavailable, "input/output error");
        });
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(history_->maintain());
    EXPECT_GE(segments().size(), 2U) << "no younger one goes before it";
  }
  fake_.files.set_fault(nullptr);
  maintain();
  EXPECT_EQ(segments().size(), 1U);
  open();
}

TEST_F(HistoryTest, AMissingSegmentIsTold) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(submit({{.id = fmt::format("{}", i)}}));
    seal();
  }
  const auto paths = segments();
  ASSERT_EQ(paths.size(), 3U);
  ASSERT_TRUE(fake_.files.remove(paths[1]));
  const auto opened = History::open(fake_.os(), "/data/history", *wal_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::DataLoss);
  EXPECT_NE(opened.error().message().find(paths[0]), std::string::npos);
}

// Every byte of a segment: a damaged one is told, by open or by the look-up, or is never read.
TEST_F(HistoryTest, DamageInASegmentIsNeverAWrongAnswer) {
  std::vector<Sample> samples;
  for (int i = 0; i < 40; ++i) {
    samples.push_back({.id = fmt::format("{}", i), .more = std::string(kRich)});
  }
  ASSERT_TRUE(submit(samples));
  seal();
  const auto path = segments().at(0);
  const auto size = os::read_file(fake_.files, path, 1 << 20)->size();
  std::vector<Query> asked = {query(), query(Attribute::EventId, "7")};
  for (const auto& [attribute, value] : std::vector<std::pair<Attribute, std::string>>{
           {Attribute::EventName, "n"},
           {Attribute::ReadOnly, "true"},
           {Attribute::Username, "Ada"},
           {Attribute::EventSource, "iam.amazonaws.com"},
           {Attribute::AccessKeyId, "AKIA1"},
           {Attribute::ResourceType, "AWS::IAM::Role"},
           {Attribute::ResourceName, "arn:aws:iam::111122223333:role/ops/Writer"},
           {Attribute::ResourceName, "ops/Writer"},
           {Attribute::ResourceName, "Writer"},
           {Attribute::ResourceName, "arn:aws:s3:::bucket"},
           {Attribute::ResourceName, "bucket"}}) {
    asked.push_back(query(attribute, value));
  }
  std::vector<Strings> expected;
  for (const auto& one : asked) expected.push_back(ids(one));
  EXPECT_EQ(expected[0].size(), 40U);
  size_t told = 0;
  for (size_t at = 0; at < size; ++at) {
    fake_.files.corrupt(path, at, 0x11);
    const auto opened = History::open(fake_.os(), "/data/history", *wal_);
    bool damaged = !opened;
    if (!opened) {
      ASSERT_EQ(opened.error().code(), ErrorCode::DataLoss) << at;
    }
    for (size_t i = 0; opened && i < asked.size(); ++i) {
      const auto page = (*opened)->lookup(asked[i]);
      if (page) {
        ASSERT_EQ(ids_of(*page), expected[i]) << "byte " << at;
      } else {
        ASSERT_EQ(page.error().code(), ErrorCode::DataLoss) << at;
        ASSERT_NE(page.error().message().find(path), std::string::npos) << at;
        damaged = true;
      }
    }
    told += damaged;
    fake_.files.corrupt(path, at, 0x11);
  }
  EXPECT_EQ(told, size) << "every byte is under a checksum, and these look-ups read all";
}

// A new segment's keys are known in memory: what it does not hold is not looked for on the disk.
TEST_F(HistoryTest, ASegmentWithoutTheKeyIsNotRead) {
  ASSERT_TRUE(submit({{.id = "1", .more = std::string(kRich)}}));
  seal();
  const auto path = segments().at(0);
  const auto size = os::read_file(fake_.files, path, 1 << 20)->size();
  for (size_t at = 0; at < size; ++at) fake_.files.corrupt(path, at, 0x11);
  EXPECT_FALSE(history_->lookup(query(Attribute::EventId, "1")));
  EXPECT_FALSE(history_->lookup(query(Attribute::Username, "Ada")));
  EXPECT_EQ(ids(query(Attribute::EventId, "2")), Strings{});
  EXPECT_EQ(ids(query(Attribute::Username, "Grace")), Strings{});
}

}  // namespace
}  // namespace traccia::history
