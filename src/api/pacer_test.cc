// When answers to large submissions are given.
// SPDX-License-Identifier: Apache-2.0
#include "api/pacer.h"

#include <gtest/gtest.h>

#include "os/fake_os.h"

namespace traccia::api {
namespace {

class PacerTest : public testing::Test {
 protected:
  void add_entry() {
    recent_.add(end_, end_ + 1, {std::make_shared<const int>(0), 30});
    ++end_;
  }
  void answer() {
    pacer_.answer([&] { ++answered_; });
  }

  os::FakeOs fake_;
  wal::RecentEntries recent_{{.bytes_max = 100}};
  size_t sink_ = recent_.add_reader(0);
  wal::Position end_ = 0;
  Pacer pacer_{fake_.clock, recent_};
  int answered_ = 0;
};

TEST_F(PacerTest, AnswersAtOnceWhileSinksKeepUp) {
  answer();
  add_entry();
  answer();
  EXPECT_EQ(answered_, 2);
}

TEST_F(PacerTest, WaitsUntilTheSlowestSinkIsNear) {
  add_entry();
  add_entry();
  answer();
  answer();
  pacer_.check();
  EXPECT_EQ(answered_, 0) << "60 of 100 bytes are unread";
  recent_.set_reader(sink_, 1);
  pacer_.check();
  EXPECT_EQ(answered_, 2);
}

TEST_F(PacerTest, DoesNotWaitLongForASinkThatStands) {
  add_entry();
  add_entry();
  answer();
  fake_.clock.advance(Pacer::kWaitMax / 2);
  answer();
  fake_.clock.advance(Pacer::kWaitMax / 2);
  pacer_.check();
  EXPECT_EQ(answered_, 1) << "each waits for itself";
  fake_.clock.advance(Pacer::kWaitMax);
  pacer_.check();
  EXPECT_EQ(answered_, 2);
}

TEST_F(PacerTest, DoesNotWaitForASinkThatReadsFromTheDisk) {
  for (int i = 0; i < 4; ++i) add_entry();
  answer();
  EXPECT_EQ(answered_, 1);
}

TEST_F(PacerTest, HoldsOnlySoMany) {
  add_entry();
  add_entry();
  for (size_t i = 0; i < Pacer::kHeldMax; ++i) answer();
  EXPECT_EQ(answered_, 0);
  answer();
  EXPECT_EQ(answered_, 1);
}

TEST_F(PacerTest, AnswersAllWhenItStops) {
  add_entry();
  add_entry();
  answer();
  pacer_.stop();
  EXPECT_EQ(answered_, 1);
  answer();
  EXPECT_EQ(answered_, 2);
}

}  // namespace
}  // namespace traccia::api
