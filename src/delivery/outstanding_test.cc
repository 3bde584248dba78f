// Which file is tried next, and what the log must keep meanwhile.
// SPDX-License-Identifier: Apache-2.0
#include "delivery/outstanding.h"

#include <gtest/gtest.h>

#include <thread>

namespace traccia::delivery {
namespace {

constexpr auto kSecond = std::chrono::seconds(1);

std::unique_ptr<Outstanding::File> file(int64_t id, const std::string& bucket,
                                        wal::Position position, size_t rendered = 0) {
  auto out = std::make_unique<Outstanding::File>();
  out->manifest.id = id;
  out->manifest.bucket = bucket;
  out->manifest.first_position = position;
  out->rendered.assign(rendered, 'x');
  return out;
}

// With slots of its own.
struct Files {
  Files(size_t per_bucket_max, uint64_t rendered_bytes_max)
      : slots({8, per_bucket_max, 4, std::chrono::seconds(10)}),
        outstanding(slots, {rendered_bytes_max, std::chrono::seconds(1), std::chrono::seconds(8)}) {
  }
  PutSlots slots;
  Outstanding outstanding;
};

std::unique_ptr<Outstanding::File> delivered(std::unique_ptr<Outstanding::File> file) {
  file->manifest.state = FileState::Delivered;
  return file;
}

TEST(Outstanding, GivesFilesInTurnAndAgainWhenTheyAreDue) {
  Files machine(5, 1000);
  auto& files = machine.outstanding;
  files.add(file(1, "a", 10));
  files.add(file(2, "a", 20));
  auto first = files.take(kSecond);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->manifest.id, 1);
  files.retry(std::move(first), 9 * kSecond);
  auto second = files.take(kSecond);
  EXPECT_EQ(second->manifest.id, 2);
  files.finish(std::move(second), kSecond);
  EXPECT_FALSE(files.take(9 * kSecond)) << "not due";
  EXPECT_EQ(files.take(10 * kSecond)->manifest.id, 1);
}

TEST(Outstanding, OneBucketDoesNotHoldUpTheOthers) {
  Files machine(2, 1000);
  auto& files = machine.outstanding;
  for (int64_t id = 1; id <= 4; ++id) files.add(file(id, "slow", 1));
  files.add(file(5, "good", 1));
  auto a = files.take(kSecond), b = files.take(kSecond), c = files.take(kSecond);
  EXPECT_EQ(a->manifest.bucket, "slow");
  EXPECT_EQ(b->manifest.bucket, "slow");
  EXPECT_EQ(c->manifest.bucket, "good");
  EXPECT_FALSE(files.take(kSecond));
  const auto seen = files.changes();
  files.finish(std::move(a), kSecond);
  EXPECT_NE(files.changes(), seen) << "whoever waits is told";
  EXPECT_EQ(files.take(kSecond)->manifest.id, 3);
}

TEST(Outstanding, TheLogStaysUntilAFileIsDone) {
  Files machine(5, 1000);
  auto& files = machine.outstanding;
  EXPECT_EQ(files.floor(100), 100U);
  files.add(file(1, "a", 30));
  files.add(file(2, "a", 10));
  EXPECT_EQ(files.floor(100), 10U);
  auto first = files.take(kSecond), second = files.take(kSecond);
  EXPECT_EQ(files.floor(100), 10U) << "taken is not done";
  files.finish(std::move(second), kSecond);
  EXPECT_EQ(files.floor(100), 30U);
  files.retry(std::move(first), kSecond);
  EXPECT_EQ(files.floor(100), 30U);
  EXPECT_EQ(files.count(), 1U);
}

TEST(Outstanding, RenderedFilesAreBounded) {
  Files machine(5, 100);
  auto& files = machine.outstanding;
  files.add(file(1, "a", 1, 60));
  files.add(file(2, "a", 1, 60));
  EXPECT_EQ(files.rendered_bytes(), 60U) << "one of them has to be rendered again";
  auto first = files.take(kSecond), second = files.take(kSecond);
  EXPECT_EQ(files.rendered_bytes(), 0U);
  second->rendered.assign(60, 'x');
  files.retry(std::move(first), kSecond);
  files.retry(std::move(second), kSecond);
  EXPECT_EQ(files.rendered_bytes(), 60U);
  EXPECT_EQ(files.take(2 * kSecond)->rendered.size(), 60U);
  EXPECT_TRUE(files.take(2 * kSecond)->rendered.empty());
}

TEST(Outstanding, AStoreThatRefusesMeetsOneAttemptAtATimeAndMoreAndMoreSeldom) {
  Files machine(3, 1000);
  auto& files = machine.outstanding;
  for (int64_t id = 1; id <= 50; ++id) files.add(file(id, "down", 1));
  auto a = files.take(Duration{}), b = files.take(Duration{}), c = files.take(Duration{});
  for (auto* one : {&a, &b, &c}) files.refuse(std::move(*one), Duration{});
  std::vector<int> attempts;
  for (int second = 0; second < 40; ++second) {
    while (auto one = files.take(second * kSecond)) {
      EXPECT_FALSE(files.take(second * kSecond)) << "one at a time";
      attempts.push_back(second);
      files.refuse(std::move(one), second * kSecond);
    }
  }
  EXPECT_EQ(attempts, (std::vector{1, 3, 7, 15, 23, 31, 39}));
  files.finish(delivered(files.take(47 * kSecond)), 47 * kSecond);
  size_t taken = 0;
  while (auto one = files.take(47 * kSecond)) {
    files.finish(delivered(std::move(one)), 47 * kSecond);
    ++taken;
  }
  EXPECT_EQ(taken, 49U) << "all the others at once";
  EXPECT_EQ(files.count(), 0U);
}

TEST(Outstanding, AClosedLaneTriesItsOldestAndItsNewest) {
  Files machine(3, 1000);
  auto& files = machine.outstanding;
  for (int64_t id = 1; id <= 5; ++id) files.add(file(id, "down", 1));
  std::vector<int64_t> tried;
  for (int second = 0; second < 20; ++second) {
    auto one = files.take(second * kSecond);
    if (!one) continue;
    tried.push_back(one->manifest.id);
    files.refuse(std::move(one), second * kSecond);
  }
  EXPECT_EQ(tried, (std::vector<int64_t>{1, 5, 1, 5, 1}));
}

TEST(Outstanding, WhatIsGivenUpLetsTheNextBeTriedAtOnce) {
  Files machine(3, 1000);
  auto& files = machine.outstanding;
  for (int64_t id = 1; id <= 3; ++id) files.add(file(id, "down", 1));
  files.refuse(files.take(Duration{}), Duration{});
  files.refuse(files.take(kSecond), kSecond);
  for (int64_t id = 1; id <= 3; ++id) {
    auto one = files.take(3 * kSecond);
    ASSERT_TRUE(one);
    EXPECT_EQ(one->manifest.id, id);
    one->manifest.state = FileState::Abandoned;
    files.finish(std::move(one), kSecond);
  }
  EXPECT_EQ(files.count(), 0U);
}

TEST(Outstanding, OneTrailsRefusalsAreNotTheOthers) {
  Files machine(3, 1000);
  auto& files = machine.outstanding;
  files.add(file(1, "bucket", 1));
  auto denied = files.take(Duration{});
  auto other = file(2, "bucket", 1);
  other->manifest.chain.trail_arn = "other";
  files.add(std::move(other));
  files.refuse(std::move(denied), Duration{});
  EXPECT_EQ(files.take(Duration{})->manifest.id, 2);
  EXPECT_FALSE(files.take(Duration{}));
}

TEST(Outstanding, ALaneThatIsClosedKeepsNoMemoryFromTheOthers) {
  Files machine(3, 100);
  auto& files = machine.outstanding;
  files.add(file(1, "down", 1, 60));
  files.add(file(2, "down", 1, 40));
  files.refuse(files.take(Duration{}), Duration{});
  EXPECT_EQ(files.rendered_bytes(), 100U) << "once may be an accident";
  files.refuse(files.take(kSecond), kSecond);
  EXPECT_EQ(files.rendered_bytes(), 0U);
  files.add(file(3, "down", 1, 60));
  EXPECT_EQ(files.rendered_bytes(), 0U);
  files.add(file(4, "up", 1, 60));
  EXPECT_EQ(files.rendered_bytes(), 60U);
}

TEST(Outstanding, WaitingEndsWhenAFileComes) {
  Files machine(5, 100);
  auto& files = machine.outstanding;
  const auto seen = files.changes();
  std::jthread other([&] { files.add(file(1, "a", 1)); });
  files.wait(seen, std::chrono::hours(1));
  EXPECT_TRUE(files.take(kSecond));
}

}  // namespace
}  // namespace traccia::delivery
