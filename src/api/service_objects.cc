// Puts objects of services.
// SPDX-License-Identifier: Apache-2.0
#include "api/service_objects.h"

#include <fmt/format.h>

#include "api/s3_call.h"
#include "api/s3_encryption.h"
#include "api/s3_notifications.h"

namespace traccia::api {
namespace {

AuditEvent put_event(const ServiceObject& object, const s3::Bucket& bucket,
                     const s3::Encryption& encryption) {
  AuditEvent event;
  event.event_id = object.event_id;
  event.source = "s3.amazonaws.com";
  event.name = "PutObject";
  event.region = bucket.region;
  event.account = bucket.owner_account;
  event.category = event::Category::Data;
  json::Object parameters{{"bucketName", object.bucket}, {"key", object.key}};
  json::Object response;
  for (const auto& [name, value] : object.keys) parameters[name.substr(name.find(':') + 1)] = value;
  http::Headers shown;
  s3_add_encryption(shown, encryption);
  for (const auto& [name, value] : shown) response[name] = value;
  event.request_parameters = std::move(parameters);
  event.response_elements = std::move(response);
  event.additional_event_data =
      json::Object{{"bytesTransferredIn", object.bytes.size()},
                   {"bytesTransferredOut", 0},
                   {"SSEApplied", encryption.kind == s3::Sse::Kms ? "SSE_KMS" : "SSE_S3"}};
  const S3Address address{std::string(object.bucket), std::string(object.key)};
  event.resources = json::Array{json::Object{{"type", "AWS::S3::Object"}, {"ARN", s3_arn(address)}},
                                json::Object{{"accountId", bucket.owner_account},
                                             {"type", "AWS::S3::Bucket"},
                                             {"ARN", s3_arn({address.bucket, ""})}}};
  return event;
}

Result<std::vector<ingest::Draft>> put_in(Services& services, meta::Transaction& transaction,
                                          ServiceObject& object, const s3::Sealing& sealing,
                                          const s3::StoredBytes& bytes,
                                          std::vector<ingest::Draft> drafts) {
  TRY_ASSIGN(const auto bucket, authorise_service_put(services, transaction, object));
  auto& caller = object.caller;
  caller.principal.account_id = bucket.owner_account;
  object.options.encryption = sealing.encryption;
  TRY_ASSIGN(const auto stored, services.s3.put_object(transaction, object.bucket, object.key,
                                                       s3::etag_of(object.bytes, sealing, bytes.id),
                                                       object.bytes.size(), bytes, object.options));
  TRY_ASSIGN(auto draft, audit_draft(services.os, services.os.clock.now(), caller,
                                     put_event(object, bucket, sealing.encryption)));
  const S3Notice notice{"ObjectCreated:Put", stored.key, stored.size, stored.etag,
                        stored.version_id};
  TRY(send_notices(services, transaction, bucket, {&notice, 1},
                   {"AWS:" + caller.principal.service, caller.source_ip, caller.request_id, ""},
                   drafts));
  if (services.trails.taken_by_any(draft.record)) drafts.push_back(std::move(draft));
  return drafts;
}

}  // namespace

Result<s3::Bucket> authorise_service_put(Services& services, meta::Transaction& transaction,
                                         const ServiceObject& object) {
  const auto resource = fmt::format("arn:aws:s3:::{}/{}", object.bucket, object.key);
  return services.authoriser.authorise_in_bucket(
      transaction, object.bucket, {object.caller, "s3:PutObject", resource, object.keys});
}

Result<> put_service_object(Services& services, ServiceObject object, const s3::Sealing& sealing,
                            std::vector<ingest::Draft> records) {
  TRY_ASSIGN(const auto bytes, services.s3.store_bytes(object.bytes, sealing));
  auto stored = services.outbox.commit([&](meta::Transaction& transaction) {
    return put_in(services, transaction, object, sealing, bytes, records);
  });
  // When the log refused, the object is committed and keeps its bytes.
  if (!stored && stored.error().reason() != kCommittedNotLogged) {
    TRY(services.s3.discard_bytes(bytes.id));
  }
  return stored;
}

}  // namespace traccia::api
