// What a bucket's policy must say before a trail is taken, and what deliveries may do under it.
// SPDX-License-Identifier: Apache-2.0
#include "api/trail_bucket_policy.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>

#include "api/operation_call.h"
#include "api/test_s3.h"
#include "s3/test_store.h"

namespace traccia::api {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

aws::Arn trail_arn(std::string_view name, std::string_view account = kAccount) {
  return {"aws", "cloudtrail", "us-east-1", std::string(account), fmt::format("trail/{}", name)};
}

class TrailBucketPolicyTest : public S3FrontTest {
 protected:
  void SetUp() override {
    S3FrontTest::SetUp();
    make_bucket();
  }
  void allow(const std::vector<aws::Arn>& trails, std::string_view prefix = "") {
    const auto text = json::serialize(trail_bucket_policy("bucket", prefix, trails));
    ASSERT_EQ(send("PUT", "/bucket?policy", text).status, 204);
  }
  // "" or reason and message.
  std::string call(std::string_view operation, const json::Object& input) {
    const auto bindings = cloudtrail_bindings();
    const auto at = std::ranges::find_if(
        bindings, [&](const Binding& one) { return one.operation->name == operation; });
    const auto done = execute(*services_, caller_, *at, input);
    if (done) return "";
    return fmt::format("{}: {}", done.error().reason(), done.error().message());
  }
  std::string create(std::string_view prefix = "") {
    return call("CreateTrail", {{"Name", "main"},
                                {"S3BucketName", "bucket"},
                                {"S3KeyPrefix", prefix},
                                {"EnableLogFileValidation", true}});
  }
  std::string deliver(const aws::Arn& trail, std::string_view key) {
    const auto arn = aws::format_arn(trail);
    const auto done = store_->put_if_absent({"bucket", key, s3::kManyBytes, {}, arn, "us-east-1"});
    return done ? "" : std::string(done.error().reason());
  }

