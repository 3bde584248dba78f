// The list of headers. A test compares it with what the sources read.
// SPDX-License-Identifier: Apache-2.0
#include "api/s3_headers.h"

namespace traccia::api {
namespace {

constexpr std::string_view kWrites = "PutObject, CopyObject, CreateMultipartUpload";
constexpr std::string_view kReads = "GetObject, HeadObject";
constexpr std::string_view kUploads = "PutObject, UploadPart, CompleteMultipartUpload";
constexpr std::string_view kCopies = "CopyObject, UploadPartCopy";
constexpr std::string_view kAll = "all";

constexpr S3Header kRequest[] = {
    {"Cache-Control", kWrites},
    {"Content-Disposition", kWrites},
    {"Content-Encoding", "as Cache-Control; aws-chunked is taken off"},
    {"Content-Language", kWrites},
    {"Content-MD5", "all with a body"},
    {"Content-Type", kWrites},
    {"Expires", kWrites},
    {"If-Match", "GetObject, HeadObject, PutObject, CompleteMultipartUpload, DeleteObject"},
    {"If-Modified-Since", kReads},
    {"If-None-Match", "GetObject, HeadObject; PutObject, CompleteMultipartUpload: *"},
    {"If-Range", "GetObject"},
    {"If-Unmodified-Since", kReads},
    {"Range", kReads},
    {"x-amz-acl",
     "CreateBucket, PutBucketAcl, PutObjectAcl, PutObject, CopyObject, "
     "CreateMultipartUpload"},
    {"x-amz-bucket-object-lock-enabled", "CreateBucket"},
    {"x-amz-bypass-governance-retention", "DeleteObject, DeleteObjects, PutObjectRetention"},
    {"x-amz-checksum-*", kUploads},
    {"x-amz-checksum-algorithm", "CreateMultipartUpload, CopyObject"},
    {"x-amz-checksum-mode", kReads},
    {"x-amz-checksum-type", "CreateMultipartUpload, CompleteMultipartUpload"},
    {"x-amz-content-sha256", "all: a hash, UNSIGNED-PAYLOAD, STREAMING-…"},
    {"x-amz-copy-source", kCopies},
    {"x-amz-copy-source-if-*", kCopies},
    {"x-amz-copy-source-range", "UploadPartCopy"},
    {"x-amz-date", kAll},
    {"x-amz-decoded-content-length", "all with aws-chunked bodies"},
    {"x-amz-expected-bucket-owner", kAll},
    {"x-amz-grant-*", "as x-amz-acl"},
    {"x-amz-max-parts", "GetObjectAttributes"},
    {"x-amz-meta-*", kWrites},
    {"x-amz-metadata-directive", "CopyObject"},
    {"x-amz-mfa", "PutBucketVersioning, DeleteObject, DeleteObjects"},
    {"x-amz-mp-object-size", "CompleteMultipartUpload"},
    {"x-amz-object-attributes", "GetObjectAttributes"},
    {"x-amz-object-lock-legal-hold", kWrites},
    {"x-amz-object-lock-mode", kWrites},
    {"x-amz-object-lock-retain-until-date", kWrites},
    {"x-amz-object-ownership", "CreateBucket"},
    {"x-amz-part-number-marker", "GetObjectAttributes"},
    {"x-amz-sdk-checksum-algorithm", kUploads},
    {"x-amz-security-token", kAll},
    {"x-amz-server-side-encryption", kWrites},
    {"x-amz-server-side-encryption-aws-kms-key-id", kWrites},
    {"x-amz-server-side-encryption-bucket-key-enabled", kWrites},
    {"x-amz-server-side-encryption-context", kWrites},
    {"x-amz-skip-destination-validation", "PutBucketNotificationConfiguration"},
    {"x-amz-source-expected-bucket-owner", kCopies},
    {"x-amz-storage-class", kWrites},
    {"x-amz-tagging", kWrites},
    {"x-amz-tagging-directive", "CopyObject"},
    {"x-amz-trailer", "all with aws-chunked bodies: x-amz-checksum-*, x-amz-trailer-signature"},
    {"x-amz-transition-default-minimum-object-size", "PutBucketLifecycleConfiguration"}};

constexpr S3Header kAnswer[] = {
    {"Content-Security-Policy", "all: objects share an origin with the console"},
    {"x-amz-abort-date", "CreateMultipartUpload, ListParts"},
    {"x-amz-abort-rule-id", "CreateMultipartUpload, ListParts"},
    {"x-amz-bucket-region", "HeadBucket"},
    {"x-amz-checksum-*", "PutObject, UploadPart; GetObject, HeadObject with x-amz-checksum-mode"},
    {"x-amz-checksum-algorithm", "CreateMultipartUpload"},
    {"x-amz-checksum-type",
     "CreateMultipartUpload; PutObject, GetObject, HeadObject as "
     "x-amz-checksum-*"},
    {"x-amz-copy-source-version-id", kCopies},
    {"x-amz-delete-marker", "GetObject, HeadObject, DeleteObject"},
    {"x-amz-expiration", "PutObject, CopyObject, GetObject, HeadObject"},
    {"x-amz-id-2", kAll},
    {"x-amz-meta-*", kReads},
    {"x-amz-mp-parts-count", "GetObject, HeadObject with partNumber"},
    {"x-amz-object-lock-legal-hold", kReads},
    {"x-amz-object-lock-mode", kReads},
    {"x-amz-object-lock-retain-until-date", kReads},
    {"x-amz-request-id", kAll},
    {"x-amz-restore", kReads},
    {"x-amz-server-side-encryption", "of what is stored, and GetObject, HeadObject"},
    {"x-amz-server-side-encryption-aws-kms-key-id", "as x-amz-server-side-encryption"},
    {"x-amz-server-side-encryption-bucket-key-enabled", "as x-amz-server-side-encryption"},
    {"x-amz-storage-class", "GetObject, HeadObject, where it is not STANDARD"},
    {"x-amz-tagging-count", kReads},
    {"x-amz-transition-default-minimum-object-size", "GetBucketLifecycleConfiguration"},
    {"x-amz-version-id", "where the bucket keeps versions"}};

constexpr S3RefusedHeader kRefused[] = {
    {"x-amz-object-lock-event-hold", "NotImplemented"},
    {"x-amz-server-side-encryption-customer-", "NotImplemented"},
    {"x-amz-copy-source-server-side-encryption-customer-", "NotImplemented"},
    {"x-amz-website-redirect-location", "NotImplemented"},
    // A code in a URL would lie in every log on its way.
    {kMfaHeader, "InvalidRequest"}};

}  // namespace

std::span<const S3Header> s3_request_headers() {
  return kRequest;
}
std::span<const S3Header> s3_answer_headers() {
  return kAnswer;
}
std::span<const S3RefusedHeader> s3_refused_headers() {
  return kRefused;
}

}  // namespace traccia::api
