// Merging: what is found stays what it was, whatever happens meanwhile.
// SPDX-License-Identifier: Apache-2.0
#include "history/merge.h"

#include <algorithm>
#include <atomic>
#include <random>
#include <set>
#include <thread>

#include "history/test_history.h"

namespace traccia::history {
namespace {

class MergeTest : public HistoryTest {
 protected:
  void SetUp() override {
    options_.head_events_max = 8;
    options_.merge = {.idle_time = {}, .step_events = 8, .free_bytes_min = 0};
    open();
  }
  void catch_up() { HistoryTest::catch_up(options_.head_events_max); }
  // What is there is in small segments.
  void open_unmerged() {
    options_.merge.inputs_max = 0;
    open();
    catch_up();
    options_.merge.inputs_max = 16;
    open();
  }
  void begin_merge() {
    EXPECT_FALSE(history_->maintain().value()) << "whether it is idle is not known yet";
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(history_->maintain().value());
  }
  void ingest(int from, int count, uint64_t seed = 1) {
    std::mt19937_64 random(seed);
    for (int i = from; i < from + count; ++i) {
      Sample sample{.id = fmt::format("{}", i), .more = std::string(kRich)};
      sample.time += std::chrono::milliseconds(random() % 100'000);
      if (random() % 4 == 0) sample.region = "us-east-1";
      if (random() % 3 == 0) {
        sample.more = fmt::format(R"(,"eventSource":"s{}.amazonaws.com","requestID":"{:016x}")",
                                  random() % 3, random());
      }
      all_.push_back(sample);
      ASSERT_TRUE(submit({sample}));
    }
  }
  // What a page of everything of the region has to be.
  Strings scan(const std::string& region, std::string_view part = "") const {
    std::vector<size_t> order;
    for (size_t i = 0; i < all_.size(); ++i) {
      if (all_[i].region == region && all_[i].more.find(part) != std::string::npos) {
        order.push_back(i);
      }
    }
    std::ranges::sort(order, [&](size_t a, size_t b) {
      return std::pair(all_[a].time, a) > std::pair(all_[b].time, b);
    });
    Strings out;
    for (const auto i : order) out.push_back(all_[i].id);
    return out;
  }
  void expect_all() {
    auto asked = query();
    asked.count_max = kPageRecordsMax;
    EXPECT_EQ(ids(asked), scan(std::string(kRegion)));
    asked.region = "us-east-1";
    EXPECT_EQ(ids(asked), scan("us-east-1"));
    auto by_source = query(Attribute::EventSource, "s1.amazonaws.com");
    by_source.count_max = kPageRecordsMax;
    EXPECT_EQ(ids(by_source), scan(std::string(kRegion), "s1.amazonaws.com"));
    for (size_t i = 0; i < all_.size(); i += 7) {
      auto one = query(Attribute::EventId, all_[i].id);
      one.region.reset();
      EXPECT_EQ(ids(one), Strings{all_[i].id});
    }
  }

  std::vector<Sample> all_;
};

TEST_F(MergeTest, ManySmallSegmentsBecomeFew) {
  ingest(0, 100);
  catch_up();
  EXPECT_LE(segments().size(), 3U);
  expect_all();
  open();
  catch_up();
  expect_all();
  const auto newest = Segment::open(fake_.files, segments().back()).value();
  EXPECT_EQ(history_->durable_cursor(), newest->end().position);
}

TEST_F(MergeTest, TreesOfSizes) {
  for (int i = 0; i < 40; ++i) {
    ingest(i * 8, 8, static_cast<uint64_t>(i));
    catch_up();
    // Each time the newest of equal size become one: as many are left as the count has bits.
    EXPECT_LE(segments().size(), 7U);
  }
  expect_all();
}

TEST_F(MergeTest, NothingIsMergedWhileMuchArrives) {
  options_.merge.idle_time = std::chrono::hours(1);
  options_.merge.segments_max = 5;
  open();
  for (int i = 0; i < 12; ++i) {
    ingest(i * 8, 8);
    catch_up();
    EXPECT_LE(segments().size(), 8U) << "there may not be ever more of them";
    if (i != 4) continue;
    EXPECT_EQ(segments().size(), 5U);
  }
  expect_all();
}

TEST_F(MergeTest, HasLimits) {
  options_.merge.events_max = 24;
  options_.merge.inputs_max = 2;
  open();
  ingest(0, 64);
  catch_up();
  EXPECT_EQ(segments().size(), 4U) << "16 events each; 32 are too many";
  options_.merge.events_max = 1000;
  options_.merge.span_max = std::chrono::hours(1);
  open();
  fake_.clock.advance(std::chrono::hours(2));
  ingest(64, 64);
  catch_up();
  EXPECT_EQ(segments().size(), 2U) << "not across the pause";
  expect_all();
}

TEST_F(MergeTest, AHeadThatIsFullGoesFirst) {
  ingest(0, 64);
  open_unmerged();
  begin_merge();
  ingest(64, 8);
  EXPECT_EQ(history_->step(8).value(), 8U);
  EXPECT_EQ(history_->step(8).value(), 0U) << "the head is frozen";
  const auto before = history_->durable_cursor();
  EXPECT_TRUE(history_->maintain().value());
  EXPECT_GT(history_->durable_cursor(), before) << "the head";
  maintain();
  expect_all();
}

TEST_F(MergeTest, WhatExpiresMeanwhileIsRemoved) {
  ingest(0, 48);
  open_unmerged();
  begin_merge();
  fake_.clock.advance(kRetention + std::chrono::hours(2));
  all_.clear();
  ingest(48, 16);
  catch_up();
  EXPECT_LE(segments().size(), 2U);
  expect_all();
  open();
  catch_up();
  expect_all();
}

TEST_F(MergeTest, AFailureIsToldAndTriedAgainLater) {
  for (const auto failing : {os::Operation::Write, os::Operation::Sync, os::Operation::Rename,
                             os::Operation::SyncDirectory, os::Operation::Remove}) {
    ingest(static_cast<int>(all_.size()), 32);
    open_unmerged();
    fake_.files.set_fault(
        [&](os::Operation operation, const std::string& path) -> std::optional<Error> {
          if (operation != failing || !path.starts_with("/data/history")) return {};
          return Error(ErrorCode::ResourceExhausted, "no space left on device");
        });
    int told = 0;
    for (int i = 0; i < 100; ++i) told += history_->maintain() ? 0 : 1;
    EXPECT_EQ(told, 1) << int(failing);
    expect_all();
    fake_.files.set_fault(nullptr);
    fake_.clock.advance(options_.merge.retry_after);
    const auto before = segments().size();
    maintain();
    EXPECT_LT(segments().size(), before) << int(failing);
    expect_all();
    open();
    expect_all();
  }
}

// Against a scan, with merges between pages.
TEST_F(MergeTest, PagesAreStable) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    all_.clear();
    SetUp();
    for (const auto& path : fake_.files.paths()) ASSERT_TRUE(fake_.files.remove(path));
    options_.merge.inputs_max = 2 + random() % 8;
    open();
    ingest(0, 60, seed);
    history_->step(1000).value();
    auto asked = query();
    asked.count_max = 1 + random() % 7;
    const auto expected = scan(std::string(kRegion));
    Strings found;
    while (true) {
      const auto page = history_->lookup(asked);
      ASSERT_TRUE(page);
      for (auto& id : ids_of(*page)) found.push_back(id);
      if (!page->next) break;
      asked.after = page->next;
      for (auto steps = random() % 6; steps > 0; --steps) {
        ASSERT_TRUE(history_->step(1 + random() % 20));
        ASSERT_TRUE(history_->maintain());
      }
    }
    // What was not taken in when the first page was asked for may be missing, no more than that.
    ASSERT_TRUE(std::ranges::is_permutation(found, std::set(found.begin(), found.end())))
        << "twice, seed " << seed;
    Strings in_order;
    const std::set<std::string> got(found.begin(), found.end());
    for (const auto& id : expected) {
      if (got.contains(id)) in_order.push_back(id);
    }
    ASSERT_EQ(found, in_order) << "seed " << seed;
    catch_up();
    expect_all();
    if (HasFailure()) FAIL() << "seed " << seed;
    history_.reset();
  }
}

TEST_F(MergeTest, AnswersWhileItTakesInAndMerges) {
  constexpr int kCount = 300;
  std::atomic<bool> over{false};
  std::atomic<int> taken{0};
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 2; ++reader) {
    readers.emplace_back([&] {
      while (!over) {
        const auto least = taken.load();
        auto asked = query();
        asked.count_max = 16;
        Strings found;
        do {
          const auto page = history_->lookup(asked);
          ASSERT_TRUE(page);
          for (auto& id : ids_of(*page)) found.push_back(id);
          asked.after = page->next;
        } while (asked.after);
        // They came in one by one, in one second each older than the next.
        ASSERT_GE(static_cast<int>(found.size()), least);
        for (size_t i = 0; i < found.size(); ++i) {
          ASSERT_EQ(found[i], fmt::format("{}", found.size() - 1 - i));
        }
      }
    });
  }
  std::atomic<bool> full{false};
  std::thread upkeep([&] {
    while (!full) {
      ASSERT_TRUE(history_->maintain());
    }
  });
  for (int i = 0; i < kCount; ++i) {
    ASSERT_TRUE(submit({{.id = fmt::format("{}", i)}}));
    while (history_->step(10).value() == 0) std::this_thread::yield();
    taken = i + 1;
  }
  full = true;
  upkeep.join();
  over = true;
  for (auto& reader : readers) reader.join();
  maintain();
  EXPECT_LT(segments().size(), 8U);
}

}  // namespace
}  // namespace traccia::history
