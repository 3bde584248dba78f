// How buckets on other endpoints are configured, and what is refused.
// SPDX-License-Identifier: Apache-2.0
#include "server/outside_config.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "os/fake_os.h"
#include "server/config.h"
#include "server/pages.h"

namespace traccia::server {
namespace {

using testing::HasSubstr;

constexpr std::string_view kBucket =
    "data = \"/d\"\n"
    "[outside-buckets.audit-logs]\n"
    "endpoint = \"https://rgw.example:7480\"\n"
    "accounts = [\"111122223333\"]\n";

// Of the bucket's table with more lines; "" when it is taken.
std::string complaint(std::string_view lines) {
  Config config;
  auto done = load_config_file(fmt::format("{}{}\n", kBucket, lines), config);
  if (done) done = complete(config);
  return done ? "" : done.error().message();
}

TEST(OutsideConfig, ATableABucket) {
  Config config;
  const auto text = fmt::format(
      "{}region = \"eu-south-1\"\ncredentials-file = \"/d/c\"\nprofile = \"rgw\"\n"
      "addressing = \"virtual-hosted\"\nca = \"/ca.pem\"\ntimeout = \"20s\"\n"
      "encryption = \"aws:kms\"\nkms-key-id = \"key\"\nprobe-key = \"probe\"\n"
      "[outside-buckets.second]\nendpoint = \"http://127.0.0.1:9\"\naccounts = [\"*\"]\n",
      kBucket);
  ASSERT_TRUE(load_config_file(text, config));
  ASSERT_TRUE(complete(config));
  os::FakeOs fake;
  ASSERT_TRUE(fake.files.make_directories("/d"));
  ASSERT_TRUE(os::write_file_atomically(
      fake.files, "/d/c", "[rgw]\naws_access_key_id = AK\naws_secret_access_key = SK\n"));
  config.outside_buckets[1].credentials_file = "/d/c";
  config.outside_buckets[1].profile = "rgw";
  const auto buckets = load_outside_buckets(fake.files, config.outside_buckets).value();
  ASSERT_EQ(buckets.size(), 2U);
  const auto& bucket = buckets[0];
  EXPECT_EQ(bucket.name, "audit-logs");
  EXPECT_EQ(bucket.accounts, std::vector<std::string>{"111122223333"});
  EXPECT_EQ(bucket.endpoint.url, "https://rgw.example:7480");
  EXPECT_EQ(bucket.endpoint.region, "eu-south-1");
  EXPECT_EQ(bucket.endpoint.credentials.access_key_id, "AK");
  EXPECT_EQ(bucket.endpoint.credentials.secret_access_key, "SK");
  EXPECT_EQ(bucket.endpoint.addressing, blob::Addressing::VirtualHosted);
  EXPECT_EQ(bucket.ca_file, "/ca.pem");
  EXPECT_EQ(bucket.timeout, std::chrono::seconds(20));
  EXPECT_EQ(bucket.encryption, "aws:kms");
  EXPECT_EQ(bucket.kms_key_id, "key");
  EXPECT_EQ(bucket.probe_key, "probe");
  EXPECT_EQ(buckets[1].endpoint.addressing, blob::Addressing::Path);
  EXPECT_EQ(buckets[1].probe_key, "AWSLogs/traccia-probe");
}

TEST(OutsideConfig, WhatIsWrongIsNamed) {
  EXPECT_EQ(complaint(""), "");
  EXPECT_THAT(complaint("secret-access-key = \"x\""),
              HasSubstr("outside-buckets.audit-logs: 'secret-access-key' is not a known setting"));
  EXPECT_THAT(complaint("region = 7"), HasSubstr("'region' must be a string"));
  EXPECT_THAT(complaint("insecure = \"yes\""), HasSubstr("true or false"));
  EXPECT_THAT(complaint("timeout = \"1h\""), HasSubstr("1 to 600 seconds"));
  EXPECT_THAT(complaint("addressing = \"dns\""), HasSubstr("neither path nor virtual-hosted"));
  EXPECT_THAT(complaint("encryption = \"none\""), HasSubstr("neither AES256 nor aws:kms"));
  EXPECT_THAT(complaint("kms-key-id = \"k\""), HasSubstr("goes with encryption"));
  const auto other = [](std::string_view endpoint, std::string_view accounts, bool insecure) {
    return complaint(
        fmt::format("[outside-buckets.other]\nendpoint = \"{}\"\naccounts = [{}]\ninsecure = {}",
                    endpoint, accounts, insecure));
  };
  EXPECT_EQ(other("http://10.0.0.1", "\"*\"", true), "");
  EXPECT_EQ(other("http://localhost:1/", "\"*\"", false), "");
  EXPECT_THAT(other("http://10.0.0.1", "\"*\"", false), HasSubstr("in the clear"));
  EXPECT_THAT(other("http://127.evil.example@10.0.0.1", "\"*\"", false), HasSubstr("is not https"));
  for (const auto* bad :
       {"rgw.example", "ftp://rgw.example", "https://", "https://a/b", "https://a?b"}) {
    EXPECT_THAT(other(bad, "\"*\"", false), HasSubstr("is not https")) << bad;
  }
  EXPECT_THAT(other("https://a", "", false), HasSubstr("accounts must list"));
  EXPECT_THAT(other("https://a", "\"1\"", false), HasSubstr("12 digits"));
  EXPECT_THAT(complaint("[outside-buckets.Bad_Name]\nendpoint = \"https://a\""),
              HasSubstr("outside-buckets.Bad_Name: "));
  Config config;
  EXPECT_FALSE(load_config_file("outside-buckets = 1", config));
  EXPECT_FALSE(load_config_file("[outside-buckets]\nx = 1", config));
}

TEST(OutsideConfig, CredentialsMustBeThere) {
  os::FakeOs fake;
  ASSERT_TRUE(fake.files.make_directories("/d"));
  OutsideBucketConfig config;
  config.name = "audit-logs";
  config.credentials_environment = "TRACCIA_TEST_NOT_SET";
  const auto error = [&] { return load_outside_buckets(fake.files, {config}).error().message(); };
  EXPECT_THAT(error(), HasSubstr("outside-buckets.audit-logs: TRACCIA_TEST_NOT_SET_ACCESS_KEY_ID"));
  config.credentials_file = "/d/c";
  EXPECT_THAT(error(), HasSubstr("/d/c"));
  ASSERT_TRUE(os::write_file_atomically(fake.files, "/d/c", "[default]\naws_access_key_id = AK\n"));
  EXPECT_THAT(error(), HasSubstr("'/d/c' has no aws_access_key_id and aws_secret_access_key below "
                                 "[default]"));
}

TEST(OutsideConfig, HealthTellsOfTheStores) {
  ServerState state;
  EXPECT_EQ(render_health(state).body.find("outsideBuckets"), std::string::npos);
  state.outside = {{"fine", "https://a", api::ConditionalPut::Honoured, from_unix_seconds(0), ""},
                   {"poor", "https://b", api::ConditionalPut::Ignored, from_unix_seconds(0), "no"},
                   {"quiet", "https://c", api::ConditionalPut::Unknown, std::nullopt, ""}};
  const auto health = render_health(state);
  EXPECT_EQ(health.status, 200) << "events are safe";
  EXPECT_THAT(
      health.body,
      HasSubstr(R"("fine":{"conditionalPut":"honoured","checked":"1970-01-01T00:00:00Z"})"));
  EXPECT_THAT(health.body, HasSubstr(R"("error":"no")"));
  const auto metrics = render_metrics(state).body;
  EXPECT_THAT(metrics, HasSubstr("traccia_outside_bucket_sound{bucket=\"fine\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("traccia_outside_bucket_sound{bucket=\"poor\"} 0"));
  EXPECT_THAT(metrics, HasSubstr("traccia_outside_bucket_sound{bucket=\"quiet\"} 0"));
  EXPECT_THAT(metrics, HasSubstr("traccia_outside_bucket_conditional_put{bucket=\"fine\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("traccia_outside_bucket_conditional_put{bucket=\"poor\"} 0"));
}

}  // namespace
}  // namespace traccia::server
