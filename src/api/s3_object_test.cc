// Objects through the S3 front: stored, read in part and on condition, copied, deleted.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>

#include "api/test_s3.h"
#include "base/bytes.h"
#include "crypto/crypto.h"
#include "s3/test_store.h"

namespace traccia::api {
namespace {

using testing::ElementsAre;
using S3ObjectTest = S3FrontTest;

TEST_F(S3ObjectTest, ObjectsKeepBytesHeadersAndMetadata) {
  make_bucket();
  const auto stored = send("PUT", "/bucket/a%20b", "hello",
                           {{"Content-Type", "text/plain"},
                            {"Cache-Control", "no-store"},
                            {"X-Amz-Meta-Owner", "someone"}});
  const auto etag = '"' + hex_encode(crypto::md5("hello")) + '"';
  EXPECT_EQ(stored.headers.get("etag"), etag);
  EXPECT_EQ(stored.headers.get("x-amz-server-side-encryption"), "AES256");
  const auto read = send("GET", "/bucket/a%20b");
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(read.body, "hello");
  EXPECT_EQ(read.headers.get("etag"), etag);
  EXPECT_EQ(read.headers.get("content-type"), "text/plain");
  EXPECT_EQ(read.headers.get("cache-control"), "no-store");
  EXPECT_EQ(read.headers.get("x-amz-meta-owner"), "someone");
  EXPECT_EQ(read.headers.get("accept-ranges"), "bytes");
  EXPECT_TRUE(parse_http_date(read.headers.get("last-modified")));
  put("plain");
  EXPECT_EQ(send("GET", "/bucket/plain").headers.get("content-type"), "binary/octet-stream");
  EXPECT_EQ(error_code(send("GET", "/bucket/none")), "NoSuchKey");
  EXPECT_EQ(error_code(send("GET", "/nobucket/none")), "NoSuchBucket");
}

TEST_F(S3ObjectTest, HeadTellsTheLengthWithoutReading) {
  make_bucket();
  put("k", "hello");
  const auto head = send("HEAD", "/bucket/k");
  EXPECT_EQ(head.status, 200);
  EXPECT_TRUE(head.body.empty());
  ASSERT_TRUE(head.stream);
  EXPECT_EQ(head.stream->size(), 5U);
}

TEST_F(S3ObjectTest, LargeObjectsAreStreamedRangesToo) {
  make_bucket();
  std::string bytes(3'000'000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 >> 3);
  put("big", bytes);
  auto whole = send("GET", "/bucket/big");
  EXPECT_TRUE(whole.stream);
  EXPECT_EQ(body_of(std::move(whole)), bytes);
  auto part = send("GET", "/bucket/big", "", {{"Range", "bytes=1000-2500000"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(body_of(std::move(part)), bytes.substr(1000, 2'499'001));
}

TEST_F(S3ObjectTest, Ranges) {
  make_bucket();
  put("k", "0123456789");
  struct Case {
    std::string_view range;
    int status;
    std::string_view body, content_range;
  };
  constexpr Case kCases[] = {
      {"bytes=0-3", 206, "0123", "bytes 0-3/10"}, {"bytes=7-", 206, "789", "bytes 7-9/10"},
      {"bytes=-3", 206, "789", "bytes 7-9/10"},   {"bytes=-30", 206, "0123456789", "bytes 0-9/10"},
      {"bytes=8-800", 206, "89", "bytes 8-9/10"}, {"bytes=5-3", 200, "0123456789", ""},
      {"bytes=0-1,3-4", 200, "0123456789", ""},   {"lines=0-1", 200, "0123456789", ""},
      {"bytes=x-", 200, "0123456789", ""},
  };
  for (const auto& [range, status, body, content_range] : kCases) {
    const auto response = send("GET", "/bucket/k", "", {{"Range", std::string(range)}});
    EXPECT_EQ(response.status, status) << range;
    EXPECT_EQ(response.body, body) << range;
    EXPECT_EQ(response.headers.get("content-range"), content_range) << range;
  }
  for (const auto* range : {"bytes=10-", "bytes=-0", "bytes=99-100"}) {
    const auto response = send("GET", "/bucket/k", "", {{"Range", range}});
    EXPECT_EQ(response.status, 416) << range;
    EXPECT_EQ(error_code(response), "InvalidRange") << range;
  }
  put("empty", "");
  EXPECT_EQ(send("GET", "/bucket/empty", "", {{"Range", "bytes=0-"}}).status, 416);
}

TEST_F(S3ObjectTest, ConditionsOfReads) {
  make_bucket();
  put("k", "hello");
  const auto read = send("GET", "/bucket/k");
  const std::string etag(read.headers.get("etag"));
  const std::string date(read.headers.get("last-modified"));
  const std::string before = "Tue, 01 Sep 2020 00:00:00 GMT";
  struct Case {
    Fields headers;
    int status;
  };
  const Case cases[] = {
      {{{"If-Match", etag}}, 200},
      {{{"If-Match", "\"other\""}}, 412},
      {{{"If-Match", "\"other\", " + etag}}, 200},
      {{{"If-Match", "*"}}, 200},
      {{{"If-None-Match", etag}}, 304},
      {{{"If-None-Match", "\"other\""}}, 200},
      {{{"If-Modified-Since", date}}, 304},
      {{{"If-Modified-Since", before}}, 200},
      {{{"If-Modified-Since", "no date"}}, 200},
      {{{"If-Unmodified-Since", date}}, 200},
      {{{"If-Unmodified-Since", before}}, 412},
      // Entity tags decide before dates.
      {{{"If-Match", etag}, {"If-Unmodified-Since", before}}, 200},
      {{{"If-None-Match", "\"other\""}, {"If-Modified-Since", date}}, 200},
  };
  for (const auto& [headers, status] : cases) {
    for (const auto* method : {"GET", "HEAD"}) {
      const auto response = send(method, "/bucket/k", "", headers);
      EXPECT_EQ(response.status, status) << headers.front().first << ": " << headers.front().second;
      if (status == 304) {
        EXPECT_EQ(response.headers.get("etag"), etag);
      }
    }
  }
}

TEST_F(S3ObjectTest, ConditionsOfWrites) {
  make_bucket();
  put("k", "one", {{"If-None-Match", "*"}});
  const auto again = send("PUT", "/bucket/k", "two", {{"If-None-Match", "*"}});
  EXPECT_EQ(again.status, 412);
  EXPECT_EQ(error_code(again), "PreconditionFailed");
  EXPECT_EQ(send("GET", "/bucket/k").body, "one");
  EXPECT_EQ(send("PUT", "/bucket/k", "two", {{"If-Match", "\"other\""}}).status, 412);
  const std::string etag(send("GET", "/bucket/k").headers.get("etag"));
  EXPECT_EQ(send("PUT", "/bucket/k", "two", {{"If-Match", etag}}).status, 200);
  EXPECT_EQ(send("GET", "/bucket/k").body, "two");
  EXPECT_EQ(send("PUT", "/bucket/k", "three", {{"If-None-Match", etag}}).status, 501);
}

TEST_F(S3ObjectTest, RefusedWritesLeaveNoBytesBehind) {
  make_bucket();
  put("k", "one");
  const auto stored = s3::stored_count(*database_, *blobs_);
  for (const auto& bytes : {std::string("two"), s3::kManyBytes}) {
    EXPECT_EQ(send("PUT", "/bucket/k", bytes, {{"If-None-Match", "*"}}).status, 412);
    EXPECT_EQ(send("PUT", "/none/k", bytes).status, 404);
  }
  EXPECT_EQ(s3::stored_count(*database_, *blobs_), stored);
}

TEST_F(S3ObjectTest, DeniedWritesWriteNothing) {
  make_bucket();
  put("k", s3::kManyBytes);
  const std::string upload(xml(send("POST", "/bucket/big?uploads")).child_text("UploadId"));
  const auto part = fmt::format("/bucket/big?partNumber=1&uploadId={}", upload);
  const std::string policy =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*",)"
      R"("Action":"s3:PutObject","Resource":"arn:aws:s3:::bucket/*"}]})";
  ASSERT_EQ(send("PUT", "/bucket?policy", policy).status, 204);
  std::atomic<int> written = 0;
  fake_.files.set_fault([&](os::Operation operation, const std::string& path) {
    if (operation == os::Operation::Write && path.starts_with("/d/blobs")) ++written;
    return std::optional<Error>();
  });
  const auto& many = s3::kManyBytes;
  EXPECT_EQ(error_code(send("PUT", "/bucket/k", many)), "AccessDenied");
  EXPECT_EQ(error_code(send("PUT", part, many)), "AccessDenied");
  EXPECT_EQ(error_code(send("PUT", "/bucket/to", "", {{"x-amz-copy-source", "bucket/k"}})),
            "AccessDenied");
  EXPECT_EQ(written, 0);
  ASSERT_EQ(send("DELETE", "/bucket?policy").status, 204);
  put("k", many);
  EXPECT_GT(written, 0);
  fake_.files.set_fault(nullptr);
}

TEST_F(S3ObjectTest, QueryReplacesTheAnswersHeadersButCannotAddAny) {
  make_bucket();
  put("k", "hello", {{"Content-Type", "text/html"}});
  const auto response = send("GET",
                             "/bucket/k?response-content-type=text%2Fplain"
                             "&response-content-disposition=attachment%3B%20filename%3Da.txt");
  EXPECT_EQ(response.headers.get("content-type"), "text/plain");
  EXPECT_EQ(response.headers.get("content-disposition"), "attachment; filename=a.txt");
  const auto split = send("GET", "/bucket/k?response-cache-control=a%0D%0ASet-Cookie%3A%20b");
  for (const auto& [name, value] : split.headers) {
    EXPECT_EQ(value.find_first_of("\r\n"), std::string::npos) << name;
  }
}

TEST_F(S3ObjectTest, ChecksumsAreVerifiedAndComeBackWhenAskedFor) {
  make_bucket();
  // Of "123456789": the check values of the catalogue of CRC algorithms.
  const Fields good[] = {
      {{"x-amz-checksum-crc32", base64_encode("\xCB\xF4\x39\x26")}},
      {{"x-amz-checksum-crc32c", base64_encode("\xE3\x06\x92\x83")}},
      {{"x-amz-checksum-crc64nvme", base64_encode("\xAE\x8B\x14\x86\x0A\x79\x98\x88")}},
      {{"x-amz-checksum-sha1", base64_encode(crypto::sha1("123456789"))}},
      {{"x-amz-checksum-sha256", base64_encode(crypto::sha256("123456789"))}},
      {{"Content-MD5", base64_encode(crypto::md5("123456789"))}},
  };
  for (const auto& headers : good) {
    const auto& [name, value] = headers.front();
    EXPECT_EQ(send("PUT", "/bucket/k", "123456789", headers).status, 200) << name;
    EXPECT_EQ(error_code(send("PUT", "/bucket/k", "12345678X", headers)), "BadDigest") << name;
    EXPECT_EQ(send("GET", "/bucket/k").body, "123456789") << name;
    if (name == "Content-MD5") continue;
    EXPECT_FALSE(send("GET", "/bucket/k").headers.find(name));
    const Fields mode{{"x-amz-checksum-mode", "ENABLED"}};
    EXPECT_EQ(send("GET", "/bucket/k", "", mode).headers.get(name), value);
    EXPECT_EQ(send("HEAD", "/bucket/k", "", mode).headers.get(name), value);
    const Fields partial{{"x-amz-checksum-mode", "ENABLED"}, {"Range", "bytes=0-1"}};
    EXPECT_FALSE(send("GET", "/bucket/k", "", partial).headers.find(name));
  }
  const Fields malformed{{"Content-MD5", "not base64"}};
  EXPECT_EQ(error_code(send("PUT", "/bucket/k", "x", malformed)), "InvalidDigest");
}

TEST_F(S3ObjectTest, DeleteObjectsAnswersForEachKeyUnlessQuiet) {
  make_bucket();
  put("a");
  put("b");
  const auto told = xml(send("POST", "/bucket?delete",
                             "<Delete><Object><Key>a</Key></Object>"
                             "<Object><Key>never-was</Key></Object></Delete>"));
  EXPECT_EQ(told.name, "DeleteResult");
  EXPECT_THAT(texts(told, "Deleted", "Key"), ElementsAre("a", "never-was"));
  EXPECT_EQ(send("GET", "/bucket/a").status, 404);
  const auto quiet = xml(send("POST", "/bucket?delete",
                              "<Delete><Quiet>true</Quiet><Object><Key>b</Key></Object></Delete>"));
  EXPECT_TRUE(quiet.children.empty());
  EXPECT_EQ(send("GET", "/bucket/b").status, 404);
}

TEST_F(S3ObjectTest, DeleteObjectsTakesOneToAThousandKeys) {
  make_bucket();
  put("k0");
  const auto document = [](int count) {
    std::string out = "<Delete>";
    for (int i = 0; i < count; ++i) out += "<Object><Key>k" + std::to_string(i) + "</Key></Object>";
    return out + "</Delete>";
  };
  for (const auto& body : {document(0), document(1001), std::string("<Delete>"), std::string()}) {
    EXPECT_EQ(error_code(send("POST", "/bucket?delete", body)), "MalformedXML");
  }
  EXPECT_EQ(send("GET", "/bucket/k0").status, 200);
  EXPECT_EQ(send("POST", "/bucket?delete", document(1000)).status, 200);
  EXPECT_EQ(send("GET", "/bucket/k0").status, 404);
}

TEST_F(S3ObjectTest, CopiesTakeMetadataAlongOrReplaceIt) {
  make_bucket();
  put("from%20here", "hello", {{"Content-Type", "text/plain"}, {"x-amz-meta-a", "1"}});
  const auto copied = send("PUT", "/bucket/to", "", {{"x-amz-copy-source", "/bucket/from%20here"}});
  EXPECT_EQ(copied.status, 200);
  EXPECT_EQ(xml(copied).child_text("ETag"), '"' + hex_encode(crypto::md5("hello")) + '"');
  const auto to = send("GET", "/bucket/to");
  EXPECT_EQ(to.body, "hello");
  EXPECT_EQ(to.headers.get("content-type"), "text/plain");
  EXPECT_EQ(to.headers.get("x-amz-meta-a"), "1");

  const Fields replace{{"x-amz-copy-source", "bucket/to"},
                       {"x-amz-metadata-directive", "REPLACE"},
                       {"x-amz-meta-b", "2"}};
  EXPECT_EQ(send("PUT", "/bucket/to", "", replace).status, 200) << "onto itself, changing it";
  const auto replaced = send("GET", "/bucket/to");
  EXPECT_EQ(replaced.body, "hello");
  EXPECT_FALSE(replaced.headers.find("x-amz-meta-a"));
  EXPECT_EQ(replaced.headers.get("x-amz-meta-b"), "2");
  EXPECT_EQ(send("DELETE", "/bucket/from%20here").status, 204);
  EXPECT_EQ(send("GET", "/bucket/to").body, "hello") << "a copy shares nothing with its source";
}

TEST_F(S3ObjectTest, CopiesThatCannotBeMadeAreRefused) {
  make_bucket();
  put("k", "hello");
  const auto copy = [&](const Fields& headers) { return send("PUT", "/bucket/to", "", headers); };
  EXPECT_EQ(error_code(copy({{"x-amz-copy-source", "bucket/none"}})), "NoSuchKey");
  EXPECT_EQ(error_code(copy({{"x-amz-copy-source", "none/k"}})), "NoSuchBucket");
  EXPECT_EQ(error_code(copy({{"x-amz-copy-source", "bucket"}})), "InvalidArgument");
  const auto itself = send("PUT", "/bucket/k", "", {{"x-amz-copy-source", "bucket/k"}});
  EXPECT_EQ(error_code(itself), "InvalidRequest");
  const auto condition =
      copy({{"x-amz-copy-source", "bucket/k"}, {"x-amz-copy-source-if-match", "\"other\""}});
  EXPECT_EQ(error_code(condition), "PreconditionFailed");
  EXPECT_EQ(send("GET", "/bucket/to").status, 404);
}

}  // namespace
}  // namespace traccia::api
