// Decisions belong to their moment.
// SPDX-License-Identifier: Apache-2.0
#include "api/key_decisions.h"

#include <gtest/gtest.h>

#include <string>

#include "api/kms_use.h"

namespace traccia::api {
namespace {

KeyDecisions::Allowed allowed() {
  return std::make_shared<const kms_service::OpenUse>();
}

TEST(KeyDecisions, BelongToTheirMoment) {
  KeyDecisions decisions;
  const auto one = allowed();
  decisions.keep("a", {7, 100}, one);
  EXPECT_EQ(decisions.find("a", {7, 100}), one);
  EXPECT_EQ(decisions.find("b", {7, 100}), nullptr);
  EXPECT_EQ(decisions.find("a", {8, 100}), nullptr) << "something was set up";
  EXPECT_EQ(decisions.find("a", {7, 101}), nullptr) << "a second later";
  decisions.keep("b", {8, 100}, allowed());
  EXPECT_EQ(decisions.find("a", {8, 100}), nullptr);
  EXPECT_EQ(decisions.size(), 1U);
  decisions.keep("a", {7, 100}, one);
  EXPECT_EQ(decisions.find("a", {7, 100}), nullptr) << "from before the change";
  EXPECT_NE(decisions.find("b", {8, 100}), nullptr);
  decisions.forget_old(100);
  EXPECT_EQ(decisions.size(), 1U);
  decisions.forget_old(101);
  EXPECT_EQ(decisions.size(), 0U);
}

TEST(KeyDecisions, AreBounded) {
  KeyDecisions decisions;
  for (size_t i = 0; i <= KeyDecisions::kDecisionsMax; ++i) {
    decisions.keep(std::to_string(i), {1, 1}, allowed());
  }
  EXPECT_EQ(decisions.size(), 1U) << "all over again";
  EXPECT_NE(decisions.find(std::to_string(KeyDecisions::kDecisionsMax), {1, 1}), nullptr);
}

}  // namespace
}  // namespace traccia::api
