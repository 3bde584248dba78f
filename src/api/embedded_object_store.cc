// Puts delivered files into the embedded S3.
// SPDX-License-Identifier: Apache-2.0
#include "api/embedded_object_store.h"

#include <fmt/format.h>

#include "api/audit.h"
#include "base/bytes.h"
#include "crypto/crypto.h"

namespace traccia::api {
namespace {

AuditEvent put_event(const delivery::PutRequest& request, const s3::Bucket& bucket) {
  AuditEvent event;
  event.event_id = derived_event_id(fmt::format("PutObject\n{}\n{}", request.bucket, request.key));
  event.source = "s3.amazonaws.com";
  event.name = "PutObject";
  event.region = bucket.region;
  event.account = bucket.owner_account;
  event.category = event::Category::Data;
  event.request_parameters = json::Object{{"bucketName", request.bucket},
                                          {"key", request.key},
                                          {"x-amz-acl", "bucket-owner-full-control"}};
  event.additional_event_data =
      json::Object{{"bytesTransferredIn", request.bytes.size()}, {"bytesTransferredOut", 0}};
  event.resources = json::Array{
      json::Object{{"type", "AWS::S3::Object"},
                   {"ARN", fmt::format("arn:aws:s3:::{}/{}", request.bucket, request.key)}},
      json::Object{{"accountId", bucket.owner_account},
                   {"type", "AWS::S3::Bucket"},
                   {"ARN", fmt::format("arn:aws:s3:::{}", request.bucket)}}};
  return event;
}

}  // namespace

Result<std::vector<ingest::Draft>> EmbeddedObjectStore::put_in(meta::Transaction& transaction,
                                                               const delivery::PutRequest& request,
                                                               const blob::BlobId& blob) {
  TRY_ASSIGN(const auto bucket, authorise(transaction, request));
  const auto caller = cloudtrail_service(request.trail_arn, bucket.owner_account, request.region,
                                         os_.random.uuid());
  s3::PutOptions options;
  options.headers.content_type = "application/json";
  options.headers.content_encoding = "gzip";
  options.metadata = request.metadata;
  options.if_none_match_any = true;
  TRY(s3_.put_object(transaction, request.bucket, request.key,
                     hex_encode(crypto::md5(request.bytes)), request.bytes.size(), blob, options));
  TRY_ASSIGN(auto draft, audit_draft(os_, os_.clock.now(), caller, put_event(request, bucket)));
  std::vector<ingest::Draft> drafts;
  if (trails_.taken_by_any(draft.record)) drafts.push_back(std::move(draft));
  return drafts;
}

Result<s3::Bucket> EmbeddedObjectStore::authorise(meta::Transaction& transaction,
                                                  const delivery::PutRequest& request) {
  const auto caller = cloudtrail_service(request.trail_arn, "", request.region, "");
  const auto resource = fmt::format("arn:aws:s3:::{}/{}", request.bucket, request.key);
  return authoriser_.authorise_in_bucket(transaction, request.bucket,
                                         {caller, "s3:PutObject", resource, kDeliveryKeys});
}

// What is refused is tried again for a month: its bytes must not be written each time.
Result<> EmbeddedObjectStore::put_if_absent(const delivery::PutRequest& request) {
  TRY(database_.read([&](meta::Transaction& transaction) -> Result<> {
    TRY(authorise(transaction, request));
    return {};
  }));
  TRY_ASSIGN(const auto blob, s3_.store_bytes(request.bytes));
  auto stored = outbox_.commit(
      [&](meta::Transaction& transaction) { return put_in(transaction, request, blob); });
  // When the log refused, the object is committed and keeps its bytes.
  if (!stored && stored.error().reason() != kCommittedNotLogged) TRY(s3_.discard_bytes(blob));
  return stored;
}

Result<std::string> EmbeddedObjectStore::get(std::string_view bucket, std::string_view key) {
  s3::ObjectInfo object;
  TRY(database_.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(object, s3_.get_object(transaction, bucket, key));
    return {};
  }));
  return s3_.read_object(object, 0, object.size);
}

}  // namespace traccia::api
