// Checksums of objects and of multipart objects through the S3 front, and GetObjectAttributes.
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "api/test_s3.h"
#include "base/bytes.h"
#include "compress/compress.h"
#include "crypto/crypto.h"
#include "s3/checksums.h"

namespace traccia::api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string sum(std::string_view algorithm, std::string_view bytes) {
  return base64_encode(s3::find_checksum(algorithm)->compute(bytes));
}

class S3ChecksumTest : public S3FrontTest {
 protected:
  void SetUp() override {
    S3FrontTest::SetUp();
    make_bucket();
  }

  std::string begin(const Fields& headers) {
    const auto made = send("POST", "/bucket/big?uploads", "", headers);
    EXPECT_EQ(made.status, 200) << made.body;
    return std::string(xml(made).child_text("UploadId"));
  }
  http::Response part(const std::string& upload, int number, const std::string& bytes,
                      const Fields& headers = {}) {
    return send("PUT", "/bucket/big?partNumber=" + std::to_string(number) + "&uploadId=" + upload,
                bytes, headers);
  }
  // One part of the document, with the checksum elements given.
  static std::string listed(int number, std::string_view bytes, std::string_view sums = {}) {
    return "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><ETag>" +
           hex_encode(crypto::md5(bytes)) + "</ETag>" + std::string(sums) + "</Part>";
  }
  http::Response complete(const std::string& upload, const std::string& parts,
                          const Fields& headers = {}) {
    return send("POST", "/bucket/big?uploadId=" + upload,
                "<CompleteMultipartUpload>" + parts + "</CompleteMultipartUpload>", headers);
  }
  http::Response head() {
    return send("HEAD", "/bucket/big", "", {{"x-amz-checksum-mode", "ENABLED"}});
  }
  aws::XmlElement attributes(const std::string& asked, const Fields& more = {}) {
    Fields headers{{"x-amz-object-attributes", asked}};
    headers.insert(headers.end(), more.begin(), more.end());
    const auto response = send("GET", "/bucket/big?attributes", "", headers);
    EXPECT_EQ(response.status, 200) << response.body;
    return xml(response);
  }
  static std::string message(const http::Response& response) {
    return std::string(xml(response).child_text("Message"));
  }

  const std::string first_ = std::string(s3::kPartBytesMin, 'a');
  const std::string second_ = "tail";
};

TEST_F(S3ChecksumTest, FullObjectSumsAreCombinedOutOfTheParts) {
  for (const std::string label : {"CRC32", "CRC32C", "CRC64NVME"}) {
    const auto* algorithm = s3::find_checksum(label);
    const auto header = "x-amz-checksum-" + std::string(algorithm->name);
    const auto upload =
        begin({{"x-amz-checksum-algorithm", label}, {"x-amz-checksum-type", "FULL_OBJECT"}});
    const auto put = part(upload, 1, first_, {{header, sum(label, first_)}});
    EXPECT_EQ(put.headers.get(header), sum(label, first_));
    EXPECT_EQ(part(upload, 2, second_).headers.get(header), sum(label, second_))
        << "computed where the client sent none";
    const auto whole = sum(label, first_ + second_);
    const auto parts = listed(1, first_) + listed(2, second_);
    const auto wrong = complete(upload, parts, {{header, sum(label, "other")}});
    EXPECT_EQ(error_code(wrong), "BadDigest");
    EXPECT_EQ(message(wrong), "The " + std::string(algorithm->name) +
                                  " you specified did not match the calculated checksum.");
    const auto done = xml(complete(upload, parts, {{header, whole}}));
    EXPECT_EQ(done.child_text("Checksum" + label), whole);
    EXPECT_EQ(done.child_text("ChecksumType"), "FULL_OBJECT");
    EXPECT_EQ(head().headers.get(header), whole);
    EXPECT_EQ(head().headers.get("x-amz-checksum-type"), "FULL_OBJECT");
  }
}

