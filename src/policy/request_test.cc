// The keys that a principal brings along.
// SPDX-License-Identifier: Apache-2.0
#include "policy/request.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "policy/test_policies.h"

namespace traccia::policy {
namespace {

TEST(Principals, SetTheirKeys) {
  const auto value = [](const Principal& principal, std::string_view key) {
    ContextKeys keys;
    set_principal_keys(keys, principal);
    const auto found = keys.find(key);
    return found.empty() ? std::string("absent") : found.front();
  };
  EXPECT_EQ(value(session(), "aws:principalarn"), "arn:aws:iam::111122223333:role/path/auditor");
  EXPECT_EQ(value(session(), "aws:username"), "absent");
  EXPECT_EQ(value(session(), "aws:userid"), "AROAAUDITORAUDITOR12:run");
  EXPECT_EQ(value(user(), "aws:username"), "alice");
  EXPECT_EQ(value(user(), "aws:principalisawsservice"), "false");
  EXPECT_EQ(value(root(), "aws:principaltype"), "Account");
  EXPECT_EQ(value(service(), "aws:principalarn"), "absent");
  EXPECT_EQ(value(service(), "aws:principalisawsservice"), "true");
  EXPECT_EQ(value(service(), "aws:principalservicename"), "cloudtrail.amazonaws.com");
  EXPECT_EQ(value({}, "aws:principaltype"), "Anonymous");
  EXPECT_EQ(value({}, "aws:principalaccount"), "absent");
}

}  // namespace
}  // namespace traccia::policy
