// Taking in the log, looking events up, retention, power loss and damage.
// SPDX-License-Identifier: Apache-2.0
#include "history/history.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <set>
#include <thread>

#include "history/segment.h"
#include "ingest/ingest.h"
#include "os/fake_os.h"
#include "wal/entry.h"

namespace traccia::history {
namespace {

using Strings = std::vector<std::string>;

constexpr std::string_view kAccount = "111122223333";
constexpr std::string_view kRegion = "eu-south-1";

struct Sample {
  std::string id;
  std::string account{kAccount};
  std::string region{kRegion};
  Time time = from_unix_seconds(1'789'990'000);
  std::string more{};  // members, each with a comma before it
};

ingest::Draft draft(const Sample& sample) {
  event::AdmitOptions options;
  options.account = sample.account;
  options.default_region = sample.region;
  options.now = from_unix_seconds(2'000'000'000);
  return ingest::event_draft(
             fmt::format(R"({{"eventTime":"{}","eventName":"n","eventID":"{}"{}}})",
                         format_iso_milliseconds(sample.time), sample.id, sample.more),
             options, "sender")
      .value();
}

// The log and its index on one simulated machine.
class HistoryTest : public testing::Test {
 protected:
  void SetUp() override { open(); }

  void open() {
    history_.reset();
    open_log();
    auto opened = History::open(fake_.os(), "/data/history", *wal_, options_);
    ASSERT_TRUE(opened) << opened.error().message();
    history_ = std::move(*opened);
  }
  void open_log() {
    ingest_.reset();
    wal_.reset();
    ASSERT_TRUE(fake_.files.make_directories("/data/wal"));
    wal::Options options;
    options.segment_bytes_max = 4096;
    options.recent_bytes_max = recent_bytes_max_;
    wal_ = wal::Wal::open(fake_.files, "/data/wal", options).value();
    ingest_ = ingest::Ingest::open(fake_.os(), "/window", *wal_, {}).value();
  }
  bool submit(const std::vector<Sample>& samples) {
    std::vector<ingest::Draft> drafts;
    for (const auto& sample : samples) drafts.push_back(draft(sample));
    bool done = false;
    ingest_->submit(std::move(drafts),
                    [&](Result<ingest::Outcome> outcome) { done = outcome.has_value(); });
    wal_->step(Duration(0));
    return done;
  }
  void catch_up(size_t records_max = 100) {
    while (true) {
      const auto taken = history_->step(records_max);
      ASSERT_TRUE(taken) << taken.error().message();
      maintain();
      if (*taken == 0) return;
    }
  }
  void maintain() {
    while (true) {
      const auto worked = history_->maintain();
      ASSERT_TRUE(worked) << worked.error().message();
      if (!*worked) return;
    }
  }
  // Everything taken in so far goes into segments.
  void seal() {
    const auto before = options_.head_age_max;
    catch_up();
    fake_.clock.advance(before);
    catch_up();
    ASSERT_EQ(history_->durable_cursor(), history_->cursor());
  }
  std::vector<std::string> segments() const {
    std::vector<std::string> out;
    for (const auto& path : fake_.files.paths()) {
      if (path.ends_with(kSegmentSuffix)) out.push_back(path);
    }
    return out;
  }
  static Query query() {
    Query out;
    out.account = kAccount;
    out.region = kRegion;
    return out;
  }
  static Query query(Attribute attribute, std::string value) {
    auto out = query();
    out.attribute = {attribute, std::move(value)};
    return out;
  }
  static Strings ids_of(const Page& page) {
    Strings out;
    for (const auto& record : page.records) {
      event::RecordMemory memory(record.size());
      const auto event = event::read_stored(memory.keep_padded(record), "", memory).value();
      out.emplace_back(event.event_id);
    }
    return out;
  }
  Strings ids(const Query& query) {
    const auto page = history_->lookup(query);
    EXPECT_TRUE(page);
    return page ? ids_of(*page) : Strings{};
  }

  Options options_{.room_wait = {}};
  uint64_t recent_bytes_max_ = 3000;  // some entries are read as they came in, some from the disk
  os::FakeOs fake_;
  std::unique_ptr<wal::Wal> wal_;
  std::unique_ptr<ingest::Ingest> ingest_;
  std::unique_ptr<History> history_;
};

constexpr std::string_view kRich =
    R"(,"eventSource":"iam.amazonaws.com","readOnly":true,)"
    R"("userIdentity":{"type":"IAMUser","userName":"Ada","accessKeyId":"AKIA1"},)"
    R"("resources":[{"type":"AWS::IAM::Role","ARN":"arn:aws:iam::111122223333:role/ops/Writer"},)"
    R"({"type":"AWS::IAM::Role","ARN":"arn:aws:s3:::bucket"}])";

TEST_F(HistoryTest, FindsByEachAttributeExactly) {
  Sample rich{.id = "rich", .more = std::string(kRich)};
  ASSERT_TRUE(submit({{.id = "poor"}, rich}));
  catch_up();
  const struct {
    Attribute attribute;
    std::string value;
    Strings found;
  } cases[] = {
      {Attribute::EventId, "rich", {"rich"}},
      {Attribute::EventId, "Rich", {}},
      {Attribute::EventName, "n", {"rich", "poor"}},
      {Attribute::EventName, "", {}},
      {Attribute::ReadOnly, "true", {"rich"}},
      {Attribute::ReadOnly, "false", {"poor"}},
      {Attribute::Username, "Ada", {"rich"}},
      {Attribute::Username, "ada", {}},
      {Attribute::Username, "", {}},
      {Attribute::ResourceType, "AWS::IAM::Role", {"rich"}},
      {Attribute::ResourceName, "arn:aws:iam::111122223333:role/ops/Writer", {"rich"}},
      {Attribute::ResourceName, "ops/Writer", {"rich"}},
      {Attribute::ResourceName, "Writer", {"rich"}},
      {Attribute::ResourceName, "bucket", {"rich"}},
      {Attribute::ResourceName, "AWS::IAM::Role", {}},
      {Attribute::EventSource, "iam.amazonaws.com", {"rich"}},
      {Attribute::AccessKeyId, "AKIA1", {"rich"}},
      {Attribute::AccessKeyId, "AKIA1' OR 1=1 --", {}},
  };
  for (const auto& [attribute, value, found] : cases) {
    EXPECT_EQ(ids(query(attribute, value)), found) << int(attribute) << " " << value;
  }
}

TEST_F(HistoryTest, NamesOfResources) {
  const struct {
    std::string arn;
    Strings names;
  } cases[] = {
      {"", {}},
      {"not an arn", {"not an arn"}},
      {"arn:aws:s3", {"arn:aws:s3"}},
      {"arn:aws:s3:::b", {"arn:aws:s3:::b", "b"}},
      {"arn:aws:s3:::b/k/1", {"arn:aws:s3:::b/k/1", "b/k/1", "1"}},
      {"arn:aws:s3:::b/", {"arn:aws:s3:::b/", "b/"}},
      {"arn:aws:sns:r:1:topic", {"arn:aws:sns:r:1:topic", "topic"}},
      {"arn:aws:lambda:r:1:function:f", {"arn:aws:lambda:r:1:function:f", "f"}},
      {"arn:aws:logs:r:1:log-group:/a/b", {"arn:aws:logs:r:1:log-group:/a/b", "/a/b", "b"}},
      {"arn:aws:iam::1:user/p/u", {"arn:aws:iam::1:user/p/u", "p/u", "u"}},
      {"arn:aws:kms:r:1:key/", {"arn:aws:kms:r:1:key/"}},
  };
  for (const auto& [arn, names] : cases) EXPECT_EQ(resource_names({"T", arn}), names) << arn;
}

TEST_F(HistoryTest, KeepsManagementEventsOfEachAccountAndRegionApart) {
  ASSERT_TRUE(submit({{.id = "here"},
                      {.id = "data", .more = R"(,"eventCategory":"Data")"},
                      {.id = "insight", .more = R"(,"eventCategory":"Insight")"},
                      {.id = "other-region", .region = "us-east-1"},
                      {.id = "other-account", .account = "444455556666"}}));
  EXPECT_EQ(history_->step(100).value(), 5U) << "passed, kept or not";
  EXPECT_EQ(ids(query()), Strings{"here"});
  auto elsewhere = query();
  elsewhere.region = "us-east-1";
  EXPECT_EQ(ids(elsewhere), Strings{"other-region"});
  elsewhere.account = "444455556666";
  EXPECT_EQ(ids(elsewhere), Strings{});
  elsewhere.region = kRegion;
  EXPECT_EQ(ids(elsewhere), Strings{"other-account"});
}

TEST_F(HistoryTest, OrdersNewestFirstAndFiltersByWholeSeconds) {
  const auto at = from_unix_seconds(1'789'000'000);
  const auto half = std::chrono::milliseconds(500);
  ASSERT_TRUE(submit({{.id = "b1", .time = at},
                      {.id = "c", .time = at + half},
                      {.id = "a", .time = at - std::chrono::seconds(1)},
                      {.id = "b2", .time = at}}));
  catch_up();
  EXPECT_EQ(ids(query()), (Strings{"c", "b2", "b1", "a"}));
  auto one_second = query();
  one_second.start = at + half;
  one_second.end = at;
  EXPECT_EQ(ids(one_second), (Strings{"c", "b2", "b1"})) << "as shown: one second";
  auto extremes = query();
  extremes.start = Time::min();
  extremes.end = Time::max();
  EXPECT_EQ(ids(extremes).size(), 4U);
  extremes.start = Time::max();
  EXPECT_EQ(ids(extremes).size(), 0U);
  extremes.start.reset();
  extremes.end = Time::min();
  EXPECT_EQ(ids(extremes).size(), 0U);
}

TEST_F(HistoryTest, TokensServeTheirQueryOnly) {
  ASSERT_TRUE(submit({{.id = "a"}, {.id = "b"}, {.id = "c"}}));
  catch_up();
  auto asked = query(Attribute::EventName, "n");
  asked.count_max = 1;
  const auto first = history_->lookup(asked).value();
  ASSERT_TRUE(first.next);
  asked.after = first.next;
  EXPECT_EQ(ids(asked), Strings{"b"});
  asked.count_max = 2;
  const auto rest = history_->lookup(asked).value();
  EXPECT_EQ(ids_of(rest), (Strings{"b", "a"}));
  EXPECT_FALSE(rest.next);

  const auto refused = [&](Query changed) {
    const auto page = history_->lookup(changed);
    return !page && page.error().code() == ErrorCode::InvalidArgument &&
           page.error().reason() == "InvalidNextToken";
  };
  auto changed = asked;
  changed.attribute->second = "m";
  EXPECT_TRUE(refused(changed));
  changed.attribute = {Attribute::EventSource, "n"};
  EXPECT_TRUE(refused(changed));
  changed.attribute.reset();
  EXPECT_TRUE(refused(changed));
  changed = asked;
  changed.start = Time();
  EXPECT_TRUE(refused(changed));
  changed = asked;
  changed.region = "us-east-1";
  EXPECT_TRUE(refused(changed));
  for (const std::string_view text : {"", "x", "AAAA", "AQAAAAAAAAAAAAAAAAAAAAA="}) {
    changed = asked;
    changed.after = text;
    EXPECT_TRUE(refused(changed)) << text;
  }
  for (size_t i = 0; i < first.next->size(); ++i) {
    changed = asked;
    auto& letter = (*changed.after)[i];
    letter = letter == 'A' ? 'B' : 'A';
    EXPECT_TRUE(refused(changed)) << "letter " << i;
  }
  changed = asked;
  changed.after = std::string(1 << 20, 'A');
  EXPECT_TRUE(refused(changed));
}

TEST_F(HistoryTest, RefusesAnEmptyPageAndBoundsAPage) {
  auto asked = query();
  asked.count_max = 0;
  EXPECT_EQ(history_->lookup(asked).error().code(), ErrorCode::InvalidArgument);
  const auto filling = fmt::format(R"(,"requestParameters":"{}")", std::string(200 << 10, 'x'));
  std::vector<Sample> samples;
  for (int i = 0; i < 90; ++i) samples.push_back({.id = fmt::format("{}", i), .more = filling});
  ASSERT_TRUE(submit(samples));
  catch_up(1000);
  asked.count_max = 1'000'000;
  size_t seen = 0, pages = 0;
  do {
    const auto page = history_->lookup(asked).value();
    size_t bytes = 0;
    for (const auto& record : page.records) bytes += record.size();
    EXPECT_LE(bytes, kPageBytesMax + event::kRecordBytesMax);
    seen += page.records.size();
    asked.after = page.next;
    ++pages;
  } while (asked.after);
  EXPECT_EQ(seen, 90U);
  EXPECT_EQ(pages, 2U);
}

// Against a list of what was sent: any attribute, range and page size, while events arrive.
TEST_F(HistoryTest, PagesAreStableUnderIngest) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    fake_.files.restart_keeping_all();
    history_.reset();
    for (const auto& path : fake_.files.paths()) ASSERT_TRUE(fake_.files.remove(path));
    options_.head_events_max = static_cast<uint32_t>(1 + seed * seed % 97);
    open();
    std::mt19937_64 random(seed);
    std::vector<Sample> sent;
    const auto send = [&](size_t count) {
      std::vector<Sample> samples;
      for (size_t i = 0; i < count; ++i) {
        Sample sample{.id = fmt::format("{}", sent.size())};
        sample.time += std::chrono::seconds(random() % 8);
        sample.more = fmt::format(R"(,"eventSource":"s{}")", random() % 3);
        sample.region = random() % 4 == 0 ? "us-east-1" : kRegion;
        sent.push_back(sample);
        samples.push_back(sample);
      }
      ASSERT_TRUE(submit(samples));
      catch_up(1 + random() % 7);
    };
    send(60);
    for (int round = 0; round < 10; ++round) {
      auto asked = random() % 3 == 0
                       ? query()
                       : query(Attribute::EventSource, fmt::format("s{}", random() % 3));
      if (random() % 2 == 0) asked.start = Sample{}.time + std::chrono::seconds(random() % 8);
      if (random() % 2 == 0) asked.end = Sample{}.time + std::chrono::seconds(random() % 8);
      asked.count_max = 1 + random() % 9;
      const auto matches = [&](const Sample& sample) {
        return sample.region == kRegion && (!asked.start || sample.time >= *asked.start) &&
               (!asked.end || sample.time <= *asked.end) &&
               (!asked.attribute ||
                sample.more.find('"' + asked.attribute->second + '"') != std::string::npos);
      };
      const auto known = sent.size();
      std::vector<size_t> got;
      do {
        const auto page = history_->lookup(asked).value();
        ASSERT_LE(page.records.size(), asked.count_max) << "seed " << seed;
        for (const auto& id : ids_of(page)) got.push_back(std::stoul(id));
        asked.after = page.next;
        if (random() % 3 == 0) send(3);
      } while (asked.after);
      ASSERT_TRUE(std::ranges::is_sorted(got,
                                         [&](size_t left, size_t right) {
                                           return std::pair(sent[left].time, left) >
                                                  std::pair(sent[right].time, right);
                                         }))
          << "seed " << seed;
      for (const auto at : got) ASSERT_TRUE(matches(sent[at])) << "seed " << seed;
      for (size_t at = 0; at < known; ++at) {
        ASSERT_EQ(std::ranges::count(got, at), matches(sent[at]) ? 1 : 0) << "seed " << seed;
      }
    }
  }
}

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

// Whatever is lost of the index comes again from the log; nothing comes twice; the cursor that
// allows cutting the log never goes back.
TEST_F(HistoryTest, SurvivesPowerLoss) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    std::mt19937_64 random(seed);
    history_.reset();
    fake_.files.restart_keeping_all();
    for (const auto& path : fake_.files.paths()) ASSERT_TRUE(fake_.files.remove(path));
    for (const std::string_view name : {"/data/wal", "/data/history"}) {
      ASSERT_TRUE(fake_.files.sync_directory(std::string(name)));
    }
    options_.head_events_max = static_cast<uint32_t>(1 + seed % 20);
    open();
    std::set<std::string> acknowledged;
    int tried = 0;
    wal::Position durable = 0;
    for (int life = 0; life < 4; ++life) {
      fake_.files.lose_power_after(random() % 300);
      while (!fake_.files.power_lost() && tried < 1000) {
        std::vector<Sample> samples;
        for (auto count = 1 + random() % 4; count > 0; --count) {
          samples.push_back({.id = fmt::format("{}", tried++), .more = std::string(kRich)});
        }
        if (!submit(samples)) break;
        for (const auto& sample : samples) acknowledged.insert(sample.id);
        fake_.clock.advance(std::chrono::milliseconds(random() % 1500));
        if (!history_->step(1 + random() % 20)) break;
        if (random() % 3 == 0) (void)history_->maintain();
        durable = history_->durable_cursor();
        ASSERT_LE(durable, history_->cursor());
      }
      history_.reset();
      fake_.files.restart(random());
      open();
      ASSERT_GE(history_->cursor(), durable) << "seed " << seed;
      ASSERT_EQ(history_->durable_cursor(), history_->cursor());
      catch_up(1 + random() % 50);
      auto asked = query(Attribute::ResourceName, "Writer");
      asked.count_max = 1000;
      const auto found = ids(asked);
      const std::set<std::string> unique(found.begin(), found.end());
      ASSERT_EQ(unique.size(), found.size()) << "seed " << seed;
      ASSERT_TRUE(std::ranges::includes(unique, acknowledged)) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace traccia::history
