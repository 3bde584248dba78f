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

TEST_F(S3UploadTest, PartsAreReadByTheirNumber) {
  make_bucket();
  const std::string id(xml(send("POST", "/bucket/big?uploads")).child_text("UploadId"));
  const std::string first(s3::kPartBytesMin, 'a');
  std::string document = "<CompleteMultipartUpload>";
  for (const auto& [number, bytes] :
       std::vector<std::pair<std::string, std::string>>{{"3", first}, {"7", "tail"}}) {
    const auto part = send("PUT", "/bucket/big?partNumber=" + number + "&uploadId=" + id, bytes);
    document += "<Part><PartNumber>" + number + "</PartNumber><ETag>" +
                aws::xml_escape(part.headers.get("etag")) + "</ETag></Part>";
  }
  document += "</CompleteMultipartUpload>";
  ASSERT_EQ(send("POST", "/bucket/big?uploadId=" + id, document).status, 200);

  auto one = send("GET", "/bucket/big?partNumber=1");
  EXPECT_EQ(one.status, 206);
  EXPECT_EQ(one.headers.get("x-amz-mp-parts-count"), "2");
  EXPECT_EQ(one.headers.get("content-range"), "bytes 0-5242879/5242884");
  EXPECT_EQ(body_of(std::move(one)), first);
  const auto two = send("GET", "/bucket/big?partNumber=2");
  EXPECT_EQ(two.body, "tail");
  EXPECT_EQ(two.headers.get("content-range"), "bytes 5242880-5242883/5242884");
  const auto head = send("HEAD", "/bucket/big?partNumber=2");
  EXPECT_EQ(head.status, 206);
  EXPECT_EQ(head.stream->size(), 4U);
  const auto beyond = send("GET", "/bucket/big?partNumber=3");
  EXPECT_EQ(beyond.status, 416);
  EXPECT_EQ(error_code(beyond), "InvalidPartNumber");
  for (const auto* number : {"0", "10001", "x", "", "-1", "4294967297"}) {
    const auto refused = send("GET", std::string("/bucket/big?partNumber=") + number);
    EXPECT_EQ(error_code(refused), "InvalidArgument") << number;
  }
  EXPECT_EQ(error_code(send("GET", "/bucket/big?partNumber=1", "", {{"Range", "bytes=0-1"}})),
            "InvalidRequest");
}

TEST_F(S3UploadTest, AnObjectThatCameWholeIsOnePart) {
  make_bucket();
  put("k", "12345");
  const auto whole = send("GET", "/bucket/k?partNumber=1");
  EXPECT_EQ(whole.status, 206);
  EXPECT_EQ(whole.body, "12345");
  EXPECT_EQ(whole.headers.get("content-range"), "bytes 0-4/5");
  EXPECT_FALSE(whole.headers.find("x-amz-mp-parts-count"));
  EXPECT_EQ(error_code(send("GET", "/bucket/k?partNumber=2")), "InvalidPartNumber");
  put("empty", "");
  EXPECT_EQ(send("GET", "/bucket/empty?partNumber=1").status, 200) << "no byte range is empty";
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
