// What recent entries stay, and how far readers are told to be behind.
// SPDX-License-Identifier: Apache-2.0
#include "wal/recent.h"

#include <gtest/gtest.h>

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

  RecentEntries recent_{400, 80};
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

}  // namespace
}  // namespace traccia::wal