  static constexpr std::string_view kRefused =
      "InsufficientS3BucketPolicy: Incorrect S3 bucket policy is detected for bucket: bucket";
  static constexpr std::string_view kKey = "AWSLogs/111122223333/CloudTrail/us-east-1/f.json.gz";
};

TEST_F(TrailBucketPolicyTest, ATrailNeedsAPolicyThatNamesIt) {
  EXPECT_EQ(create(), kRefused) << "no policy: the service has no right of its own";
  allow({trail_arn("other")});
  EXPECT_EQ(create(), kRefused) << "a confused deputy";
  allow({trail_arn("main", "444455556666")});
  EXPECT_EQ(create(), kRefused) << "another account's trail of the same name";
  EXPECT_THAT(event_names(), Not(Contains("GetBucketAcl")));
  allow({trail_arn("other"), trail_arn("main")});
  EXPECT_EQ(create(), "");
  EXPECT_THAT(event_names(), Contains("GetBucketAcl"));
}

TEST_F(TrailBucketPolicyTest, ThePrefixMustMatch) {
  allow({trail_arn("main")});
  EXPECT_EQ(create("logs"), kRefused);
  allow({trail_arn("main")}, "logs");
  EXPECT_EQ(create(), kRefused);
  EXPECT_EQ(create("logs"), "");
  const json::Object moved{{"Name", "main"}, {"S3KeyPrefix", "elsewhere"}};
  EXPECT_EQ(call("UpdateTrail", moved), kRefused);
  allow({trail_arn("main")}, "elsewhere");
  EXPECT_EQ(call("UpdateTrail", moved), "");
}

TEST_F(TrailBucketPolicyTest, ABucketThatIsNotThereIsNamed) {
  EXPECT_EQ(call("CreateTrail", {{"Name", "main"}, {"S3BucketName", "no-such"}}),
            "S3BucketDoesNotExist: S3 bucket no-such does not exist!");
}

TEST_F(TrailBucketPolicyTest, DeliveriesAreTheTrailsOwn) {
  allow({trail_arn("main")});
  EXPECT_EQ(deliver(trail_arn("main"), kKey), "");
  EXPECT_EQ(deliver(trail_arn("other"), "AWSLogs/111122223333/x"), "AccessDenied");
  EXPECT_EQ(deliver(trail_arn("main"), "elsewhere/x"), "AccessDenied");
  EXPECT_EQ(deliver(trail_arn("main"), "AWSLogs/444455556666/x"), "AccessDenied");
  EXPECT_EQ(s3::stored_count(*database_, *blobs_), 1U) << "refused bytes are taken back";
  ASSERT_EQ(send("DELETE", "/bucket?policy").status, 204);
  EXPECT_EQ(deliver(trail_arn("main"), "AWSLogs/111122223333/y"), "AccessDenied");
}

TEST_F(TrailBucketPolicyTest, TheUsualPerimeterSparesTheService) {
  auto policy = trail_bucket_policy("bucket", "", std::vector{trail_arn("main")});
  const auto deny = [&](json::Object condition) {
    auto copy = policy;
    copy["Statement"].as_array().push_back(json::Object{{"Effect", "Deny"},
                                                        {"Principal", "*"},
                                                        {"Action", "s3:PutObject"},
                                                        {"Resource", "arn:aws:s3:::bucket/*"},
                                                        {"Condition", std::move(condition)}});
    ASSERT_EQ(send("PUT", "/bucket?policy", json::serialize(copy)).status, 204);
  };
  deny({{"Bool", json::Object{{"aws:SecureTransport", "false"}}}});
  EXPECT_EQ(deliver(trail_arn("main"), "AWSLogs/111122223333/1"), "");
  deny({{"StringNotEquals",
         json::Object{{"s3:x-amz-server-side-encryption", json::Array{"aws:kms", "AES256"}}}}});
  EXPECT_EQ(deliver(trail_arn("main"), "AWSLogs/111122223333/2"), "");
  deny({{"StringNotEquals", json::Object{{"aws:SourceAccount", "111122223333"}}},
        {"Bool", json::Object{{"aws:PrincipalIsAWSService", "true"}}}});
  EXPECT_EQ(deliver(trail_arn("main"), "AWSLogs/111122223333/3"), "");
  deny({{"StringEquals", json::Object{{"aws:SourceAccount", "111122223333"}}}});
  EXPECT_EQ(deliver(trail_arn("main"), "AWSLogs/111122223333/4"), "AccessDenied");
  // A demand for MFA shuts the service out (posture 2.1): so it is refused when the trail is made.
  deny({{"Null", json::Object{{"aws:MultiFactorAuthAge", true}}}});
  EXPECT_EQ(create(), kRefused);
}

TEST(TrailBucketPolicy, IsTheDocumentedOne) {
  const auto policy = trail_bucket_policy(
      "logs", "p", std::vector{trail_arn("a"), trail_arn("b", "444455556666"), trail_arn("c")});
  EXPECT_EQ(
      json::serialize(policy),
      R"({"Version":"2012-10-17","Statement":[{"Sid":"AWSCloudTrailAclCheck20150319",)"
      R"("Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},)"
      R"("Action":"s3:GetBucketAcl","Resource":"arn:aws:s3:::logs","Condition":{"StringEquals":)"
      R"({"aws:SourceArn":["arn:aws:cloudtrail:us-east-1:111122223333:trail/a",)"
      R"("arn:aws:cloudtrail:us-east-1:444455556666:trail/b",)"
      R"("arn:aws:cloudtrail:us-east-1:111122223333:trail/c"]}}},)"
      R"({"Sid":"AWSCloudTrailWrite20150319","Effect":"Allow",)"
      R"("Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject",)"
      R"("Resource":["arn:aws:s3:::logs/p/AWSLogs/111122223333/*",)"
      R"("arn:aws:s3:::logs/p/AWSLogs/444455556666/*"],"Condition":{"StringEquals":)"
      R"({"s3:x-amz-acl":"bucket-owner-full-control","aws:SourceArn":[)"
      R"("arn:aws:cloudtrail:us-east-1:111122223333:trail/a",)"
      R"("arn:aws:cloudtrail:us-east-1:444455556666:trail/b",)"
      R"("arn:aws:cloudtrail:us-east-1:111122223333:trail/c"]}}}]})");
}

}  // namespace
}  // namespace traccia::api
