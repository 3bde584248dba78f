// Which policies S3 calls public.
// SPDX-License-Identifier: Apache-2.0
#include "policy/public.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace traccia::policy {
namespace {

bool open(std::string_view principal, std::string_view condition = "{}",
          std::string_view effect = "Allow") {
  const auto text =
      fmt::format(R"({{"Version":"2012-10-17","Statement":{{"Effect":"{}","Principal":{},)"
                  R"("Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":{}}}}})",
                  effect, principal, condition);
  const auto document =
      parse(text, {.kind = Kind::Resource, .service = "s3", .resource_arn = "arn:aws:s3:::b"});
  EXPECT_TRUE(document) << text;
  return document && is_public(*document);
}

TEST(PublicPolicies, AreForEverybodyWithoutAFixedCondition) {
  EXPECT_TRUE(open(R"("*")"));
  EXPECT_TRUE(open(R"({"AWS":["111122223333","*"]})"));
  EXPECT_FALSE(open(R"({"AWS":"111122223333"})"));
  EXPECT_FALSE(open(R"({"Service":"cloudtrail.amazonaws.com"})"));
  EXPECT_FALSE(open(R"("*")", "{}", "Deny"));
}

TEST(PublicPolicies, ConditionsNarrowWithFixedValuesOnly) {
  const auto under = [](std::string_view condition) { return open(R"("*")", condition); };
  EXPECT_FALSE(under(R"({"StringEquals":{"AWS:SourceAccount":["111122223333","444455556666"]}})"));
  EXPECT_FALSE(under(R"({"ArnLike":{"aws:SourceArn":"arn:aws:sns:eu-west-1:111122223333:t"}})"));
  EXPECT_FALSE(under(R"({"IpAddress":{"aws:SourceIp":["10.0.0.0/8","2001:db8::/32"]}})"));
  EXPECT_FALSE(under(R"({"Bool":{"aws:SecureTransport":"true"},)"
                     R"("StringEquals":{"aws:PrincipalOrgID":"o-1"}})"));
  EXPECT_TRUE(under(R"({"IpAddress":{"aws:SourceIp":"10.0.0.0/7"}})"));
  EXPECT_TRUE(under(R"({"IpAddress":{"aws:SourceIp":"2001:d00::/31"}})"));
  EXPECT_TRUE(under(R"({"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}})"));
  EXPECT_TRUE(under(R"({"StringLike":{"aws:SourceVpc":"vpc-*"}})"));
  EXPECT_TRUE(under(R"({"StringEquals":{"aws:userid":"${aws:username}"}})"));
  EXPECT_TRUE(under(R"({"StringEqualsIfExists":{"aws:SourceVpc":"vpc-1"}})"));
  EXPECT_TRUE(under(R"({"ForAllValues:StringEquals":{"aws:SourceVpc":"vpc-1"}})"));
  EXPECT_TRUE(under(R"({"StringEquals":{"aws:Referer":"https://example.com"}})"));
  EXPECT_TRUE(under(R"({"Bool":{"aws:SecureTransport":"true"}})"));
}

}  // namespace
}  // namespace traccia::policy
