// Records of access logs: fields, what clients cannot forge, and what S3 calls each operation.
// SPDX-License-Identifier: Apache-2.0
#include "api/s3_access_record.h"

#include <gmock/gmock.h>

#include <map>
#include <string>

#include "api/s3_request_log.h"

namespace traccia::api {
namespace {

using testing::HasSubstr;
using testing::Not;

AccessRecord whole() {
  AccessRecord record;
  record.owner = "111122223333";
  record.bucket = "bucket";
  record.time = parse_iso("2026-02-06T00:00:38.9Z").value();
  record.remote_ip = "192.0.2.3";
  record.requester = "arn:aws:iam::111122223333:user/alice";
  record.request_id = "3E57427F3EXAMPLE";
  record.operation = "REST.GET.OBJECT";
  record.key = "a b/ü.txt";
  record.request_uri = "GET /bucket/a%20b/%C3%BC.txt HTTP/1.1";
  record.status = 206;
  record.bytes_sent = 113;
  record.object_size = 5000;
  record.total = std::chrono::microseconds(7900);
  record.turn_around = std::chrono::microseconds(5100);
  record.referer = "";
  record.user_agent = "curl/8";
  record.version_id = "v1";
  record.host_id = "host+id=";
  record.signature_version = "SigV4";
  record.cipher_suite = "TLS_AES_128_GCM_SHA256";
  record.authentication = "AuthHeader";
  record.host = "localhost:4780";
  record.tls_version = "TLSv1.3";
  return record;
}

TEST(AccessRecord, HasAllFieldsInTheirOrder) {
  EXPECT_EQ(render_record(whole()),
            "111122223333 bucket [06/Feb/2026:00:00:38 +0000] 192.0.2.3 "
            "arn:aws:iam::111122223333:user/alice 3E57427F3EXAMPLE REST.GET.OBJECT "
            "a%20b/%C3%BC.txt \"GET /bucket/a%20b/%C3%BC.txt HTTP/1.1\" 206 - 113 5000 7 5 \"-\" "
            "\"curl/8\" v1 host+id= SigV4 TLS_AES_128_GCM_SHA256 AuthHeader localhost:4780 TLSv1.3 "
            "- - -\n");
  AccessRecord nothing;
  nothing.time = parse_iso("2026-12-31T23:59:59Z").value();
  EXPECT_EQ(render_record(nothing),
            "- - [31/Dec/2026:23:59:59 +0000] - - - - - - - - - - - - - - - - - - - - - - - -\n");
}

TEST(AccessRecord, NothingThatAClientSendsEndsAFieldOrALine) {
  auto record = whole();
  const std::string forged = "x\" 200 - \\\"\r\n111122223333 bucket [\x7f\x80";
  record.key = forged;
  record.request_uri = forged;
  record.referer = forged;
  record.user_agent = forged;
  record.version_id = forged;
  record.host = forged;
  const auto line = render_record(record);
  EXPECT_EQ(std::ranges::count(line, '\n'), 1);
  EXPECT_TRUE(line.ends_with('\n'));
  EXPECT_EQ(std::ranges::count(line, '"'), 6) << line;
  EXPECT_EQ(std::ranges::count(line, '\\'), 0);
  EXPECT_THAT(line, HasSubstr("\"x%22 200 - %5C%22%0D%0A111122223333 bucket [%7F%80\""));
  // Without quotes a space would end the field.
  EXPECT_THAT(line, HasSubstr(" x%22%20200%20-%20%5C%22%0D%0A111122223333%20bucket%20[%7F%80 "));
  record.key = "-";
  EXPECT_THAT(render_record(record), HasSubstr(" REST.GET.OBJECT %2D "));
  record.user_agent = std::string(kRecordFieldBytesMax + 1, 'a');
  EXPECT_THAT(render_record(record), HasSubstr(std::string(kRecordFieldBytesMax, 'a')));
  EXPECT_THAT(render_record(record), Not(HasSubstr(std::string(kRecordFieldBytesMax + 1, 'a'))));
}

TEST(AccessRecord, RequestUrisHideWhatPresignedOnesProveThemselvesWith) {
  EXPECT_EQ(request_uri("GET", "/b/k", "", 11), "GET /b/k HTTP/1.1");
  EXPECT_EQ(request_uri("GET", "/b/k", "versions&x-note=1", 10),
            "GET /b/k?versions&x-note=1 HTTP/1.0");
  EXPECT_EQ(request_uri("GET", "/b/k",
                        "X-Amz-Expires=60&X-Amz-Signature=abc&X-Amz-Security-Token=def%3D&"
                        "x%2Damz-signatur%65=ghi",
                        11),
            "GET /b/k?X-Amz-Expires=60&X-Amz-Signature=HIDDEN_DUE_TO_SECURITY_REASONS&"
            "X-Amz-Security-Token=HIDDEN_DUE_TO_SECURITY_REASONS&"
            "x%2Damz-signatur%65=HIDDEN_DUE_TO_SECURITY_REASONS HTTP/1.1");
  const auto uri = request_uri("GET", "/b/" + std::string(2 * kRecordFieldBytesMax, 'k'), "", 11);
  EXPECT_LE(uri.size(), kRecordFieldBytesMax);
  EXPECT_TRUE(uri.ends_with(" HTTP/1.1"));
}

TEST(AccessRecord, EveryOperationHasItsName) {
  // Where the name is not REST.METHOD.OBJECT or REST.METHOD.BUCKET.
  const std::map<std::string_view, std::string_view> names{
      {"AbortMultipartUpload", "REST.DELETE.UPLOAD"},
      {"CompleteMultipartUpload", "REST.POST.UPLOAD"},
      {"CopyObject", "REST.COPY.OBJECT"},
      {"CreateMultipartUpload", "REST.POST.UPLOADS"},
      {"DeleteBucketEncryption", "REST.DELETE.ENCRYPTION"},
      {"DeleteBucketLifecycle", "REST.DELETE.LIFECYCLE"},
      {"DeleteBucketOwnershipControls", "REST.DELETE.OWNERSHIP_CONTROLS"},
      {"DeleteBucketPolicy", "REST.DELETE.BUCKETPOLICY"},
      {"DeleteBucketPublicAccessBlock", "REST.DELETE.PUBLIC_ACCESS_BLOCK"},
      {"DeleteBucketTagging", "REST.DELETE.TAGGING"},
      {"DeleteObjectTagging", "REST.DELETE.OBJECT_TAGGING"},
      {"DeleteObjects", "REST.POST.MULTI_OBJECT_DELETE"},
      {"GetBucketAcl", "REST.GET.ACL"},
      {"GetBucketEncryption", "REST.GET.ENCRYPTION"},
      {"GetBucketLifecycle", "REST.GET.LIFECYCLE"},
      {"GetBucketLocation", "REST.GET.LOCATION"},
      {"GetBucketLogging", "REST.GET.LOGGING_STATUS"},
      {"GetBucketNotification", "REST.GET.NOTIFICATION"},
      {"GetBucketObjectLockConfiguration", "REST.GET.OBJECT_LOCK_CONFIGURATION"},
      {"GetBucketOwnershipControls", "REST.GET.OWNERSHIP_CONTROLS"},
      {"GetBucketPolicy", "REST.GET.BUCKETPOLICY"},
      {"GetBucketPolicyStatus", "REST.GET.POLICY_STATUS"},
      {"GetBucketPublicAccessBlock", "REST.GET.PUBLIC_ACCESS_BLOCK"},
      {"GetBucketTagging", "REST.GET.TAGGING"},
      {"GetBucketVersioning", "REST.GET.VERSIONING"},
      {"GetObjectAcl", "REST.GET.ACL"},
      {"GetObjectAttributes", "REST.GET.OBJECT_ATTRIBUTES"},
      {"GetObjectLegalHold", "REST.GET.OBJECT_LOCK_LEGALHOLD"},
      {"GetObjectRetention", "REST.GET.OBJECT_LOCK_RETENTION"},
      {"GetObjectTagging", "REST.GET.OBJECT_TAGGING"},
      {"ListBuckets", "REST.GET.SERVICE"},
      {"ListMultipartUploads", "REST.GET.UPLOADS"},
      {"ListObjects", "REST.GET.BUCKET"},
      {"ListObjectVersions", "REST.GET.BUCKETVERSIONS"},
      {"ListParts", "REST.GET.UPLOAD"},
      {"PutBucketAcl", "REST.PUT.ACL"},
      {"PutBucketEncryption", "REST.PUT.ENCRYPTION"},
      {"PutBucketLifecycle", "REST.PUT.LIFECYCLE"},
      {"PutBucketLogging", "REST.PUT.LOGGING_STATUS"},
      {"PutBucketNotification", "REST.PUT.NOTIFICATION"},
      {"PutBucketObjectLockConfiguration", "REST.PUT.OBJECT_LOCK_CONFIGURATION"},
      {"PutBucketOwnershipControls", "REST.PUT.OWNERSHIP_CONTROLS"},
      {"PutBucketPolicy", "REST.PUT.BUCKETPOLICY"},
      {"PutBucketPublicAccessBlock", "REST.PUT.PUBLIC_ACCESS_BLOCK"},
      {"PutBucketTagging", "REST.PUT.TAGGING"},
      {"PutBucketVersioning", "REST.PUT.VERSIONING"},
      {"PutObjectAcl", "REST.PUT.ACL"},
      {"PutObjectLegalHold", "REST.PUT.OBJECT_LOCK_LEGALHOLD"},
      {"PutObjectRetention", "REST.PUT.OBJECT_LOCK_RETENTION"},
      {"PutObjectTagging", "REST.PUT.OBJECT_TAGGING"},
      {"RestoreObject", "REST.POST.RESTORE"},
      {"UploadPart", "REST.PUT.PART"},
      {"UploadPartCopy", "REST.COPY.PART"}};
  for (const auto group : s3_operation_groups()) {
    for (const auto& operation : group) {
      const bool plain = operation.query_mark.empty() && operation.header_mark.empty() &&
                         operation.level != S3Level::Service;
      const auto* level = operation.level == S3Level::Object ? "OBJECT" : "BUCKET";
      auto wanted = "REST." + std::string(operation.method) + "." + level;
      if (!plain) {
        ASSERT_TRUE(names.contains(operation.name)) << operation.name;
        wanted = names.at(operation.name);
      }
      EXPECT_EQ(log_operation(operation.method, operation.level, operation.query_mark,
                              operation.header_mark == "x-amz-copy-source"),
                wanted)
          << operation.name;
    }
  }
}

}  // namespace
}  // namespace traccia::api
