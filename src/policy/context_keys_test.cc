// Keys that policies read, and where their statements stand.
// SPDX-License-Identifier: Apache-2.0
#include "policy/context_keys.h"

#include <gtest/gtest.h>

namespace traccia::policy {
namespace {

using Keys = std::vector<std::string>;

TEST(ContextKeysOfPolicies, ConditionsAndVariablesOnce) {
  const auto document = parse(
      R"({"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"s3:*",
         "Resource":["arn:aws:s3:::home/${aws:username}/${ aws:PrincipalTag/Team , 'none' }/${*}"],
         "Condition":{"StringEquals":{"aws:UserId":["${AWS:SourceVpc}"]},
                      "Null":{"AWS:userid":"false"}}},
        {"Effect":"Deny","Action":"*","NotResource":"arn:aws:s3:::${saml:sub}",
         "Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}]})",
      {});
  ASSERT_TRUE(document) << document.error().message();
  EXPECT_EQ(context_keys(*document), (Keys{"aws:PrincipalTag/Team", "aws:SourceIp", "AWS:SourceVpc",
                                           "aws:UserId", "aws:username", "saml:sub"}));
}

TEST(ContextKeysOfPolicies, VariablesAreTextInTheOldVersion) {
  const auto document = parse(
      R"({"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${aws:userid}"}})",
      {});
  ASSERT_TRUE(document) << document.error().message();
  EXPECT_EQ(context_keys(*document), Keys{});
}

TEST(ContextKeysOfPolicies, StatementsKnowTheirPlaces) {
  const auto document = parse(
      R"({"Version": "2012-10-17", "Statement": [{"Effect":"Allow","Action":"*","Resource":"*"},
 {"Effect":"Deny","Action":"*","Resource":"*",
  "Condition":{"Bool":{"aws:SecureTransport":"false"}}}]})",
      {});
  ASSERT_TRUE(document) << document.error().message();
  const auto& first = document->statements[0];
  EXPECT_EQ(first.place.line, 1U);
  EXPECT_EQ(first.place.column, 41U);
  EXPECT_EQ(first.end.line, 1U);
  EXPECT_EQ(first.end.column, 87U);
  const auto& second = document->statements[1];
  EXPECT_EQ(second.place.line, 2U);
  EXPECT_EQ(second.place.column, 2U);
  EXPECT_EQ(second.end.line, 3U);
  EXPECT_EQ(second.end.column, 56U);
}

}  // namespace
}  // namespace traccia::policy
