// Multipart uploads through the S3 front.
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "api/test_s3.h"
#include "aws/xml.h"
#include "base/bytes.h"
#include "crypto/crypto.h"

namespace traccia::api {
namespace {

using testing::ElementsAre;
using S3UploadTest = S3FrontTest;

TEST_F(S3UploadTest, MultipartUploadsBecomeOneObject) {
  make_bucket();
  const auto created = xml(send("POST", "/bucket/big?uploads", "", {{"x-amz-meta-a", "1"}}));
  const std::string id(created.child_text("UploadId"));
  ASSERT_FALSE(id.empty());
  const std::string first(s3::kPartBytesMin, 'a');
  const std::string second = "tail";
  std::string document = "<CompleteMultipartUpload>";
  std::string sums;
  for (const auto& [number, bytes] :
       std::vector<std::pair<std::string, std::string>>{{"1", first}, {"2", second}}) {
    const auto part = send("PUT", "/bucket/big?partNumber=" + number + "&uploadId=" + id, bytes);
    ASSERT_EQ(part.status, 200);
    sums += crypto::md5(bytes);
    document += "<Part><PartNumber>" + number + "</PartNumber><ETag>" +
                aws::xml_escape(part.headers.get("etag")) + "</ETag></Part>";
  }
  document += "</CompleteMultipartUpload>";
  const auto listed = xml(send("GET", "/bucket/big?uploadId=" + id));
  EXPECT_THAT(texts(listed, "Part", "PartNumber"), ElementsAre("1", "2"));
  const auto pending = xml(send("GET", "/bucket?uploads"));
  EXPECT_THAT(texts(pending, "Upload", "UploadId"), ElementsAre(id));
  EXPECT_EQ(send("GET", "/bucket/big").status, 404) << "not there before it is complete";

  const auto done = send("POST", "/bucket/big?uploadId=" + id, document);
  EXPECT_EQ(done.status, 200);
  const auto etag = '"' + hex_encode(crypto::md5(sums)) + "-2\"";
  EXPECT_EQ(xml(done).child_text("ETag"), etag);
  auto read = send("GET", "/bucket/big");
  EXPECT_EQ(read.headers.get("etag"), etag);
  EXPECT_EQ(read.headers.get("x-amz-meta-a"), "1");
  EXPECT_EQ(body_of(std::move(read)), first + second);
  const auto across = send("GET", "/bucket/big", "",
                           {{"Range", "bytes=" + std::to_string(first.size() - 2) + "-"}});
  EXPECT_EQ(across.body, "aatail");
  EXPECT_EQ(error_code(send("POST", "/bucket/big?uploadId=" + id, document)), "NoSuchUpload");
}

TEST_F(S3UploadTest, MultipartUploadsRefuseWhatDoesNotFit) {
  make_bucket();
  const std::string id(xml(send("POST", "/bucket/k?uploads")).child_text("UploadId"));
  const std::string at = "&uploadId=" + id;
  const auto complete = [&](std::string_view parts) {
    return error_code(
        send("POST", "/bucket/k?uploadId=" + id,
             "<CompleteMultipartUpload>" + std::string(parts) + "</CompleteMultipartUpload>"));
  };
  const auto part = [](std::string_view number, std::string_view bytes) {
    return "<Part><PartNumber>" + std::string(number) + "</PartNumber><ETag>" +
           hex_encode(crypto::md5(bytes)) + "</ETag></Part>";
  };
  EXPECT_EQ(error_code(send("PUT", "/bucket/k?partNumber=0" + at, "x")), "InvalidArgument");
  EXPECT_EQ(error_code(send("PUT", "/bucket/k?partNumber=10001" + at, "x")), "InvalidArgument");
  EXPECT_EQ(error_code(send("PUT", "/bucket/k?partNumber=1&uploadId=none", "x")), "NoSuchUpload");
  ASSERT_EQ(send("PUT", "/bucket/k?partNumber=1" + at, "one").status, 200);
  const std::string big(s3::kPartBytesMin, 'b');
  ASSERT_EQ(send("PUT", "/bucket/k?partNumber=2" + at, big).status, 200);
  EXPECT_EQ(complete(""), "MalformedXML");
  EXPECT_EQ(complete(part("1", "other")), "InvalidPart");
  EXPECT_EQ(complete(part("3", "one")), "InvalidPart");
  EXPECT_EQ(complete(part("2", big) + part("1", "one")), "InvalidPartOrder");
  EXPECT_EQ(complete(part("1", "one") + part("2", big)), "EntityTooSmall");
  EXPECT_EQ(send("DELETE", "/bucket/k?uploadId=" + id).status, 204);
  EXPECT_EQ(complete(part("1", "one")), "NoSuchUpload");
}

}  // namespace
}  // namespace traccia::api
