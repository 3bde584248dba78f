// ARNs, region names and JSON 1.1 targets.
// SPDX-License-Identifier: Apache-2.0
#include "aws/arn.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "aws/json11.h"
#include "aws/regions.h"

namespace traccia::aws {
namespace {

TEST(ArnTest, ParsesAndFormats) {
  for (const char* text : {
           "arn:aws:cloudtrail:us-east-1:111122223333:trail/t",
           "arn:aws:s3:::bucket/key:with/colons",
           "arn:aws:iam::aws:policy/AdministratorAccess",
           "arn:aws-us-gov:logs:us-gov-west-1:111122223333:log-group:g:*",
           "arn:aws-iso-b:sns:us-isob-east-1:111122223333:t",
       }) {
    const auto arn = parse_arn(text);
    ASSERT_TRUE(arn) << text << ": " << arn.error().message();
    EXPECT_EQ(format_arn(*arn), text);
  }
  EXPECT_EQ(parse_arn("arn:aws:logs:eu-south-1:111122223333:log-group:g:*").value(),
            (Arn{"aws", "logs", "eu-south-1", "111122223333", "log-group:g:*"}));
}

TEST(ArnTest, RefusesMalformedOnes) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "start"},
      {"ARN:aws:s3:::b", "start"},
      {"arn:aws:s3::b", "six parts"},
      {"arn:aws:s3:::", "resource"},
      {"arn::s3:::b", "partition"},
      {"arn:azure:s3:::b", "partition"},
      {"arn:aws-:s3:::b", "partition"},
      {"arn:aws::us-east-1:111122223333:b", "service"},
      {"arn:aws:S3:::b", "service"},
      {"arn:aws:s3:us_east:111122223333:b", "region"},
      {"arn:aws:s3:us-east-1:11112222333:b", "account"},
      {"arn:aws:s3:us-east-1:11112222333x:b", "account"},
      {"arn:aws:s3:::a b", "resource"},
      {"arn:aws:s3:::a\n", "resource"},
      {"arn:aws:s3:::" + std::string(kArnBytesMax, 'b'), "exceeds"},
  };
  for (const auto& [text, message] : cases) {
    const auto arn = parse_arn(text);
    ASSERT_FALSE(arn) << text;
    EXPECT_THAT(arn.error().message(), testing::HasSubstr(message)) << text;
  }
}

TEST(RegionsTest, ListIsSortedAndWellNamed) {
  const auto regions = commercial_regions();
  EXPECT_TRUE(std::is_sorted(regions.begin(), regions.end()));
  EXPECT_EQ(std::adjacent_find(regions.begin(), regions.end()), regions.end());
  for (const auto wanted : {"us-east-1", "mx-central-1", "ap-southeast-7", "ap-east-2"}) {
    EXPECT_THAT(regions, testing::Contains(wanted));
  }
  for (const auto region : regions) EXPECT_TRUE(is_region_name(region)) << region;
}

TEST(RegionsTest, NameShapes) {
  for (const char* name :
       {"us-gov-west-1", "cn-north-1", "us-isob-east-1", "eusc-de-east-1", "xx-nowhere-10"}) {
    EXPECT_TRUE(is_region_name(name)) << name;
  }
  for (const char* name :
       {"", "us", "us-east", "us-east-", "us-east-0", "us-east-100", "US-EAST-1", "us--east-1",
        "us-1", "u-east-1", "abcde-east-1", "us-east-1 ", "../us-east-1", "aws-global",
        "us-a-b-c-1", "us-verylongverylongverylongverylong-1"}) {
    EXPECT_FALSE(is_region_name(name)) << name;
  }
}

TEST(TargetTest, SplitsAtTheLastDot) {
  constexpr std::string_view kPrefixes[] = {
      "CloudTrail_20131101", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101"};
  const auto target =
      parse_target("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.CreateTrail", kPrefixes);
  ASSERT_TRUE(target);
  EXPECT_EQ(target->prefix, kPrefixes[1]);
  EXPECT_EQ(target->operation, "CreateTrail");
  EXPECT_EQ(parse_target("CloudTrail_20131101.X", kPrefixes)->operation, "X");
  for (const char* text : {"", "CreateTrail", ".CreateTrail", "CloudTrail_20131101.",
                           "cloudtrail_20131101.CreateTrail", "Other.CreateTrail",
                           "x.CloudTrail_20131101.CreateTrail"}) {
    const auto refused = parse_target(text, kPrefixes);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().reason(), "UnknownOperationException");
  }
}

}  // namespace
}  // namespace traccia::aws
