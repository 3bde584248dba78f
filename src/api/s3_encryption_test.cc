// Server-side encryption through the S3 front: headers, defaults, keys, and what is on the disk.
// SPDX-License-Identifier: Apache-2.0
#include "api/s3_encryption.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>

#include "api/service_table.h"
#include "api/test_s3.h"
#include "base/bytes.h"
#include "crypto/crypto.h"
#include "s3/test_store.h"

namespace traccia::api {
namespace {

using testing::HasSubstr;

const std::pair<std::string, std::string> kKms{"x-amz-server-side-encryption", "aws:kms"};
const std::pair<std::string, std::string> kWithBucketKey{
    "x-amz-server-side-encryption-bucket-key-enabled", "true"};

class S3EncryptionTest : public S3FrontTest {
 protected:
  void SetUp() override {
    S3FrontTest::SetUp();
    make_bucket();
    key_ = kms("CreateKey", {}).at("KeyMetadata").at("Arn").as_string();
  }
  json::Object kms(std::string_view operation, const json::Object& input) {
    const auto done = execute(*services_, caller_, *find_service("kms")->find(operation), input);
    if (!done) ADD_FAILURE() << operation << ": " << done.error().message();
    return done ? done->document : json::Object{};
  }
  Fields with_key(const Fields& more = {}) const {
    Fields out{kKms, {"x-amz-server-side-encryption-aws-kms-key-id", key_}};
    out.insert(out.end(), more.begin(), more.end());
    return out;
  }
  std::string refusal(const http::Response& response) {
    return fmt::format("{} {}: {}", response.status, error_code(response),
                       xml(response).child_text("Message"));
  }
  http::Response set_default(std::string_view rule) {
    return send("PUT", "/bucket?encryption",
                fmt::format("<ServerSideEncryptionConfiguration><Rule>{}</Rule>"
                            "</ServerSideEncryptionConfiguration>",
                            rule));
  }
  http::Response default_to_key(bool bucket_key) {
    return set_default(
        fmt::format("<ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms"
                    "</SSEAlgorithm><KMSMasterKeyID>{}</KMSMasterKeyID>"
                    "</ApplyServerSideEncryptionByDefault>"
                    "<BucketKeyEnabled>{}</BucketKeyEnabled>",
                    key_, bucket_key));
  }
  // Whether some file of the blob store has the text.
  bool on_disk(std::string_view text) {
    for (const auto& path : fake_.files.paths()) {
      if (!path.starts_with("/d/blobs/")) continue;
      const auto file = fake_.files.open(path, os::OpenMode::ReadOnly).value();
      std::string bytes(file->size().value(), '\0');
      EXPECT_TRUE(file->read_at(0, bytes));
      if (bytes.find(text) != bytes.npos) return true;
    }
    return false;
  }
  // Uses of a key that were recorded, once the log has them.
  size_t recorded(std::string_view operation) {
    kms("ScheduleKeyDeletion", {{"KeyId", kms("CreateKey", {}).at("KeyMetadata").at("KeyId")}});
    return static_cast<size_t>(std::ranges::count(event_names(), operation));
  }

