// Which uses of keys are told again.
// SPDX-License-Identifier: Apache-2.0
#include "api/key_uses.h"

#include <gtest/gtest.h>

#include <string>

namespace traccia::api {
namespace {

TEST(KeyUses, AreToldOnceAWhile) {
  KeyUses uses;
  EXPECT_FALSE(uses.recorded("a", Duration(0)));
  uses.record("a", Duration(0));
  EXPECT_TRUE(uses.recorded("a", Duration(0)));
  EXPECT_FALSE(uses.recorded("b", Duration(0)));
  EXPECT_TRUE(uses.recorded("a", KeyUses::kWhile - Duration(1)));
  EXPECT_FALSE(uses.recorded("a", KeyUses::kWhile));
}

TEST(KeyUses, BeyondTheLimitAreToldEachTime) {
  KeyUses uses;
  for (size_t i = 0; i < KeyUses::kUsesMax; ++i) uses.record(std::to_string(i), Duration(0));
  EXPECT_TRUE(uses.recorded("0", Duration(1)));
  EXPECT_TRUE(uses.recorded(std::to_string(KeyUses::kUsesMax - 1), Duration(1)));
  uses.record("one more", Duration(1));
  EXPECT_FALSE(uses.recorded("one more", Duration(1))) << "it would take memory without end";
  // What is over makes room.
  uses.record("one more", KeyUses::kWhile);
  EXPECT_TRUE(uses.recorded("one more", KeyUses::kWhile));
  EXPECT_FALSE(uses.recorded("0", KeyUses::kWhile));
}

}  // namespace
}  // namespace traccia::api
