// A secret is in one place.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/secret.h"

#include <gtest/gtest.h>

#include <utility>

namespace traccia::crypto {
namespace {

TEST(Secret, MovesAndLeavesNothing) {
  Secret one(std::string("key"));
  EXPECT_EQ(one.view(), "key");
  Secret two(std::move(one));
  EXPECT_EQ(two.view(), "key");
  EXPECT_EQ(one.view(), "");  // NOLINT(bugprone-use-after-move)
  Secret three(std::string(32, 'x'));
  three = std::move(two);
  EXPECT_EQ(three.view(), "key");
  EXPECT_EQ(Secret().view(), "");
}

}  // namespace
}  // namespace traccia::crypto
