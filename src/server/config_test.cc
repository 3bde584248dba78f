// What configurations are taken, and what is said about the others.
// SPDX-License-Identifier: Apache-2.0
#include "server/config.h"

#include <gtest/gtest.h>

#include "os/fake_os.h"
#include "server/data_directory.h"
#include "server/pages.h"

namespace traccia::server {
namespace {

Config base() {
  Config config;
  config.data_directory = "/d";
  return config;
}

TEST(Config, ListenTakesAddressesWithPorts) {
  Config config;
  ASSERT_TRUE(parse_listen("0.0.0.0:80", config));
  EXPECT_EQ(config.listen_address, "0.0.0.0");
  EXPECT_EQ(config.listen_port, 80);
  ASSERT_TRUE(parse_listen("[::1]:0", config));
  EXPECT_EQ(config.listen_address, "::1");
  for (const auto* text : {"", "80", ":80", "host:", "a:99999", "a:-1", "::1:80", "a:8x"}) {
    EXPECT_FALSE(parse_listen(text, config)) << text;
  }
}

TEST(Config, BeyondLoopbackNeedsTlsOrAWord) {
  auto config = base();
  EXPECT_TRUE(complete(config));
  config.listen_address = "0.0.0.0";
  EXPECT_EQ(complete(config).error().code(), ErrorCode::InvalidArgument);
  config.insecure = true;
  EXPECT_TRUE(complete(config));
  config.insecure = false;
  config.certificate_file = "c.pem";
  EXPECT_FALSE(complete(config)) << "certificate without key";
  config.key_file = "k.pem";
  EXPECT_TRUE(complete(config));
}

TEST(Config, RegionsAreCheckedAndUsEast1IsAlwaysThere) {
  auto config = base();
  config.regions = {"eu-south-1", "eu-south-1"};
  ASSERT_TRUE(complete(config));
  EXPECT_EQ(config.regions, (std::vector<std::string>{"eu-south-1", "us-east-1"}));
  config.regions = {"mars"};
  EXPECT_FALSE(complete(config));
  config = base();
  ASSERT_TRUE(complete(config));
  EXPECT_GT(config.regions.size(), 30U);
  config.account_id = "12";
  EXPECT_FALSE(complete(config));
}

TEST(Config, WhereSubscribersAreReachedIsChecked) {
  const auto completes = [](std::string public_url, std::string relay, std::string from) {
    auto config = base();
    config.public_url = std::move(public_url);
    config.mail_relay = std::move(relay);
    config.mail_from = std::move(from);
    return complete(config).has_value();
  };
  EXPECT_TRUE(completes("", "", ""));
  EXPECT_TRUE(completes("https://sns.example.com", "smtps://mail:465", "audit@example.com"));
  EXPECT_TRUE(completes("http://10.0.0.1:4780", "smtp://[::1]", "audit@example.com"));
  for (const auto* bad : {"sns.example.com", "ftp://a", "https://", "https://a/", "https://a?b",
                          "https://user@a", "httpss://a"}) {
    EXPECT_FALSE(completes(bad, "", "")) << bad;
  }
  EXPECT_FALSE(completes("", "smtp://mail", ""));
  EXPECT_FALSE(completes("", "", "audit@example.com"));
  EXPECT_FALSE(completes("", "https://mail", "audit@example.com"));
  EXPECT_FALSE(completes("", "smtp://mail", "audit"));
}

TEST(Config, FilesUseTheOptionsNames) {
  Config config;
  ASSERT_TRUE(
      load_config_file("data = \"/x\"\nlisten = \"127.0.0.1:1\"\ndelivery-interval = \"5s\"\n"
                       "regions = [\"eu-south-1\"]\ninsecure = true\nlog-disk-max = \"2GiB\"\n",
                       config));
  EXPECT_EQ(config.data_directory, "/x");
  EXPECT_EQ(config.delivery_interval, std::chrono::seconds(5));
  EXPECT_TRUE(config.insecure);
  EXPECT_EQ(config.log_disk_max, 2ULL << 30);
  for (const auto* text :
       {"dta = \"x\"", "data = 7", "regions = \"x\"", "= x", "insecure = \"yes\"",
        "digest-interval = \"1x\"", "log-disk-max = \"1GiB\"", "log-disk-max = \"64\""}) {
    EXPECT_EQ(load_config_file(text, config).error().code(), ErrorCode::InvalidArgument) << text;
  }
}

TEST(DataDirectories, AreLockedVersionedAndRememberTheirClock) {
  os::FakeOs fake;
  const DataDirectory directory{"/d"};
  {
    const auto lock = open_directory(fake.os(), directory, false);
    ASSERT_TRUE(lock);
    EXPECT_NE(open_directory(fake.os(), directory, false).error().message().find("another traccia"),
              std::string::npos);
  }
  EXPECT_EQ(open_directory(fake.os(), directory, true).error().code(),
            ErrorCode::FailedPrecondition);
  EXPECT_TRUE(open_directory(fake.os(), directory, false));
  ASSERT_TRUE(os::write_file_atomically(fake.files, directory.format(), "99\n"));
  EXPECT_NE(open_directory(fake.os(), directory, false).error().message().find("newer program"),
            std::string::npos);
  ASSERT_TRUE(os::write_file_atomically(fake.files, directory.format(), "1\n"));
  EXPECT_NE(open_directory(fake.os(), directory, false).error().message().find("no release wrote"),
            std::string::npos);
  ASSERT_TRUE(os::write_file_atomically(fake.files, directory.format(), "x"));
  EXPECT_EQ(open_directory(fake.os(), directory, false).error().code(), ErrorCode::DataLoss);
}

TEST(Pages, SayWhichSinkIsBehindAndThatTheLogStopped) {
  ServerState state;
  state.log_end = 100;
  state.sinks = {{"history", 100, ""}, {"delivery", 40, "disk full"}};
  state.requests = {{"sts GetCallerIdentity 200", 3}};
  auto health = render_health(state);
  EXPECT_EQ(health.status, 200);
  EXPECT_NE(
      health.body.find(R"("delivery":{"caughtUp":false,"behindBytes":60,"error":"disk full"})"),
      std::string::npos)
      << health.body;
  state.log_disk_full = true;
  state.log_keepers = {{"history", 90}, {"delivery", 30}, {"repeatWindow", 70}};
  health = render_health(state);
  EXPECT_EQ(health.status, 503);
  EXPECT_NE(health.body.find(R"("status":"full")"), std::string::npos) << health.body;
  EXPECT_NE(health.body.find("'delivery' keeps the most"), std::string::npos) << health.body;
  EXPECT_NE(health.body.find(R"("logKeptBytes":{"history":10,"delivery":70,"repeatWindow":30})"),
            std::string::npos)
      << health.body;
  EXPECT_NE(render_metrics(state).body.find("traccia_log_disk_full 1"), std::string::npos);
  EXPECT_NE(render_metrics(state).body.find("traccia_log_kept_bytes{by=\"delivery\"} 70"),
            std::string::npos);
  state.log_disk_full = false;
  state.log_stopped = true;
  EXPECT_EQ(render_health(state).status, 503);
  const auto metrics = render_metrics(state).body;
  EXPECT_NE(metrics.find("traccia_log_stopped 1"), std::string::npos);
  EXPECT_NE(metrics.find("operation=\"GetCallerIdentity\",status=\"200\"} 3"), std::string::npos)
      << metrics;
}

}  // namespace
}  // namespace traccia::server