TEST_F(S3ChecksumTest, CompositeSumsAreOfThePartsSums) {
  for (const std::string label : {"SHA1", "SHA256", "CRC32", "CRC32C"}) {
    const auto* algorithm = s3::find_checksum(label);
    const auto header = "x-amz-checksum-" + std::string(algorithm->name);
    const auto upload = begin({{"x-amz-checksum-algorithm", label}});
    const auto element = [&](std::string_view bytes) {
      return "<Checksum" + label + ">" + sum(label, bytes) + "</Checksum" + label + ">";
    };
    ASSERT_EQ(part(upload, 1, first_, {{header, sum(label, first_)}}).status, 200);
    ASSERT_EQ(part(upload, 2, second_, {{header, sum(label, second_)}}).status, 200);
    const auto pending = xml(send("GET", "/bucket/big?uploadId=" + upload));
    EXPECT_EQ(pending.child_text("ChecksumAlgorithm"), label);
    EXPECT_EQ(pending.child_text("ChecksumType"), "COMPOSITE");
    EXPECT_THAT(texts(pending, "Part", "Checksum" + label),
                ElementsAre(sum(label, first_), sum(label, second_)));

    const auto missing = complete(upload, listed(1, first_) + listed(2, second_));
    EXPECT_EQ(error_code(missing), "InvalidRequest");
    EXPECT_THAT(message(missing), HasSubstr("It was missing for part 1 in the request."));
    EXPECT_EQ(error_code(complete(upload, listed(1, first_, element(second_)) +
                                              listed(2, second_, element(second_)))),
              "InvalidPart");
    const auto whole =
        base64_encode(algorithm->compute(algorithm->compute(first_) + algorithm->compute(second_)));
    const auto parts = listed(1, first_, element(first_)) + listed(2, second_, element(second_));
    const auto done = xml(complete(upload, parts, {{header, whole + "-2"}}));
    EXPECT_EQ(done.child_text("Checksum" + label), whole + "-2");
    EXPECT_EQ(done.child_text("ChecksumType"), "COMPOSITE");
    EXPECT_EQ(head().headers.get(header), whole + "-2");
    EXPECT_EQ(head().headers.get("x-amz-checksum-type"), "COMPOSITE");

    const auto known = attributes("Checksum");
    ASSERT_NE(known.child("Checksum"), nullptr);
    EXPECT_EQ(known.child("Checksum")->child_text("Checksum" + label), whole);
    const auto page = attributes("ObjectParts", {{"x-amz-max-parts", "1"}});
    const auto* shown = page.child("ObjectParts");
    ASSERT_NE(shown, nullptr);
    EXPECT_EQ(shown->child_text("PartsCount"), "2");
    EXPECT_EQ(shown->child_text("IsTruncated"), "true");
    EXPECT_EQ(shown->child_text("NextPartNumberMarker"), "1");
    EXPECT_THAT(texts(*shown, "Part", "Checksum" + label), ElementsAre(sum(label, first_)));
    const auto rest = attributes("ObjectParts", {{"x-amz-part-number-marker", "1"}});
    EXPECT_THAT(texts(*rest.child("ObjectParts"), "Part", "Size"), ElementsAre("4"));
    EXPECT_EQ(rest.child("ObjectParts")->child_text("IsTruncated"), "false");
  }
}

TEST_F(S3ChecksumTest, UploadsWithoutAnAlgorithmGetTheDefaultOne) {
  const auto upload = begin({});
  const auto put = part(upload, 1, first_, {{"x-amz-checksum-crc32", sum("crc32", first_)}});
  EXPECT_EQ(put.headers.get("x-amz-checksum-crc32"), sum("crc32", first_));
  EXPECT_FALSE(part(upload, 2, second_).headers.find("x-amz-checksum-crc64nvme"));
  const auto told = "<ChecksumCRC32>" + sum("crc32", first_) + "</ChecksumCRC32>";
  EXPECT_EQ(error_code(complete(upload, listed(1, first_, told) + listed(2, second_))),
            "InvalidPart");
  EXPECT_EQ(complete(upload, listed(1, first_) + listed(2, second_)).status, 200);
  EXPECT_EQ(head().headers.get("x-amz-checksum-crc64nvme"), sum("crc64nvme", first_ + second_));
  const auto known = attributes("ETag, Checksum,ObjectParts,StorageClass,ObjectSize");
  EXPECT_EQ(known.child_text("ETag"),
            hex_encode(crypto::md5(crypto::md5(first_) + crypto::md5(second_))) + "-2");
  EXPECT_EQ(known.child("ObjectParts")->child_text("PartsCount"), "2");
  EXPECT_TRUE(known.child("ObjectParts")->children_named("Part").empty());
  EXPECT_EQ(known.child_text("StorageClass"), "STANDARD");
  EXPECT_EQ(known.child_text("ObjectSize"), std::to_string(first_.size() + second_.size()));
}

TEST_F(S3ChecksumTest, PlainObjectsGetTheDefaultOneToo) {
  put("plain", "plain");
  const auto shown = send("GET", "/bucket/plain", "", {{"x-amz-checksum-mode", "ENABLED"}});
  EXPECT_EQ(shown.headers.get("x-amz-checksum-crc64nvme"), sum("crc64nvme", "plain"));
  const auto both = send("PUT", "/bucket/plain", "plain",
                         {{"x-amz-checksum-crc32", sum("crc32", "plain")},
                          {"x-amz-checksum-sha1", sum("sha1", "plain")}});
  EXPECT_EQ(error_code(both), "InvalidRequest");
  const auto short_one = send("PUT", "/bucket/plain", "plain", {{"x-amz-checksum-crc32", "AA=="}});
  EXPECT_EQ(message(short_one), "Value for x-amz-checksum-crc32 header is invalid.");
}

