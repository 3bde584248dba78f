// The cache: what it keeps, what it forgets, many threads at once.
// SPDX-License-Identifier: Apache-2.0
#include "history/cache.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace traccia::history {
namespace {

TEST(Cache, ForgetsWhatWasUsedLongestAgo) {
  Cache cache(1 << 20);
  const auto owner = cache.new_owner();
  EXPECT_NE(owner, 0U);
  EXPECT_NE(cache.new_owner(), owner);
  cache.keep({owner, 0}, std::make_shared<const std::string>("first"), 1000);
  for (uint64_t i = 1; i < 10'000; ++i) {
    cache.keep({owner, i}, std::make_shared<const std::string>("more"), 1000);
    const auto first = cache.find<std::string>({owner, 0});
    ASSERT_TRUE(first) << i << ": it is used again and again";
    ASSERT_EQ(*first, "first");
  }
  size_t kept = 0;
  for (uint64_t i = 1; i < 10'000; ++i) kept += cache.find<std::string>({owner, i}) ? 1 : 0;
  EXPECT_GT(kept, 500U);
  EXPECT_LE(kept * 1000, 1U << 20);
}

TEST(Cache, WhatIsTooLargeIsNotKept) {
  Cache cache(1 << 20);
  cache.keep({1, 0}, std::make_shared<const std::string>("x"), 1 << 20);
  EXPECT_FALSE(cache.find<std::string>({1, 0}));
}

TEST(Cache, OfManyThreads) {
  Cache cache(1 << 16);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (uint64_t i = 0; i < 5000; ++i) {
        const Cache::Key key{1, i % 200};
        const auto kept = cache.find<uint64_t>(key);
        if (kept) {
          ASSERT_EQ(*kept, key.offset);
          continue;
        }
        cache.keep(key, std::make_shared<const uint64_t>(key.offset), 500);
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace traccia::history
