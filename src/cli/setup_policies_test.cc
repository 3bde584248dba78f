// Policies are extended, never replaced or weakened.
// SPDX-License-Identifier: Apache-2.0
#include "cli/setup_policies.h"

#include <gtest/gtest.h>

namespace traccia::cli {
namespace {

const TrailPlace kPlace{"arn:aws:cloudtrail:eu-south-1:111122223333:trail/main-trail",
                        "111122223333", "bucket", "pre"};

std::string text_of(const json::Value& value) {
  return std::string(value.as_string());
}

json::Array statements(const std::string& policy) {
  return json::parse(policy).value().at("Statement").as_array();
}

TEST(SetupPolicies, ANewPolicyHasWhatIsWanted) {
  const auto wanted = bucket_statements(kPlace, TlsOnly::Yes).value();
  const auto made = extend_policy("", wanted, "main-trail").value();
  EXPECT_TRUE(made.changed);
  EXPECT_EQ(statements(made.text), wanted);
  ASSERT_EQ(wanted.size(), 3U);
  EXPECT_EQ(text_of(wanted[1].at("Resource")), "arn:aws:s3:::bucket/pre/AWSLogs/111122223333/*");
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(text_of(wanted[i].at("Condition").at("StringEquals").at("aws:SourceArn")),
              kPlace.arn);
  }
  EXPECT_EQ(text_of(wanted[2].at("Effect")), "Deny");
  EXPECT_EQ(bucket_statements(kPlace, TlsOnly::No).value().size(), 2U);
  EXPECT_EQ(key_statements(kPlace, Announced::Yes).size(),
            key_statements(kPlace, Announced::No).size() + 1);
  for (const auto& statement : key_statements(kPlace, Announced::Yes)) {
    const auto text = json::serialize(statement);
    if (text.find("cloudtrail.amazonaws.com") == std::string::npos) continue;
    EXPECT_EQ(text_of(statement.at("Condition").at("StringEquals").at("aws:SourceArn")),
              kPlace.arn);
  }
}

TEST(SetupPolicies, AccessLogsComeFromTheTrailsBucketOnly) {
  const auto wanted = access_log_statements(kPlace, "logs", "bucket/", TlsOnly::Yes);
  ASSERT_EQ(wanted.size(), 2U);
  EXPECT_EQ(text_of(wanted[0].at("Resource")), "arn:aws:s3:::logs/bucket/*");
  const auto& condition = wanted[0].at("Condition");
  EXPECT_EQ(text_of(condition.at("ArnLike").at("aws:SourceArn")), "arn:aws:s3:::bucket");
  EXPECT_EQ(text_of(condition.at("StringEquals").at("aws:SourceAccount")), kPlace.account);
  EXPECT_EQ(text_of(wanted[1].at("Effect")), "Deny");
  EXPECT_EQ(text_of(wanted[1].at("Resource").at(0)), "arn:aws:s3:::logs");
  EXPECT_EQ(access_log_statements(kPlace, "logs", "", TlsOnly::No).size(), 1U);
}

TEST(SetupPolicies, WhatIsThereStays) {
  const auto wanted = bucket_statements(kPlace, TlsOnly::Yes).value();
  const std::string theirs =
      R"({"Version":"2008-10-17","Id":"theirs","Statement":{"Sid":"DenyInsecureTransport",)"
      R"("Effect":"Deny","Principal":"*","Action":"s3:DeleteObject","Resource":"*"}})";
  const auto made = extend_policy(theirs, wanted, "main-trail").value();
  EXPECT_TRUE(made.changed);
  const auto policy = json::parse(made.text).value();
  EXPECT_EQ(text_of(policy.at("Id")), "theirs");
  EXPECT_EQ(text_of(policy.at("Version")), "2008-10-17");
  const auto all = statements(made.text);
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[0], json::parse(theirs).value().at("Statement"));
  EXPECT_EQ(text_of(all[3].at("Sid")), "DenyInsecureTransportmaintrail");
  // Nothing is added twice, whatever it is called.
  const auto again = extend_policy(made.text, wanted, "main-trail").value();
  EXPECT_FALSE(again.changed);
  EXPECT_EQ(again.text, made.text);
}

TEST(SetupPolicies, EachTrailHasStatementsOfItsOwn) {
  auto second = kPlace;
  second.arn = "arn:aws:cloudtrail:eu-south-1:111122223333:trail/second";
  auto text = extend_policy("", topic_statements(kPlace, "topic"), "main").value().text;
  text = extend_policy(text, topic_statements(second, "topic"), "second").value().text;
  auto third = kPlace;
  third.arn += "3";
  text = extend_policy(text, topic_statements(third, "topic"), "second").value().text;
  const auto all = statements(text);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(text_of(all[1].at("Sid")), "AWSCloudTrailSNSPolicy20150319second");
  EXPECT_EQ(text_of(all[2].at("Sid")), "AWSCloudTrailSNSPolicy20150319second2");
}

TEST(SetupPolicies, WhatIsNoPolicyIsNotReplaced) {
  for (const auto* bad : {"x", "[]", "{}", R"({"Statement":1})"}) {
    EXPECT_FALSE(extend_policy(bad, {}, "")) << bad;
  }
}

}  // namespace
}  // namespace traccia::cli
