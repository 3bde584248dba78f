// The S3 front as a whole: addresses, what every answer has, who is let in, what is recorded.
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "api/test_s3.h"

namespace traccia::api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(S3FrontTest, AddressesArePathStyleOrVirtualHosted) {
  struct Case {
    std::string_view host, path, bucket, key;
  };
  constexpr Case kCases[] = {
      {"localhost:4780", "/", "", ""},
      {"localhost:4780", "/b", "b", ""},
      {"localhost:4780", "/b/", "b", ""},
      {"localhost:4780", "/b/a%20b/%C3%A9+c", "b", "a b/\xC3\xA9+c"},
      {"localhost:4780", "/b//k", "b", "/k"},
      {"127.0.0.1:4780", "/b/k", "b", "k"},
      {"bucket.localhost:4780", "/", "bucket", ""},
      {"bucket.localhost:4780", "/a/k", "bucket", "a/k"},
      {"bucket.s3.eu-west-1.amazonaws.com", "/k", "bucket", "k"},
      {"my.bucket.s3.us-east-1.amazonaws.com", "/k", "my.bucket", "k"},
      {"s3.us-east-1.amazonaws.com", "/b/k", "b", "k"},
  };
  for (const auto& [host, path, bucket, key] : kCases) {
    http::Request request;
    request.path = path;
    request.headers.add("Host", host);
    const auto address = parse_s3_address(request).value();
    EXPECT_EQ(address.bucket, bucket) << host << path;
    EXPECT_EQ(address.key, key) << host << path;
  }
  http::Request broken;
  broken.path = "/b/%zz";
  EXPECT_FALSE(parse_s3_address(broken));
}

TEST_F(S3FrontTest, EveryAnswerIsSandboxedAndNamesTheRequest) {
  make_bucket();
  for (const auto& [method, target, status] :
       std::vector<std::tuple<std::string, std::string, int>>{{"GET", "/", 200},
                                                              {"GET", "/bucket", 200},
                                                              {"GET", "/missing", 404},
                                                              {"HEAD", "/bucket/none", 404},
                                                              {"GET", "/bucket?torrent", 501}}) {
    const auto response = send(method, target);
    EXPECT_EQ(response.status, status) << target;
    EXPECT_EQ(response.headers.get("content-security-policy"), "sandbox") << target;
    EXPECT_EQ(response.headers.get("x-content-type-options"), "nosniff") << target;
    EXPECT_EQ(response.headers.get("x-amz-request-id"), caller_.request_id) << target;
    EXPECT_FALSE(response.headers.get("x-amz-id-2").empty()) << target;
  }
}

TEST_F(S3FrontTest, SubresourcesThatAreNotServedNeverPassForThePlainCall) {
  make_bucket();
  put("k");
  for (const auto& [method, target] :
       std::vector<std::pair<std::string, std::string>>{{"DELETE", "/bucket?analytics"},
                                                        {"DELETE", "/bucket?cors"},
                                                        {"DELETE", "/bucket?website"},
                                                        {"GET", "/bucket?replication"},
                                                        {"PUT", "/bucket/k?torrent"},
                                                        {"PUT", "/bucket/k?partNumber=1"},
                                                        {"PUT", "/bucket/k?versionId=null"}}) {
    const auto response = send(method, target);
    EXPECT_EQ(response.status, 501) << method << ' ' << target;
    EXPECT_EQ(error_code(response), "NotImplemented") << method << ' ' << target;
  }
  EXPECT_EQ(send("GET", "/bucket/k").body, "x");
  EXPECT_EQ(error_code(send("POST", "/bucket/k")), "MethodNotAllowed");
}

TEST_F(S3FrontTest, OthersBucketsAndUnexpectedOwnersAreDenied) {
  make_bucket();
  put("k");
  const Fields expected{{"x-amz-expected-bucket-owner", "999999999999"}};
  EXPECT_EQ(error_code(send("GET", "/bucket/k", "", expected)), "AccessDenied");
  EXPECT_EQ(send("DELETE", "/bucket/k", "", expected).status, 403);
  caller_.principal.account_id = "999999999999";
  caller_.principal.arn = "arn:aws:iam::999999999999:user/other";
  const auto denied = send("GET", "/bucket/k");
  EXPECT_EQ(denied.status, 403);
  EXPECT_EQ(error_code(denied), "AccessDenied");
  EXPECT_EQ(send("PUT", "/bucket/k", "y").status, 403);
  EXPECT_EQ(error_code(send("PUT", "/bucket")), "BucketAlreadyExists");
  caller_.principal.account_id = kAccount;
  EXPECT_EQ(send("GET", "/bucket/k").body, "x");
}

