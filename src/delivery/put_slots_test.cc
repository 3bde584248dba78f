// Who may PUT while some buckets hang.
// SPDX-License-Identifier: Apache-2.0
#include "delivery/put_slots.h"

#include <gtest/gtest.h>

namespace traccia::delivery {
namespace {

constexpr auto kSecond = std::chrono::seconds(1);

class PutSlotsTest : public testing::Test {
 protected:
  // Takes all that the bucket gets, and sends.
  size_t hang(const std::string& bucket, Duration now) {
    size_t taken = 0;
    for (; slots_.take(bucket, now); ++taken) slots_.sending(bucket, now);
    return taken;
  }

  PutSlots slots_{{8, 3, 4, std::chrono::seconds(10)}};
};

TEST_F(PutSlotsTest, WhoComesLaterStillFindsASlot) {
  EXPECT_EQ(hang("a", {}), 3U);
  EXPECT_EQ(hang("b", {}), 3U);
  EXPECT_EQ(hang("c", {}), 1U);
  EXPECT_EQ(hang("d", {}), 1U);
  EXPECT_EQ(hang("e", {}), 0U) << "all are taken";
  slots_.done("a", Duration{}, kSecond);
  EXPECT_EQ(hang("e", kSecond), 1U);
}

TEST_F(PutSlotsTest, AnyNumberOfSlowBucketsLeavesSlotsForTheOthers) {
  for (char name = 'a'; name < 'm'; ++name) {
    const std::string bucket(1, name);
    ASSERT_TRUE(slots_.take(bucket, {}));
    slots_.sending(bucket, {});
    slots_.done(bucket, Duration{}, 30 * kSecond);
  }
  size_t taken = 0;
  for (char name = 'a'; name < 'm'; ++name) taken += hang(std::string(1, name), 30 * kSecond);
  EXPECT_EQ(taken, 4U) << "one each, and of all not more than four";
  EXPECT_EQ(hang("good", 30 * kSecond), 2U);
  EXPECT_EQ(hang("also good", 30 * kSecond), 1U);
}

TEST_F(PutSlotsTest, ABucketIsSlowFromWhenItTakesLongUntilItAnswersInTime) {
  ASSERT_TRUE(slots_.take("a", {}));
  slots_.sending("a", {});
  EXPECT_TRUE(slots_.take("a", 9 * kSecond));
  EXPECT_FALSE(slots_.take("a", 10 * kSecond)) << "the first has no answer yet";
  slots_.done("a", std::nullopt, 10 * kSecond);
  slots_.done("a", Duration{}, 60 * kSecond);
  EXPECT_EQ(hang("a", 60 * kSecond), 1U);
  slots_.done("a", 60 * kSecond, 69 * kSecond);
  EXPECT_EQ(hang("a", 69 * kSecond), 3U);
}

TEST_F(PutSlotsTest, WhatWasNotSentSaysNothing) {
  ASSERT_TRUE(slots_.take("a", {}));
  slots_.done("a", std::nullopt, 60 * kSecond);
  EXPECT_EQ(hang("a", 60 * kSecond), 3U);
}

}  // namespace
}  // namespace traccia::delivery
