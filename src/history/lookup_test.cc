// Finding by attributes, order, time ranges, tokens, pages while events arrive.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <random>
#include <set>

#include "history/test_history.h"

namespace traccia::history {
namespace {

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
  for (const auto& [arn, names] : cases) {
    const ResourceNames found({"T", arn});
    EXPECT_EQ(Strings(found.begin(), found.end()), names) << arn;
  }
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
  changed.expression.text = "m";
  EXPECT_TRUE(refused(changed));
  changed.expression = Expression::is(Attribute::EventSource, "n");
  EXPECT_TRUE(refused(changed));
  changed.expression = {};
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

// Random expressions over random events, against a scan of what was sent.
class SearchTest : public HistoryTest {
 protected:
  void start_anew(uint64_t seed) {
    random_.seed(seed);
    fake_.files.restart_keeping_all();
    history_.reset();
    for (const auto& path : fake_.files.paths()) ASSERT_TRUE(fake_.files.remove(path));
    options_.head_events_max = static_cast<uint32_t>(1 + seed * seed * 7 % 509);
    open();
    sent_.clear();
  }
  uint64_t below(uint64_t bound) { return random_() % bound; }
  std::string_view one_of(std::initializer_list<std::string_view> choices) {
    return choices.begin()[below(choices.size())];
  }

  void send(size_t count) {
    std::vector<Sample> samples;
    for (size_t i = 0; i < count; ++i) {
      Sample sample{.id = fmt::format("{}", sent_.size())};
      sample.time += std::chrono::seconds(below(8));
      sample.more = fmt::format(R"(,"eventSource":"s{}.amazonaws.com")", below(3));
      if (below(2) == 0) sample.more += R"(,"readOnly":true)";
      if (below(3) > 0) {
        sample.more += fmt::format(R"(,"userIdentity":{{"type":"IAMUser","userName":"{}"}})",
                                   one_of({"ada", "adele", "bob"}));
      }
      if (below(2) == 0) {
        sample.more += fmt::format(
            R"(,"resources":[{{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::b{}/k{}"}},)"
            R"({{"type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::b{}"}}])",
            below(2), below(60), below(3));
      }
      if (below(4) == 0) sample.region = "us-east-1";
      if (below(5) == 0) sample.account = "444455556666";
      sent_.push_back({sample, draft(sample)});
      samples.push_back(sample);
    }
    ASSERT_TRUE(submit(samples));
    catch_up(1 + below(7));
  }

  Expression condition() {
    switch (below(8)) {
      case 0:
        return Expression::is(Attribute::EventId, fmt::format("{}", below(400)));
      case 1:
        return Expression::is(Attribute::ReadOnly, below(2) == 0 ? "true" : "false");
      case 2:
        return Expression::starts_with(Attribute::Username, std::string(one_of({"", "ad", "z"})));
      case 3:
        return Expression::is(Attribute::ResourceName, fmt::format("b{}/k{}", below(2), below(60)));
      case 4:
        return Expression::starts_with(
            Attribute::ResourceName, std::string(one_of({"", "b0", "b1/k1", "arn:aws:s3:::b0/"})));
      case 5:
        return Expression::is(Attribute::Username, std::string(one_of({"ada", "bob", "nobody"})));
      default:
        return Expression::is(Attribute::EventSource, fmt::format("s{}.amazonaws.com", below(4)));
    }
  }
  // Holds for nothing, which takes a look at everything to tell.
  static Expression nothing() {
    return parse_expression("NOT (ReadOnly=true OR ReadOnly=false)").value();
  }
  Expression expression(int depth = 0) {
    if (depth > 0 && below(10) == 0) return nothing();
    const auto kind = depth == 3 ? 0 : below(6);
    if (kind < 2) return condition();
    if (kind == 2) return Expression::negation(expression(depth + 1));
    std::vector<Expression> parts;
    for (auto count = 2 + below(3); count > 0; --count) parts.push_back(expression(depth + 1));
    return kind == 3 ? Expression::disjunction(std::move(parts))
                     : Expression::conjunction(std::move(parts));
  }
  Query any_query() {
    auto asked = query();
    if (below(3) == 0) asked.account.reset();
    if (below(3) == 0) asked.region.reset();
    if (below(8) > 0) asked.expression = below(10) > 0 ? expression() : nothing();
    if (below(3) == 0) asked.start = Sample{}.time + std::chrono::seconds(below(8));
    if (below(3) == 0) asked.end = Sample{}.time + std::chrono::seconds(below(8));
    asked.count_max = 1 + below(9);
    if (below(2) == 0) asked.work_max = below(200);
    return asked;
  }

  struct Sent {
    Sample sample;
    ingest::Draft draft;
  };
  static bool matches_query(const Query& asked, const Sent& sent) {
    const auto& [sample, draft] = sent;
    return (!asked.account || *asked.account == sample.account) &&
           (!asked.region || *asked.region == sample.region) &&
           (!asked.start || sample.time >= *asked.start) &&
           (!asked.end || sample.time <= *asked.end) && matches(asked.expression, draft.record);
  }

  std::mt19937_64 random_;
  std::vector<Sent> sent_;
};