TEST_F(S3ChecksumTest, WhatDoesNotFitIsRefused) {
  const auto refused = [&](const Fields& headers) {
    const auto response = send("POST", "/bucket/big?uploads", "", headers);
    EXPECT_EQ(error_code(response), "InvalidRequest") << response.body;
    return message(response);
  };
  EXPECT_EQ(
      refused({{"x-amz-checksum-algorithm", "SHA256"}, {"x-amz-checksum-type", "FULL_OBJECT"}}),
      "The FULL_OBJECT checksum type cannot be used with the sha256 checksum algorithm.");
  EXPECT_EQ(
      refused({{"x-amz-checksum-algorithm", "CRC64NVME"}, {"x-amz-checksum-type", "COMPOSITE"}}),
      "The COMPOSITE checksum type cannot be used with the crc64nvme checksum algorithm.");
  EXPECT_THAT(refused({{"x-amz-checksum-type", "COMPOSITE"}}), HasSubstr("can only be used with"));
  EXPECT_THAT(refused({{"x-amz-checksum-algorithm", "MD5"}}), HasSubstr("unsupported"));
  EXPECT_THAT(refused({{"x-amz-checksum-algorithm", "CRC32"}, {"x-amz-checksum-type", "HALF"}}),
              HasSubstr("x-amz-checksum-type header is invalid"));

  const auto upload = begin({{"x-amz-checksum-algorithm", "SHA256"}});
  EXPECT_EQ(message(part(upload, 1, "x")),
            "Checksum Type mismatch occurred, expected checksum Type: sha256, actual checksum "
            "Type: null");
  EXPECT_EQ(message(part(upload, 1, "x", {{"x-amz-checksum-crc32", sum("crc32", "x")}})),
            "Checksum Type mismatch occurred, expected checksum Type: sha256, actual checksum "
            "Type: crc32");
  const Fields good{{"x-amz-checksum-sha256", sum("sha256", "x")}};
  ASSERT_EQ(part(upload, 1, "x", good).status, 200);
  const auto parts = listed(1, "x", "<ChecksumSHA256>" + sum("sha256", "x") + "</ChecksumSHA256>");
  EXPECT_EQ(message(complete(upload, parts, {{"x-amz-mp-object-size", "2"}})),
            "The provided 'x-amz-mp-object-size' header value 2 does not match what was computed: "
            "1");
  EXPECT_THAT(message(complete(upload, parts, {{"x-amz-mp-object-size", "-1"}})),
              HasSubstr("is less than zero"));
  EXPECT_THAT(message(complete(upload, parts, {{"x-amz-mp-object-size", "one"}})),
              HasSubstr("is invalid"));
  EXPECT_THAT(message(complete(upload, parts, {{"x-amz-checksum-type", "FULL_OBJECT"}})),
              HasSubstr("created using the COMPOSITE checksum mode"));
  EXPECT_EQ(error_code(complete(upload, parts, {{"x-amz-checksum-crc32", sum("crc32", "x")}})),
            "InvalidRequest");
  EXPECT_EQ(
      complete(upload, parts, {{"x-amz-mp-object-size", "1"}, {"x-amz-checksum-type", "COMPOSITE"}})
          .status,
      200);
}

TEST_F(S3ChecksumTest, CopiesHaveASumOfTheirOwn) {
  const auto upload = begin({{"x-amz-checksum-algorithm", "SHA256"}});
  ASSERT_EQ(part(upload, 1, "x", {{"x-amz-checksum-sha256", sum("sha256", "x")}}).status, 200);
  const auto told = "<ChecksumSHA256>" + sum("sha256", "x") + "</ChecksumSHA256>";
  ASSERT_EQ(complete(upload, listed(1, "x", told)).status, 200);
  const auto copied = xml(send("PUT", "/bucket/copy", "", {{"x-amz-copy-source", "/bucket/big"}}));
  EXPECT_EQ(copied.child_text("ChecksumSHA256"), sum("sha256", "x")) << "not of sums any more";
  EXPECT_EQ(copied.child_text("ChecksumType"), "FULL_OBJECT");
  const auto other =
      xml(send("PUT", "/bucket/copy", "",
               {{"x-amz-copy-source", "/bucket/big"}, {"x-amz-checksum-algorithm", "CRC32C"}}));
  EXPECT_EQ(other.child_text("ChecksumCRC32C"), sum("crc32c", "x"));

  const auto next = begin({{"x-amz-checksum-algorithm", "CRC32"}});
  const auto piece = xml(send("PUT", "/bucket/big?partNumber=1&uploadId=" + next, "",
                              {{"x-amz-copy-source", "/bucket/copy"}}));
  EXPECT_EQ(piece.child_text("ChecksumCRC32"), sum("crc32", "x"));
}

TEST_F(S3ChecksumTest, AttributesAreForWhoMayReadThem) {
  put("big", "x");
  const auto ask = [&](const Fields& headers) {
    return send("GET", "/bucket/big?attributes", "", headers);
  };
  EXPECT_EQ(error_code(ask({})), "InvalidRequest");
  EXPECT_EQ(error_code(ask({{"x-amz-object-attributes", "Colour"}})), "InvalidArgument");
  EXPECT_EQ(attributes("ObjectParts").child("ObjectParts"), nullptr) << "it was put in one piece";
  const auto gone =
      send("GET", "/bucket/nothing?attributes", "", {{"x-amz-object-attributes", "ETag"}});
  EXPECT_EQ(error_code(gone), "NoSuchKey");
}

}  // namespace
}  // namespace traccia::api
