// The server access logging of buckets: what may be asked for, and what is shown of it.
// SPDX-License-Identifier: Apache-2.0
#include "api/s3_logging.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "api/test_s3.h"

namespace traccia::api {
namespace {

using testing::HasSubstr;

class S3LoggingTest : public S3FrontTest {
 protected:
  void SetUp() override {
    S3FrontTest::SetUp();
    make_bucket();
    make_bucket("logs");
  }
  http::Response configure(std::string_view enabled) {
    return send("PUT", "/bucket?logging",
                fmt::format("<BucketLoggingStatus>{}</BucketLoggingStatus>", enabled));
  }
  static std::string to(std::string_view bucket, std::string_view more = "") {
    return fmt::format(
        "<LoggingEnabled><TargetBucket>{}</TargetBucket><TargetPrefix>of/</TargetPrefix>{}"
        "</LoggingEnabled>",
        bucket, more);
  }
  static std::string format(std::string_view inside) {
    return fmt::format("<TargetObjectKeyFormat>{}</TargetObjectKeyFormat>", inside);
  }
  std::string shown() { return send("GET", "/bucket?logging").body; }
  void make_foreign(std::string_view name, std::string_view owner, std::string_view region) {
    ASSERT_TRUE(database_->write([&](meta::Transaction& transaction) {
      return s3_->create_bucket(transaction, {std::string(name), std::string(owner),
                                              std::string(region), fake_.clock.now()});
    }));
  }
};

TEST_F(S3LoggingTest, IsOffAtFirstTurnedOnAndOffAgain) {
  EXPECT_TRUE(xml(send("GET", "/bucket?logging")).children.empty());
  EXPECT_EQ(configure(to("logs")).status, 200);
  const auto on = xml(send("GET", "/bucket?logging"));
  EXPECT_EQ(on.name, "BucketLoggingStatus");
  const auto* enabled = on.child("LoggingEnabled");
  ASSERT_NE(enabled, nullptr);
  EXPECT_EQ(enabled->child_text("TargetBucket"), "logs");
  EXPECT_EQ(enabled->child_text("TargetPrefix"), "of/");
  EXPECT_EQ(enabled->child("TargetObjectKeyFormat"), nullptr);
  EXPECT_EQ(configure("").status, 200);
  EXPECT_TRUE(xml(send("GET", "/bucket?logging")).children.empty());
}

TEST_F(S3LoggingTest, KeyFormatsAreShownAsTheyWereGiven) {
  EXPECT_EQ(configure(to("logs", format("<SimplePrefix/>"))).status, 200);
  EXPECT_THAT(shown(), HasSubstr(format("<SimplePrefix></SimplePrefix>")));
  for (const auto* source : {"EventTime", "DeliveryTime"}) {
    const auto wanted =
        format(fmt::format("<PartitionedPrefix><PartitionDateSource>{}</PartitionDateSource>"
                           "</PartitionedPrefix>",
                           source));
    EXPECT_EQ(configure(to("logs", wanted)).status, 200);
    EXPECT_THAT(shown(), HasSubstr(wanted));
  }
  EXPECT_EQ(configure(to("logs", format("<PartitionedPrefix/>"))).status, 200);
  EXPECT_THAT(shown(), HasSubstr("DeliveryTime"));
}

TEST_F(S3LoggingTest, DocumentsThatSayNothingClearAreRefused) {
  for (const auto& wrong :
       {std::string("<Other/>"), to("logs") + to("logs"), to(""),
        std::string("<LoggingEnabled><TargetBucket>logs</TargetBucket></LoggingEnabled>"),
        to("logs", format("")), to("logs", format("<SimplePrefix/><PartitionedPrefix/>")),
        to("logs", format("<Flat/>")),
        to("logs", format("<PartitionedPrefix><PartitionDateSource>Now</PartitionDateSource>"
                          "</PartitionedPrefix>"))}) {
    EXPECT_EQ(error_code(configure(wrong)), "MalformedXML") << wrong;
  }
  const auto prefix = std::string(kLogPrefixBytesMax + 1, 'p');
  EXPECT_EQ(error_code(configure(fmt::format("<LoggingEnabled><TargetBucket>logs</TargetBucket>"
                                             "<TargetPrefix>{}</TargetPrefix></LoggingEnabled>",
                                             prefix))),
            "InvalidArgument");
  EXPECT_EQ(error_code(send("PUT", "/bucket?logging", "<LoggingStatus/>")), "MalformedXML");
  EXPECT_TRUE(xml(send("GET", "/bucket?logging")).children.empty());
}

TEST_F(S3LoggingTest, TheTargetIsABucketOfTheSameAccountAndRegion) {
  make_foreign("foreign", "444455556666", "us-east-1");
  make_foreign("distant", kAccount, "eu-west-1");
  const auto missing = configure(to("missing"));
  EXPECT_EQ(missing.status, 400);
  EXPECT_EQ(error_code(missing), "InvalidTargetBucketForLogging");
  EXPECT_THAT(missing.body, HasSubstr("<TargetBucket>missing</TargetBucket>"));
  const auto foreign = configure(to("foreign"));
  EXPECT_EQ(error_code(foreign), "InvalidTargetBucketForLogging");
  EXPECT_THAT(foreign.body, HasSubstr("The owner for the bucket to be logged"));
  const auto distant = configure(to("distant"));
  EXPECT_EQ(distant.status, 403);
  EXPECT_EQ(error_code(distant), "CrossLocationLoggingProhibitted");
  EXPECT_THAT(distant.body, HasSubstr("<TargetBucketLocation>eu-west-1</TargetBucketLocation>"));
}

TEST_F(S3LoggingTest, ATargetWithADefaultRetentionOrGrantsIsRefused) {
  ASSERT_EQ(send("PUT", "/locked", "", {{"x-amz-bucket-object-lock-enabled", "true"}}).status, 200);
  EXPECT_EQ(configure(to("locked")).status, 200);
  ASSERT_EQ(send("PUT", "/locked?object-lock",
                 "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule>"
                 "<DefaultRetention><Mode>GOVERNANCE</Mode><Days>1</Days></DefaultRetention></Rule>"
                 "</ObjectLockConfiguration>")
                .status,
            200);
  EXPECT_EQ(error_code(configure(to("locked"))), "InvalidTargetBucketForLogging");
  const auto grants = configure(to(
      "logs",
      "<TargetGrants><Grant><Grantee><ID>111122223333</ID></Grantee><Permission>READ</Permission>"
      "</Grant></TargetGrants>"));
  EXPECT_EQ(grants.status, 400);
  EXPECT_EQ(error_code(grants), "AccessControlListNotSupported");
  EXPECT_THAT(grants.body, HasSubstr("Target grants not allowed for bucket owner enforced"));
  EXPECT_EQ(configure(to("logs", "<TargetGrants></TargetGrants>")).status, 200);
}

TEST_F(S3LoggingTest, BothCallsAreManagementEvents) {
  ASSERT_EQ(configure(to("logs")).status, 200);
  (void)shown();
  const auto told = events();
  const auto& put = told[told.size() - 2];
  EXPECT_EQ(put.at("eventName"), "PutBucketLogging");
  EXPECT_EQ(put.at("managementEvent"), json::Value(true));
  const auto& asked = put.at("requestParameters").at("BucketLoggingStatus").at("LoggingEnabled");
  EXPECT_EQ(asked.at("TargetBucket"), "logs");
  EXPECT_EQ(told.back().at("eventName"), "GetBucketLogging");
  EXPECT_EQ(told.back().at("readOnly"), json::Value(true));
}

}  // namespace
}  // namespace traccia::api
