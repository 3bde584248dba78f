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

#include "ingest/ingest.h"
#include "meta/database.h"
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
  ingest::Draft out;
  out.record = event::admit(fmt::format(R"({{"eventTime":"{}","eventName":"n","eventID":"{}"{}}})",
                                        format_iso_milliseconds(sample.time), sample.id,
                                        sample.more),
                            options).value();
  return out;
}

// The log and its index on one simulated machine.
class HistoryTest : public testing::Test {
 protected:
  void SetUp() override { open(); }

  void open() {
    history_.reset();
    open_log();
    auto opened = History::open(fake_.os(), "/data/history", *wal_);
    ASSERT_TRUE(opened) << opened.error().message();
    history_ = std::move(*opened);
  }
  void open_log() {
    ingest_.reset();
    wal_.reset();
    ASSERT_TRUE(fake_.files.make_directories("/data/wal"));
    wal::Options options;
    options.segment_bytes_max = 4096;
    wal_ = wal::Wal::open(fake_.files, "/data/wal", options).value();
    ingest_ = ingest::Ingest::open(fake_.os(), *wal_, {}).value();
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
      if (*taken == 0) return;
    }
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
      event::AdmitOptions options;
      options.stored = true;
      out.push_back(event::admit(record, options).value().event_id);
    }
    return out;
  }
  Strings ids(const Query& query) {
    const auto page = history_->lookup(query);
    EXPECT_TRUE(page);
    return page ? ids_of(*page) : Strings{};
  }

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
      auto asked = random() % 3 == 0 ? query()
                                     : query(Attribute::EventSource,
                                             fmt::format("s{}", random() % 3));
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
      ASSERT_TRUE(std::ranges::is_sorted(got, [&](size_t left, size_t right) {
        return std::pair(sent[left].time, left) > std::pair(sent[right].time, right);
      })) << "seed " << seed;
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
  EXPECT_EQ(history_->step(10).value(), 10U);
  EXPECT_EQ(history_->cursor(), wal_->begin()) << "the entry is not all in";
  fake_.files.restart_keeping_all();
  open();
  EXPECT_EQ(history_->step(10).value(), 10U);
  EXPECT_EQ(history_->step(10).value(), 6U);
  EXPECT_EQ(history_->step(10).value(), 0U);
  EXPECT_EQ(history_->cursor(), wal_->durable_end());
  const auto found = ids(query());
  EXPECT_EQ(std::set(found.begin(), found.end()).size(), 26U);
  EXPECT_EQ(found.size(), 26U);
}

TEST_F(HistoryTest, ForgetsNinetyDaysAfterIngest) {
  ASSERT_TRUE(submit({{.id = "old", .more = std::string(kRich)}}));
  catch_up();
  fake_.clock.advance(std::chrono::hours(24));
  ASSERT_TRUE(submit({{.id = "younger", .more = std::string(kRich)}}));
  catch_up();
  fake_.clock.advance(kRetention - std::chrono::hours(24));
  EXPECT_EQ(ids(query()).size(), 2U) << "exactly 90 days";
  fake_.clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(ids(query()), Strings{"younger"}) << "hidden before it is removed";
  EXPECT_EQ(history_->step(10).value(), 0U);
  fake_.clock.set(from_unix_seconds(1'790'000'000));  // what is removed does not come back
  EXPECT_EQ(ids(query()), Strings{"younger"});
  EXPECT_EQ(ids(query(Attribute::ResourceName, "bucket")), Strings{"younger"});
  history_.reset();
  auto database =
      meta::Database::open(fake_.os(), "/data/history/history.db", meta::Durability::Full, {});
  EXPECT_EQ(database.error().code(), ErrorCode::FailedPrecondition) << "schema is versioned";
}

TEST_F(HistoryTest, RemovalIsBoundedPerStep) {
  std::vector<Sample> samples;
  for (int i = 0; i < 1500; ++i) samples.push_back({.id = fmt::format("{}", i)});
  ASSERT_TRUE(submit(samples));
  catch_up(2000);
  fake_.clock.advance(kRetention + std::chrono::hours(1));
  EXPECT_EQ(history_->step(10).value(), 0U);
  fake_.clock.set(from_unix_seconds(1'790'000'000));
  auto asked = query();
  asked.count_max = 1000;
  EXPECT_EQ(ids(asked).size(), 500U);
  fake_.clock.set(from_unix_seconds(1'790'000'000) + kRetention + std::chrono::hours(1));
  EXPECT_EQ(history_->step(10).value(), 0U);
  fake_.clock.set(from_unix_seconds(1'790'000'000));
  EXPECT_EQ(ids(asked).size(), 0U);
}

TEST_F(HistoryTest, CorruptionInTheLogIsToldAfterWhatPrecedesIt) {
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
  catch_up();
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
  catch_up();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(submit({{.id = fmt::format("{}", i)}}));
  ASSERT_TRUE(wal_->remove_below(wal_->durable_end()));
  ASSERT_GT(wal_->begin(), history_->cursor());
  history_.reset();
  const auto gap = History::open(fake_.os(), "/data/history", *wal_);
  ASSERT_FALSE(gap);
  EXPECT_EQ(gap.error().code(), ErrorCode::DataLoss);
}

TEST_F(HistoryTest, AFailedStepIsTriedAgain) {
  ASSERT_TRUE(submit({{.id = "a"}, {.id = "b"}}));
  fake_.files.set_fault([](os::Operation operation, const std::string& path)
                            -> std::optional<Error> {
    if (operation != os::Operation::Write || !path.starts_with("/data/history")) return {};
    return Error(ErrorCode::ResourceExhausted, "no space left on device");
  });
  EXPECT_EQ(history_->step(100).error().code(), ErrorCode::ResourceExhausted);
  EXPECT_EQ(ids(query()), Strings{});
  fake_.files.set_fault(nullptr);
  EXPECT_EQ(history_->step(100).value(), 2U);
  EXPECT_EQ(ids(query()), (Strings{"b", "a"}));
}

TEST_F(HistoryTest, AnswersWhileItTakesIn) {
  constexpr int kCount = 200;
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
  }
  over = true;
  reader.join();
}

// Whatever is lost of the index comes again from the log; nothing comes twice; the cursor that
// allows cutting the log never goes back.
TEST_F(HistoryTest, SurvivesPowerLoss) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    std::mt19937_64 random(seed);
    history_.reset();
    fake_.files.restart_keeping_all();
    for (const auto& path : fake_.files.paths()) ASSERT_TRUE(fake_.files.remove(path));
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
