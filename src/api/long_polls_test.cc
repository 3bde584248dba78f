// Who waits, for how long, and who is let go.
// SPDX-License-Identifier: Apache-2.0
#include "api/long_polls.h"

#include <gtest/gtest.h>

#include <atomic>

namespace traccia::api {
namespace {

using std::chrono::seconds;

void expect_soon(const std::atomic<int>& counter, int value) {
  const auto end = std::chrono::steady_clock::now() + seconds(60);
  while (counter != value && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  EXPECT_EQ(counter, value);
}

TEST(LongPolls, GoOnWhenTheirQueueHasSomething) {
  std::atomic<int> filled = 0, done = 0, looked = 0;
  LongPolls polls([&](int64_t queue) {
    ++looked;
    return queue == filled;
  });
  for (int64_t queue = 1; queue <= 2; ++queue) {
    LongPolls::Waiting waiting{queue, LongPolls::Clock::now() + seconds(3600), [&] { ++done; }};
    ASSERT_TRUE(polls.wait(waiting));
  }
  const auto end = std::chrono::steady_clock::now() + seconds(60);
  while (looked < 4 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  EXPECT_EQ(done, 0);
  filled = 2;
  polls.wake();
  expect_soon(done, 1);
  polls.stop();
  EXPECT_EQ(done, 2) << "nobody is left behind";
}

TEST(LongPolls, GoOnWhenTheirTimeIsOver) {
  std::atomic<int> done = 0;
  LongPolls polls([](int64_t) { return false; });
  LongPolls::Waiting waiting{1, LongPolls::Clock::now(), [&] { ++done; }};
  ASSERT_TRUE(polls.wait(waiting));
  expect_soon(done, 1);
}

TEST(LongPolls, HaveALimitAndAnEnd) {
  std::atomic<int> done = 0;
  LongPolls polls([](int64_t) { return false; });
  const auto waiting = [&] {
    return LongPolls::Waiting{1, LongPolls::Clock::now() + seconds(3600), [&] { ++done; }};
  };
  for (size_t i = 0; i < LongPolls::kWaitingMax; ++i) {
    auto one = waiting();
    ASSERT_TRUE(polls.wait(one));
  }
  auto more = waiting();
  EXPECT_FALSE(polls.wait(more));
  ASSERT_TRUE(more.proceed) << "it is still the caller's";
  polls.stop();
  EXPECT_EQ(done, static_cast<int>(LongPolls::kWaitingMax));
  EXPECT_FALSE(polls.wait(more));
}

}  // namespace
}  // namespace traccia::api
