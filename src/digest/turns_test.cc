// Which trail's digest is tried next.
// SPDX-License-Identifier: Apache-2.0
#include "digest/turns.h"

#include <gtest/gtest.h>

namespace traccia::digest {
namespace {

constexpr auto kSecond = std::chrono::seconds(1);

class TurnsTest : public testing::Test {
 protected:
  std::string next(Duration now) {
    turn_ = turns_.take(now);
    return turn_ ? turn_->trail_arn : "";
  }

  delivery::PutSlots slots_{{}};
  Turns turns_{slots_, {std::chrono::seconds(1), std::chrono::seconds(4)}};
  std::optional<Turns::Turn> turn_;
};

TEST_F(TurnsTest, OneDigestOfATrailAtATime) {
  turns_.add("a", "bucket");
  turns_.add("a", "bucket");
  EXPECT_EQ(next({}), "a");
  const auto first = *turn_;
  EXPECT_EQ(next({}), "");
  turns_.finish(first, "other bucket", {});
  EXPECT_EQ(next({}), "a");
  EXPECT_EQ(turn_->bucket, "other bucket");
  turns_.finish(*turn_, std::nullopt, {});
  EXPECT_EQ(next({}), "") << "it has no more";
}

TEST_F(TurnsTest, TrailsTakeTurns) {
  for (const auto* trail : {"a", "b", "c"}) turns_.add(trail, "bucket");
  std::string order;
  for (int i = 1; i <= 9; ++i) {
    order += next(i * kSecond);
    turns_.finish(*turn_, "bucket", i * kSecond);
  }
  EXPECT_EQ(order, "abcabcabc");
}

TEST_F(TurnsTest, WhoIsRefusedWaitsLongerAndLonger) {
  turns_.add("a", "down");
  std::string attempts;
  for (int second = 0; second < 16; ++second) {
    attempts += next(second * kSecond).empty() ? '-' : 'a';
    if (turn_) turns_.refuse(*turn_, second * kSecond);
  }
  EXPECT_EQ(attempts, "aa-a---a---a---a");
}

TEST_F(TurnsTest, WhatComesWhileTheLastIsOnItsWayIsNotForgotten) {
  turns_.add("a", "bucket");
  EXPECT_EQ(next({}), "a");
  turns_.add("a", "bucket 2");
  turns_.add("a", "bucket 3");
  turns_.finish(*turn_, std::nullopt, {});
  EXPECT_EQ(next({}), "a");
  EXPECT_EQ(turn_->bucket, "bucket 2");
}

TEST_F(TurnsTest, ABucketWithoutASlotHoldsUpNobody) {
  turns_.add("a", "hangs");
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(slots_.take("hangs", {}));
  EXPECT_EQ(next({}), "");
  turns_.add("b", "good");
  EXPECT_EQ(next({}), "b");
  slots_.done("hangs", std::nullopt, {});
  EXPECT_EQ(next({}), "a");
}

}  // namespace
}  // namespace traccia::digest
