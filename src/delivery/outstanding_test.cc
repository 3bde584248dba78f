// Which file is tried next, and what the log must keep meanwhile.
// SPDX-License-Identifier: Apache-2.0
#include "delivery/outstanding.h"

#include <fmt/format.h>
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
  Files(size_t per_bucket_max, uint64_t rendered_bytes_max, size_t files_held_max = 1000)
      : slots({8, per_bucket_max, 4, std::chrono::seconds(10)}),
        outstanding(slots, {files_held_max, 2, rendered_bytes_max, std::chrono::seconds(1),
                            std::chrono::seconds(8)}) {}
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

std::vector<Manifest> manifests(int64_t from, size_t count, const std::string& bucket) {
  std::vector<Manifest> out;
  for (size_t i = 0; i < count; ++i) {
    out.push_back(file(from + static_cast<int64_t>(i), bucket, 1)->manifest);
  }
  return out;
}

TEST(Outstanding, HoldsTheOldestFilesOfALaneThatPilesUp) {
  Files machine(3, 1000, 8);
  auto& files = machine.outstanding;
  for (int64_t id = 1; id <= 20; ++id) files.add(file(id, "down", 1));
  EXPECT_EQ(files.held(), 4U) << "half of what is free";
  EXPECT_EQ(files.count(), 20U);
  for (int64_t id = 21; id <= 30; ++id) files.add(file(id, "other", 1));
  EXPECT_EQ(files.held(), 6U);
  EXPECT_FALSE(files.take_gap()) << "no room";
  for (int64_t id : {1, 2, 3}) {
    auto one = files.take(kSecond);
    EXPECT_EQ(one->manifest.id, id);
    files.finish(delivered(std::move(one)), kSecond);
  }
  const auto gap = files.take_gap();
  ASSERT_TRUE(gap);
  EXPECT_EQ(gap->lane.first, "down");
  EXPECT_EQ(gap->from_id, 5);
  EXPECT_EQ(gap->count, 2U);
  EXPECT_FALSE(files.take_gap()) << "one at a time";
  files.add(file(31, "down", 1));
  files.fill(*gap, manifests(5, gap->count, "down"));
  EXPECT_EQ(files.count(), 28U);
  std::vector<int64_t> taken;
  for (auto one = files.take(kSecond); one; one = files.take(kSecond)) {
    if (one->manifest.bucket == "down") taken.push_back(one->manifest.id);
    files.finish(delivered(std::move(one)), kSecond);
  }
  EXPECT_EQ(taken, (std::vector<int64_t>{4, 5, 6}));
  EXPECT_EQ(files.held(), 0U);
}

TEST(Outstanding, AnyNumberOfLanesThatAreDownLeavesRoomForEachOther) {
  Files machine(3, 1000, 16);
  auto& files = machine.outstanding;
  for (int64_t id = 1; id <= 1000; ++id) {
    files.add(file(id, fmt::format("down {}", id % 10), 1));
  }
  EXPECT_LE(files.held(), 16U + 2 * 10U);
  for (int64_t id = 1001; id <= 1010; ++id) files.add(file(id, "good", 1));
  EXPECT_EQ(files.held() + files.left_out(), 1010U);
  int64_t next = 1001;
  for (int i = 0; i < 100 && next <= 1010; ++i) {
    for (auto one = files.take(kSecond); one; one = files.take(kSecond)) {
      if (one->manifest.bucket == "good") {
        EXPECT_EQ(one->manifest.id, next++);
        files.finish(delivered(std::move(one)), kSecond);
      } else {
        files.refuse(std::move(one), 1000 * kSecond);
      }
    }
    while (const auto gap = files.take_gap()) {
      files.fill(*gap, manifests(gap->from_id, gap->count, gap->lane.first));
    }
  }
  EXPECT_EQ(next, 1011);
}

TEST(Outstanding, WhatCouldNotBeLoadedIsAskedForAgain) {
  Files machine(3, 1000);
  auto& files = machine.outstanding;
  files.leave_out({"a", ""}, 3);
  EXPECT_EQ(files.count(), 3U);
  const auto gap = files.take_gap();
  ASSERT_TRUE(gap);
  files.fill(*gap, {});
  const auto again = files.take_gap();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->count, 3U);
  files.fill(*again, manifests(7, 3, "a"));
  EXPECT_EQ(files.held(), 3U);
  EXPECT_EQ(files.take(kSecond)->manifest.id, 7);
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
