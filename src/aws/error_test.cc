// Error envelopes and request ids.
// SPDX-License-Identifier: Apache-2.0
#include "aws/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace traccia::aws {
namespace {

const ApiError kError{.name = "TrailNotFoundException", .status = 400, .message = "Unknown <t>"};
const RequestId kId{"0123", "aGk="};

TEST(ErrorTest, Json11) {
  const auto response = render_error(Protocol::Json11, kError, kId);
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.headers.get("content-type"), "application/x-amz-json-1.1");
  EXPECT_EQ(response.headers.get("x-amzn-requestid"), "0123");
  EXPECT_EQ(response.headers.get("x-amzn-errortype"), "TrailNotFoundException");
  EXPECT_EQ(response.body, R"({"__type":"TrailNotFoundException","message":"Unknown <t>"})");
}

TEST(ErrorTest, RestJson) {
  const auto response = render_error(Protocol::RestJson, kError, kId);
  EXPECT_EQ(response.headers.get("content-type"), "application/json");
  EXPECT_EQ(response.headers.get("x-amzn-errortype"), "TrailNotFoundException");
  EXPECT_EQ(response.body, R"({"message":"Unknown <t>"})");
}

TEST(ErrorTest, QueryNamesTheParty) {
  auto response = render_error(Protocol::Query, kError, kId);
  EXPECT_EQ(response.headers.get("content-type"), "text/xml");
  EXPECT_THAT(response.body, testing::EndsWith("<ErrorResponse><Error><Type>Sender</Type>"
                                               "<Code>TrailNotFoundException</Code>"
                                               "<Message>Unknown &lt;t&gt;</Message></Error>"
                                               "<RequestId>0123</RequestId></ErrorResponse>"));
  response = render_error(Protocol::Query, {"InternalFailure", 500, ""}, kId);
  EXPECT_EQ(response.status, 500);
  EXPECT_THAT(response.body, testing::HasSubstr("<Type>Receiver</Type>"));
}

TEST(ErrorTest, S3CarriesDetails) {
  const auto response = render_error(
      Protocol::RestXml, {"NoSuchKey", 404, "Gone.", {{"Key", "a&b"}, {"BucketName", "b"}}}, kId);
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.headers.get("content-type"), "application/xml");
  EXPECT_EQ(response.headers.get("x-amz-request-id"), "0123");
  EXPECT_EQ(response.headers.get("x-amz-id-2"), "aGk=");
  EXPECT_EQ(response.body,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<Error><Code>NoSuchKey</Code><Message>Gone.</Message><Key>a&amp;b</Key>"
            "<BucketName>b</BucketName><RequestId>0123</RequestId><HostId>aGk=</HostId></Error>");
}

TEST(RequestIdTest, Forms) {
  std::string bytes;
  for (size_t i = 0; i < kRequestIdBytes; ++i) bytes += static_cast<char>(0xF0 + i);
  EXPECT_EQ(make_request_id(Protocol::Json11, bytes).id, "f0f1f2f3-f4f5-46f7-b8f9-fafbfcfdfeff");
  EXPECT_EQ(make_request_id(Protocol::Query, bytes).host_id, "");
  const auto s3 = make_request_id(Protocol::RestXml, bytes);
  EXPECT_EQ(s3.id, "F0F1F2F3F4F5F6F7");
  EXPECT_EQ(s3.host_id.size(), 76U);
}

}  // namespace
}  // namespace traccia::aws
