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

TEST(Outstanding, GivesFilesInTurnAndAgainWhenTheyAreDue) {
  Outstanding files(5, 1000);
  files.add(file(1, "a", 10));
  files.add(file(2, "a", 20));
  auto first = files.take(kSecond);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->manifest.id, 1);
  files.retry(std::move(first), 10 * kSecond);
  auto second = files.take(kSecond);
  EXPECT_EQ(second->manifest.id, 2);
  files.finish(std::move(second));
  EXPECT_FALSE(files.take(9 * kSecond)) << "not due";
  EXPECT_EQ(files.take(10 * kSecond)->manifest.id, 1);
}

TEST(Outstanding, OneBucketDoesNotHoldUpTheOthers) {
  Outstanding files(2, 1000);
  for (int64_t id = 1; id <= 4; ++id) files.add(file(id, "slow", 1));
  files.add(file(5, "good", 1));
  auto a = files.take(kSecond), b = files.take(kSecond), c = files.take(kSecond);
  EXPECT_EQ(a->manifest.bucket, "slow");
  EXPECT_EQ(b->manifest.bucket, "slow");
  EXPECT_EQ(c->manifest.bucket, "good");
  EXPECT_FALSE(files.take(kSecond));
  const auto seen = files.changes();
  files.finish(std::move(a));
  EXPECT_NE(files.changes(), seen) << "whoever waits is told";
  EXPECT_EQ(files.take(kSecond)->manifest.id, 3);
}

TEST(Outstanding, TheLogStaysUntilAFileIsDone) {
  Outstanding files(5, 1000);
  EXPECT_EQ(files.floor(100), 100U);
  files.add(file(1, "a", 30));
  files.add(file(2, "a", 10));
  EXPECT_EQ(files.floor(100), 10U);
  auto first = files.take(kSecond), second = files.take(kSecond);
  EXPECT_EQ(files.floor(100), 10U) << "taken is not done";
  files.finish(std::move(second));
  EXPECT_EQ(files.floor(100), 30U);
  files.retry(std::move(first), kSecond);
  EXPECT_EQ(files.floor(100), 30U);
  EXPECT_EQ(files.count(), 1U);
}

TEST(Outstanding, RenderedFilesAreBounded) {
  Outstanding files(5, 100);
  files.add(file(1, "a", 1, 60));
  EXPECT_FALSE(files.full());
  files.add(file(2, "a", 1, 60));
  EXPECT_TRUE(files.full());
  auto first = files.take(kSecond), second = files.take(kSecond);
  EXPECT_FALSE(files.full());
  files.retry(std::move(first), kSecond);
  files.retry(std::move(second), kSecond);
  EXPECT_FALSE(files.full()) << "one of them has to be rendered again";
  EXPECT_EQ(files.take(kSecond)->rendered.size(), 60U);
  EXPECT_TRUE(files.take(kSecond)->rendered.empty());
}

TEST(Outstanding, WaitingEndsWhenAFileComes) {
  Outstanding files(5, 100);
  const auto seen = files.changes();
  std::jthread other([&] { files.add(file(1, "a", 1)); });
  files.wait(seen, std::chrono::hours(1));
  EXPECT_TRUE(files.take(kSecond));
}

}  // namespace
}  // namespace traccia::delivery
