// What recent entries stay, and how far readers are told to be behind.
// SPDX-License-Identifier: Apache-2.0
#include "wal/recent.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace traccia::wal {
namespace {

// Entries of 10 positions and 40 bytes, from 0.
class RecentEntriesTest : public testing::Test {
 protected:
  void add(int count) {
    for (int i = 0; i < count; ++i, end_ += 10) {
      recent_.add(end_, end_ + 10, {std::make_shared<const Position>(end_), 40});
    }
  }
  // The oldest entry that is kept; whatever follows must be kept too.
  Position oldest() const {
    Position first = 0;
    while (first < end_ && !recent_.find(first)) first += 10;
    for (auto at = first; at < end_; at += 10) {
      const auto found = recent_.find(at);
      EXPECT_TRUE(found) << at;
      EXPECT_EQ(*std::static_pointer_cast<const Position>(found->content), at);
      EXPECT_EQ(found->next, at + 10);
    }
    return first;
  }

  RecentEntries recent_{{.bytes_max = 400, .read_bytes_max = 80, .shared_bytes_max = 160}};
  Position end_ = 0;
};

TEST_F(RecentEntriesTest, WithoutReadersTheNewestStay) {
  EXPECT_FALSE(recent_.unread_bytes());
  add(15);
  EXPECT_EQ(oldest(), 50U) << "ten entries of 40 bytes";
  EXPECT_FALSE(recent_.find(55));
  EXPECT_FALSE(recent_.find(150));
}

TEST_F(RecentEntriesTest, WhatAllReadersHavePassedGoesBeforeTheLimit) {
  const auto fast = recent_.add_reader(0);
  const auto slow = recent_.add_reader(0);
  add(6);
  recent_.set_reader(fast, 60);
  EXPECT_EQ(oldest(), 0U);
  EXPECT_EQ(recent_.unread_bytes(), 240U);
  recent_.set_reader(slow, 30);
  EXPECT_EQ(oldest(), 30U) << "what is before the slow one stays";
  EXPECT_EQ(recent_.unread_bytes(), 120U);
  recent_.set_reader(slow, 35);
  EXPECT_EQ(oldest(), 30U) << "within an entry";
  recent_.set_reader(slow, 60);
  EXPECT_EQ(oldest(), 40U) << "80 bytes that were read stay";
  EXPECT_EQ(recent_.unread_bytes(), 0U);
  add(1);
  EXPECT_EQ(oldest(), 50U);
  EXPECT_EQ(recent_.unread_bytes(), 40U);
}

TEST_F(RecentEntriesTest, AReaderThatFallsBehindIsToldSo) {
  const auto reader = recent_.add_reader(0);
  add(10);
  EXPECT_EQ(recent_.unread_bytes(), 400U);
  add(1);
  EXPECT_EQ(oldest(), 10U);
  EXPECT_FALSE(recent_.unread_bytes());
  recent_.set_reader(reader, 10);
  EXPECT_EQ(recent_.unread_bytes(), 400U) << "it is back";
}

TEST_F(RecentEntriesTest, AnEntryBeyondTheLimitIsNotKept) {
  const auto reader = recent_.add_reader(0);
  add(1);
  recent_.add(end_, end_ + 10, {std::make_shared<const Position>(end_), 401});
  end_ += 10;
  EXPECT_EQ(oldest(), end_) << "nor what came before it";
  EXPECT_FALSE(recent_.unread_bytes()) << "the reader is behind what is kept";
  recent_.set_reader(reader, end_);
  EXPECT_EQ(recent_.unread_bytes(), 0U);
}

TEST_F(RecentEntriesTest, EntriesWithoutContentAreNotKept) {
  recent_.add(0, 10, {});
  EXPECT_FALSE(recent_.find(0));
}

// Readers that catch up: entries of 10 positions and 40 bytes; four of them may be shared.
class SharedEntriesTest : public testing::Test {
 protected:
  static constexpr RecentEntries::Limits kLimits{
      .bytes_max = 400,
      .read_bytes_max = 80,
      .shared_bytes_max = 160,
      .pace_bytes_min = 20,
      .patience = std::chrono::hours(1)};  // who waits in vain hangs

