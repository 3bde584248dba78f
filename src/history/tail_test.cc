// Following what arrives: order, filters, limits, places within entries, a log that was cut.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "history/test_history.h"

namespace traccia::history {
namespace {

class TailTest : public HistoryTest {
 protected:
  static TailQuery tail_query(Cursor from) {
    TailQuery out;
    out.account = kAccount;
    out.region = kRegion;
    out.from = from;
    return out;
  }
  Strings follow(TailQuery& query) {
    auto page = history_->tail(query).value();
    query.from = page.next;
    return ids_of({std::move(page.records), {}});
  }
};

TEST_F(TailTest, GivesWhatIsTakenInInTheOrderOfTheLog) {
  ASSERT_TRUE(submit({{.id = "before"}}));
  catch_up();
  auto query = tail_query(history_->end());
  EXPECT_EQ(follow(query), Strings{});
  ASSERT_TRUE(submit({{.id = "a", .time = from_unix_seconds(1'789'990'005)}, {.id = "b"}}));
  EXPECT_EQ(follow(query), Strings{}) << "look-ups do not find them yet";
  ASSERT_EQ(history_->step(1).value(), 1U);
  EXPECT_EQ(follow(query), Strings{"a"}) << "a step may end within an entry";
  catch_up();
  ASSERT_TRUE(submit({{.id = "c"},
                      {.id = "data", .more = R"(,"eventCategory":"Data")"},
                      {.id = "far", .region = "us-east-1"},
                      {.id = "other", .account = "444455556666"}}));
  catch_up();
  EXPECT_EQ(follow(query), (Strings{"b", "c"}));
  EXPECT_EQ(query.from, history_->end());
  auto everything = tail_query({wal_->begin(), 0});
  everything.account.reset();
  everything.region.reset();
  everything.expression = parse_expression("NOT EventId=b").value();
  auto found = follow(everything);
  std::ranges::sort(found);
  EXPECT_EQ(found, (Strings{"a", "before", "c", "far", "other"}));
}

TEST_F(TailTest, PagesHaveLimits) {
  std::vector<Sample> samples;
  Strings all;
  for (int i = 0; i < 30; ++i) {
    samples.push_back({.id = fmt::format("{:02}", i)});
    all.push_back(samples.back().id);
  }
  ASSERT_TRUE(submit({samples.begin(), samples.begin() + 10}));
  ASSERT_TRUE(submit({samples.begin() + 10, samples.end()}));
  catch_up();
  const auto check = [&](auto set, size_t page_max) {
    auto query = tail_query({wal_->begin(), 0});
    set(query);
    Strings found;
    size_t pages = 0;
    while (query.from < history_->end()) {
      const auto page = follow(query);
      EXPECT_LE(page.size(), page_max);
      found.insert(found.end(), page.begin(), page.end());
      ASSERT_LE(++pages, 40U);
    }
    EXPECT_EQ(found, all);
  };
  check([](TailQuery& query) { query.count_max = 7; }, 7);
  check([](TailQuery& query) { query.bytes_max = 1; }, 1);
  check([](TailQuery& query) { query.examined_max = 3; }, 3);
}

TEST_F(TailTest, APlaceThatWasCutIsTold) {
  auto query = tail_query(history_->end());
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(submit({{.id = fmt::format("{}", i)}}));
  seal();
  ASSERT_TRUE(wal_->remove_below(history_->durable_cursor()));
  const auto page = history_->tail(query);
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().reason(), "TailTooOld");
}

}  // namespace
}  // namespace traccia::history