TEST_F(S3FrontTest, ManagementCallsAreRecordedAllowedOrNot) {
  make_bucket();
  EXPECT_EQ(send("GET", "/bucket?policy").status, 404);
  EXPECT_EQ(send("HEAD", "/bucket").status, 200);
  EXPECT_EQ(send("DELETE", "/missing").status, 404);
  const auto recorded = events();
  EXPECT_THAT(event_names(),
              ElementsAre("CreateBucket", "GetBucketPolicy", "HeadBucket", "DeleteBucket"));
  const auto& created = recorded[0];
  EXPECT_EQ(json::find_string(created, "eventSource"), "s3.amazonaws.com");
  EXPECT_EQ(json::find_string(created, "eventCategory"), "Management");
  EXPECT_EQ(created.at("readOnly"), json::Value(false));
  EXPECT_EQ(json::find_string(created.at("requestParameters").as_object(), "bucketName"), "bucket");
  EXPECT_FALSE(created.contains("errorCode"));
  EXPECT_EQ(json::find_string(recorded[1], "errorCode"), "NoSuchBucketPolicy");
  EXPECT_EQ(recorded[1].at("readOnly"), json::Value(true));
  EXPECT_EQ(json::find_string(recorded[3], "errorCode"), "NoSuchBucket");
}

TEST_F(S3FrontTest, DataEventsAreRecordedWhenASelectorTakesThem) {
  make_bucket();
  put("in/k");
  EXPECT_EQ(send("GET", "/bucket/in/k").status, 200);
  EXPECT_THAT(event_names(), ElementsAre("CreateBucket")) << "no selector, no data events";
  log_data_events({"arn:aws:s3:::bucket/in/"});
  put("in/k", "hello");
  put("out/k");
  EXPECT_EQ(send("GET", "/bucket/in/k").status, 200);
  EXPECT_EQ(send("GET", "/bucket/in/none").status, 404);
  EXPECT_EQ(send("GET", "/bucket/out/none").status, 404);
  EXPECT_EQ(send("DELETE", "/bucket/in/k").status, 204);
  EXPECT_THAT(event_names(),
              ElementsAre("CreateBucket", "PutObject", "GetObject", "GetObject", "DeleteObject"));
  const auto recorded = events();
  const auto& stored = recorded[1];
  EXPECT_EQ(json::find_string(stored, "eventCategory"), "Data");
  EXPECT_EQ(stored.at("managementEvent"), json::Value(false));
  const auto& object = stored.at("resources").as_array().at(0).as_object();
  EXPECT_EQ(json::find_string(object, "type"), "AWS::S3::Object");
  EXPECT_EQ(json::find_string(object, "ARN"), "arn:aws:s3:::bucket/in/k");
  EXPECT_EQ(recorded[2].at("additionalEventData").as_object().at("bytesTransferredOut"),
            json::Value(5));
  EXPECT_EQ(json::find_string(recorded[3], "errorCode"), "NoSuchKey");
}

TEST_F(S3FrontTest, EventsShowNoSignatures) {
  log_data_events({"arn:aws:s3"});
  make_bucket();
  put("k");
  EXPECT_EQ(send("GET", "/bucket/k?X-Amz-Signature=5eC2e7&X-Amz-Credential=AKIA%2Fscope").status,
            200);
  const auto text = json::serialize(events().back());
  EXPECT_THAT(text, HasSubstr("GetObject"));
  EXPECT_EQ(text.find("5eC2e7"), std::string::npos);
}

TEST_F(S3FrontTest, EventsBelongToTheBucketsRegion) {
  ASSERT_EQ(send("PUT", "/bucket",
                 "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint>"
                 "</CreateBucketConfiguration>")
                .status,
            200);
  caller_.region = "aws-global";
  EXPECT_EQ(send("GET", "/bucket?location").status, 200);
  EXPECT_EQ(json::find_string(events().back(), "awsRegion"), "eu-west-1");
  EXPECT_EQ(send("GET", "/").status, 200);
  EXPECT_EQ(json::find_string(events().back(), "awsRegion"), "us-east-1");
}

}  // namespace
}  // namespace traccia::api