  static void share(RecentEntries& recent, Position position) {
    recent.share(position, position + 10, {std::make_shared<const Position>(position), 40});
  }
  // Shares what it must decode up to `end`, as readers of the log do.
  static void read(RecentEntries& recent, size_t reader, Position from, Position end) {
    for (auto at = from; at < end; at += 10) {
      if (!recent.find(at)) {
        recent.wait_to_share(reader);
        share(recent, at);
      }
      recent.set_reader(reader, at + 10);
    }
  }
  static std::vector<Position> kept(const RecentEntries& recent) {
    std::vector<Position> out;
    for (Position at = 0; at < 1000; at += 10) {
      if (recent.find(at)) out.push_back(at);
    }
    return out;
  }
};

TEST_F(SharedEntriesTest, StayUntilAllHavePassed) {
  RecentEntries recent(kLimits);
  const auto first = recent.add_reader(0), second = recent.add_reader(0);
  const auto third = recent.add_reader(0);
  read(recent, first, 0, 30);
  EXPECT_EQ(kept(recent), (std::vector<Position>{0, 10, 20}));
  EXPECT_EQ(*std::static_pointer_cast<const Position>(recent.find(10)->content), 10U);
  EXPECT_EQ(recent.find(10)->next, 20U);
  recent.set_reader(second, 20);
  EXPECT_EQ(kept(recent), (std::vector<Position>{0, 10, 20}));
  recent.set_reader(third, 15);
  EXPECT_EQ(kept(recent), (std::vector<Position>{10, 20}));
  recent.set_reader(third, 30);
  EXPECT_EQ(kept(recent), (std::vector<Position>{20})) << "the second has not passed it";
  recent.set_reader(second, 30);
  EXPECT_TRUE(kept(recent).empty());
  EXPECT_EQ(recent.unread_bytes(), 0U);
}

TEST_F(SharedEntriesTest, WhatNobodyFollowsForIsNotKept) {
  RecentEntries recent(kLimits);
  share(recent, 0);
  EXPECT_TRUE(kept(recent).empty());
  const auto ahead = recent.add_reader(50), behind = recent.add_reader(0);
  read(recent, behind, 0, 50);
  EXPECT_TRUE(kept(recent).empty());
  read(recent, ahead, 50, 60);
  EXPECT_EQ(kept(recent), (std::vector<Position>{50}));
}

TEST_F(SharedEntriesTest, WithoutRoomTheOldestStay) {
  RecentEntries recent(kLimits);
  recent.add_reader(0);
  recent.add_reader(0);
  for (Position at = 0; at < 100; at += 10) share(recent, at);
  EXPECT_EQ(kept(recent), (std::vector<Position>{0, 10, 20, 30}));
  share(recent, 0);
  EXPECT_EQ(kept(recent), (std::vector<Position>{0, 10, 20, 30})) << "decoded by both at once";
}

TEST_F(SharedEntriesTest, CountAgainstTheMemoryOfAll) {
  RecentEntries recent(kLimits);
  recent.add_reader(0);
  const auto ahead = recent.add_reader(0);
  for (Position at = 500; at < 600; at += 10) {
    recent.add(at, at + 10, {std::make_shared<const Position>(at), 40});
  }
  EXPECT_EQ(kept(recent).size(), 10U);
  read(recent, ahead, 0, 40);
  EXPECT_EQ(kept(recent), (std::vector<Position>{0, 10, 20, 30, 540, 550, 560, 570, 580, 590}));
}

// Neither hangs, though the patience is an hour.
TEST_F(SharedEntriesTest, TheSlowestReaderWaitsForNobody) {
  RecentEntries recent(kLimits);
  const auto slow = recent.add_reader(0), fast = recent.add_reader(200);
  for (Position at = 200; at < 240; at += 10) share(recent, at);
  recent.set_reader(fast, 240);
  read(recent, slow, 0, 240);
  recent.set_reader(slow, 240);
  read(recent, slow, 240, 250);
  read(recent, fast, 240, 280);
}

TEST_F(SharedEntriesTest, TheFasterWaitsForOneThatKeepsThePace) {
  RecentEntries recent(kLimits);
  const auto slow = recent.add_reader(0), fast = recent.add_reader(0);
  std::atomic<Position> slow_at = 0, fast_at = 0;
  std::atomic<int> too_far = 0;
  std::jthread faster([&] {
    for (Position at = 0; at < 1000; at += 10) {
      recent.wait_to_share(fast);
      if (at > slow_at + 30) ++too_far;  // of four entries the last
      share(recent, at);
      recent.set_reader(fast, at + 10);
      fast_at = at + 10;
    }
  });
  int missed = 0;
  for (Position at = 0; at < 1000; at += 10) {
    while (fast_at <= at) std::this_thread::yield();
    if (!recent.find(at)) ++missed;
    slow_at = at + 10;
    recent.set_reader(slow, at + 10);
  }
  faster.join();
  EXPECT_EQ(missed, 0) << "each was decoded once";
  EXPECT_EQ(too_far, 0);
}

TEST_F(SharedEntriesTest, OneThatStandsStillIsWaitedForOnce) {
  auto limits = kLimits;
  limits.patience = std::chrono::milliseconds(1);
  RecentEntries recent(limits);
  const auto slow = recent.add_reader(0), fast = recent.add_reader(0);
  read(recent, fast, 0, 500);
  EXPECT_EQ(recent.waits(), 1U);
  recent.set_reader(slow, 19);
  read(recent, fast, 500, 600);
  EXPECT_EQ(recent.waits(), 1U) << "it creeps: there is room for one, then none";
  recent.set_reader(slow, 20);
  read(recent, fast, 600, 700);
  EXPECT_EQ(recent.waits(), 2U) << "it has moved on by the pace";
}

}  // namespace
}  // namespace traccia::wal