// While events arrive, heads are frozen and segments are written and merged.
TEST_F(SearchTest, PagesAreTheMatchesOfAScanAndStableUnderIngest) {
  size_t pages = 0, results = 0, short_pages = 0;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    start_anew(seed);
    for (int i = 0; i < 8; ++i) send(50);
    for (int round = 0; round < 12; ++round) {
      auto asked = any_query();
      SCOPED_TRACE(fmt::format("seed {}: {}", seed, to_string(asked.expression)));
      const auto known = sent_.size();
      std::vector<size_t> got;
      do {
        const auto page = history_->lookup(asked).value();
        ++pages;
        ASSERT_LT(pages, 1'000'000U) << "no page comes further";
        ASSERT_LE(page.records.size(), asked.count_max);
        short_pages += page.next && page.records.size() < asked.count_max ? 1 : 0;
        for (const auto& id : ids_of(page)) got.push_back(std::stoul(id));
        asked.after = page.next;
        if (sent_.size() < 600 && below(3) == 0) send(3);
      } while (asked.after);
      results += got.size();
      for (size_t i = 1; i < got.size(); ++i) {
        const auto &newer = sent_[got[i - 1]].sample, &older = sent_[got[i]].sample;
        ASSERT_GE(newer.time, older.time);
        // A batch is put in order by place.
        if (newer.time == older.time && newer.account == older.account &&
            newer.region == older.region) {
          ASSERT_GT(got[i - 1], got[i]);
        }
      }
      for (const auto at : got) ASSERT_TRUE(matches_query(asked, sent_[at])) << at;
      for (size_t at = 0; at < known; ++at) {
        ASSERT_EQ(std::ranges::count(got, at), matches_query(asked, sent_[at]) ? 1 : 0) << at;
      }
    }
  }
  EXPECT_GT(results, 1000U);
  EXPECT_GT(short_pages, 20U) << "pages that the work ended";
}

// A prefix of more terms than are stepped side by side.
TEST_F(SearchTest, PrefixesOfManyTerms) {
  start_anew(1);
  options_.head_events_max = 1000;
  open();
  for (int i = 0; i < 8; ++i) send(50);
  auto asked = query();
  asked.expression = parse_expression("ResourceName=b0/* NOT ResourceName=b0/k1*").value();
  asked.count_max = 1000;
  std::set<std::string> expected;
  for (const auto& sent : sent_) {
    if (matches_query(asked, sent)) expected.insert(sent.sample.id);
  }
  ASSERT_GT(expected.size(), 30U);
  for (int in_segment = 0; in_segment < 2; ++in_segment) {
    const auto found = ids(asked);
    EXPECT_EQ(std::set(found.begin(), found.end()), expected);
    EXPECT_EQ(found.size(), expected.size());
    seal();
  }
}

}  // namespace
}  // namespace traccia::history