  std::string key_;
};

TEST_F(S3EncryptionTest, NothingLiesPlainOnTheDisk) {
  put("k", "a secret of 24 bytes....");
  EXPECT_FALSE(on_disk("secret"));
  const auto read = send("GET", "/bucket/k");
  EXPECT_EQ(read.body, "a secret of 24 bytes....");
  EXPECT_EQ(read.headers.get("x-amz-server-side-encryption"), "AES256");
  EXPECT_FALSE(read.headers.find("x-amz-server-side-encryption-aws-kms-key-id"));
  EXPECT_EQ(read.headers.get("ETag"),
            s3_quoted(hex_encode(crypto::md5("a secret of 24 bytes...."))));
}

TEST_F(S3EncryptionTest, ObjectsUnderAKey) {
  const auto stored = send("PUT", "/bucket/k", "secret", with_key());
  ASSERT_EQ(stored.status, 200) << stored.body;
  EXPECT_EQ(stored.headers.get("x-amz-server-side-encryption"), "aws:kms");
  EXPECT_EQ(stored.headers.get("x-amz-server-side-encryption-aws-kms-key-id"), key_);
  EXPECT_FALSE(stored.headers.find("x-amz-server-side-encryption-bucket-key-enabled"));
  EXPECT_NE(stored.headers.get("ETag"), s3_quoted(hex_encode(crypto::md5("secret"))));
  EXPECT_FALSE(on_disk("secret"));
  const auto read = send("GET", "/bucket/k", "", {{"Range", "bytes=2-4"}});
  EXPECT_EQ(read.body, "cre");
  EXPECT_EQ(read.headers.get("ETag"), stored.headers.get("ETag"));
  const auto head = send("HEAD", "/bucket/k");
  EXPECT_EQ(head.headers.get("x-amz-server-side-encryption-aws-kms-key-id"), key_);
  EXPECT_EQ(recorded("GenerateDataKey"), 1U);
  EXPECT_EQ(recorded("Decrypt"), 1U) << "HEAD gives no content away";
}

TEST_F(S3EncryptionTest, AKeyThatCannotBeUsedStopsReadersAndWriters) {
  ASSERT_EQ(send("PUT", "/bucket/k", "secret", with_key()).status, 200);
  kms("DisableKey", {{"KeyId", key_}});
  const auto disabled = fmt::format("400 KMS.DisabledException: {} is disabled.", key_);
  EXPECT_EQ(refusal(send("GET", "/bucket/k")), disabled);
  EXPECT_EQ(refusal(send("PUT", "/bucket/k", "other", with_key())), disabled);
  EXPECT_EQ(send("HEAD", "/bucket/k").status, 200);
  kms("EnableKey", {{"KeyId", key_}});
  EXPECT_EQ(send("GET", "/bucket/k").body, "secret");
  kms("ScheduleKeyDeletion", {{"KeyId", key_}});
  EXPECT_EQ(refusal(send("GET", "/bucket/k")),
            fmt::format("400 KMS.KMSInvalidStateException: {} is pending deletion.", key_));
  EXPECT_THAT(refusal(send("PUT", "/bucket/n", "x",
                           {kKms, {"x-amz-server-side-encryption-aws-kms-key-id", "alias/none"}})),
              HasSubstr("400 KMS.NotFoundException: Alias arn:aws:kms:us-east-1:"));
}

TEST_F(S3EncryptionTest, TheBucketSaysForThoseThatSayNothing) {
  EXPECT_EQ(default_to_key(false).status, 200);
  EXPECT_THAT(send("GET", "/bucket?encryption").body, HasSubstr(key_));
  put("k", "secret");
  EXPECT_EQ(send("HEAD", "/bucket/k").headers.get("x-amz-server-side-encryption-aws-kms-key-id"),
            key_);
  put("plain", "x", {{"x-amz-server-side-encryption", "AES256"}});
  EXPECT_EQ(send("HEAD", "/bucket/plain").headers.get("x-amz-server-side-encryption"), "AES256");
  EXPECT_EQ(send("DELETE", "/bucket?encryption").status, 204);
  EXPECT_EQ(send("GET", "/bucket/k").body, "secret");
  put("k", "again");
  EXPECT_EQ(send("HEAD", "/bucket/k").headers.get("x-amz-server-side-encryption"), "AES256");
}

TEST_F(S3EncryptionTest, WithABucketKeyKmsIsToldOfFewUses) {
  ASSERT_EQ(default_to_key(true).status, 200);
  for (const auto* name : {"a", "b", "c"}) {
    put(name, "secret");
    const auto read = send("GET", std::string("/bucket/") + name);
    EXPECT_EQ(read.body, "secret");
    EXPECT_EQ(read.headers.get("x-amz-server-side-encryption-bucket-key-enabled"), "true");
  }
  EXPECT_EQ(recorded("GenerateDataKey"), 1U);
  EXPECT_EQ(recorded("Decrypt"), 1U);
  kms("DisableKey", {{"KeyId", key_}});
  EXPECT_EQ(error_code(send("GET", "/bucket/a")), "KMS.DisabledException");
  EXPECT_EQ(error_code(send("PUT", "/bucket/d", "x")), "KMS.DisabledException");
}

TEST_F(S3EncryptionTest, TheContextIsTheObjectsOrTheBuckets) {
  const auto told = [&](std::string_view operation) {
    recorded(operation);
    const auto all = events();
    const auto at = std::find_if(all.rbegin(), all.rend(), [&](const json::Object& event) {
      return json::find_string(event, "eventName") == operation;
    });
    return json::serialize(at->at("requestParameters").at("encryptionContext"));
  };
  put("k", "x", with_key());
  EXPECT_EQ(told("GenerateDataKey"), R"({"aws:s3:arn":"arn:aws:s3:::bucket/k"})");
  put("k", "x", with_key({kWithBucketKey}));
  EXPECT_EQ(told("GenerateDataKey"), R"({"aws:s3:arn":"arn:aws:s3:::bucket"})");
  put("k", "x",
      with_key({{"x-amz-server-side-encryption-context", base64_encode(R"({"team":"audit"})")}}));
  ASSERT_EQ(send("GET", "/bucket/k").body, "x");
  EXPECT_EQ(told("Decrypt"), R"({"aws:s3:arn":"arn:aws:s3:::bucket/k","team":"audit"})");
  for (const auto* wrong : {"%", "bm90IGpzb24=", "WzFd", "eyJhIjoxfQ=="}) {
    EXPECT_EQ(error_code(send("PUT", "/bucket/k", "x",
                              with_key({{"x-amz-server-side-encryption-context", wrong}}))),
              "InvalidArgument")
        << wrong;
  }
}

TEST_F(S3EncryptionTest, UploadsHaveOneKeyForAllParts) {
  const auto begun = send("POST", "/bucket/big?uploads", "", with_key());
  ASSERT_EQ(begun.status, 200) << begun.body;
  EXPECT_EQ(begun.headers.get("x-amz-server-side-encryption-aws-kms-key-id"), key_);
  const auto id = std::string(xml(begun).child_text("UploadId"));
  const std::string first(s3::kPartBytesMin, 'a');
  std::string list = "<CompleteMultipartUpload>";
  for (int i = 1; i <= 2; ++i) {
    const auto part = send("PUT", fmt::format("/bucket/big?partNumber={}&uploadId={}", i, id),
                           i == 1 ? first : "secret");
    ASSERT_EQ(part.status, 200) << part.body;
    EXPECT_EQ(part.headers.get("x-amz-server-side-encryption"), "aws:kms");
    list += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", i,
                        part.headers.get("ETag"));
  }
  const auto done = send("POST", "/bucket/big?uploadId=" + id, list + "</CompleteMultipartUpload>");
  ASSERT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(done.headers.get("x-amz-server-side-encryption-aws-kms-key-id"), key_);
  EXPECT_EQ(body_of(send("GET", "/bucket/big")), first + "secret");
  EXPECT_FALSE(on_disk("secret"));
}

TEST_F(S3EncryptionTest, CopiesAreEncryptedAnew) {
  put("k", "secret", with_key());
  const Fields from{{"x-amz-copy-source", "/bucket/k"}};
  ASSERT_EQ(send("PUT", "/bucket/copy", "", from).status, 200);
  const auto copy = send("GET", "/bucket/copy");
  EXPECT_EQ(copy.body, "secret");
  EXPECT_EQ(copy.headers.get("x-amz-server-side-encryption"), "AES256");
  // In its place, which changes its encryption only.
  EXPECT_EQ(error_code(send("PUT", "/bucket/k", "", from)), "InvalidRequest");
  ASSERT_EQ(
      send("PUT", "/bucket/k", "", {from[0], {"x-amz-server-side-encryption", "AES256"}}).status,
      200);
  kms("DisableKey", {{"KeyId", key_}});
  EXPECT_EQ(send("GET", "/bucket/k").body, "secret");
}

TEST_F(S3EncryptionTest, WhatIsNotUnderstoodIsRefused) {
  const auto put_with = [&](const Fields& headers) {
    return error_code(send("PUT", "/bucket/k", "x", headers));
  };
  EXPECT_EQ(put_with({{"x-amz-server-side-encryption", "rot13"}}),
            "InvalidEncryptionAlgorithmError");
  EXPECT_EQ(put_with({{"x-amz-server-side-encryption", "aws:kms:dsse"}}), "NotImplemented");
  EXPECT_EQ(put_with({{"x-amz-server-side-encryption-aws-kms-key-id", key_}}), "InvalidArgument");
  EXPECT_EQ(put_with({{"x-amz-server-side-encryption-customer-algorithm", "AES256"}}),
            "NotImplemented");
  EXPECT_EQ(error_code(set_default("")), "MalformedXML");
  EXPECT_EQ(error_code(set_default("<ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256"
                                   "</SSEAlgorithm><KMSMasterKeyID>k</KMSMasterKeyID>"
                                   "</ApplyServerSideEncryptionByDefault>")),
            "InvalidArgument");
  EXPECT_EQ(error_code(set_default("<ApplyServerSideEncryptionByDefault><SSEAlgorithm>none"
                                   "</SSEAlgorithm></ApplyServerSideEncryptionByDefault>")),
            "MalformedXML");
  EXPECT_EQ(send("GET", "/bucket/k").status, 404);
}

TEST_F(S3EncryptionTest, WhoMayNotUseTheKeyGetsNeitherObjectNorRoom) {
  put("k", "secret", with_key());
  kms("PutKeyPolicy",
      {{"KeyId", key_},
       {"Policy",
        R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":)"
        R"("arn:aws:iam::111122223333:root"},"Action":["kms:DisableKey","kms:PutKeyPolicy"],)"
        R"("Resource":"*"}]})"},
       {"BypassPolicyLockoutSafetyCheck", true}});
  const auto blobs = s3::stored_count(*database_, *blobs_);
  EXPECT_THAT(refusal(send("GET", "/bucket/k")), HasSubstr("403 AccessDenied: User: "));
  EXPECT_THAT(refusal(send("GET", "/bucket/k")), HasSubstr("kms:Decrypt on resource: " + key_));
  EXPECT_THAT(refusal(send("PUT", "/bucket/k", s3::kManyBytes, with_key())),
              HasSubstr("kms:GenerateDataKey on resource: " + key_));
  EXPECT_EQ(s3::stored_count(*database_, *blobs_), blobs);
}

// The bucket policy of the practices, as it is written: the header must be there.
TEST_F(S3EncryptionTest, PoliciesSeeTheHeadersOnly) {
  const auto deny = [&](std::string_view condition) {
    const auto text = fmt::format(
        R"({{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":"*","Action":)"
        R"("s3:PutObject","Resource":"arn:aws:s3:::bucket/*","Condition":{}}}]}})",
        condition);
    ASSERT_EQ(send("PUT", "/bucket?policy", text).status, 204);
  };
  const auto put_with = [&](const Fields& headers) {
    return send("PUT", "/bucket/k", "x", headers).status;
  };
  ASSERT_EQ(default_to_key(false).status, 200);
  deny(R"({"StringNotEquals":{"s3:x-amz-server-side-encryption":["aws:kms","AES256"]}})");
  EXPECT_EQ(put_with({}), 403) << "the bucket's default is not looked at";
  EXPECT_EQ(put_with(with_key()), 200);
  EXPECT_EQ(put_with({{"x-amz-server-side-encryption", "AES256"}}), 200);
  deny(R"({"StringNotEquals":{"s3:x-amz-server-side-encryption":["aws:kms"]}})");
  EXPECT_EQ(put_with({{"x-amz-server-side-encryption", "AES256"}}), 403);
  EXPECT_EQ(put_with(with_key()), 200);
  deny(fmt::format(
      R"({{"StringNotEquals":{{"s3:x-amz-server-side-encryption-aws-kms-key-id":"{}"}}}})", key_));
  EXPECT_EQ(put_with(with_key()), 200);
  EXPECT_EQ(put_with({{"x-amz-server-side-encryption", "AES256"}}), 403);
}

}  // namespace
}  // namespace traccia::api
