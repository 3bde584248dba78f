// Puts delivered files into the embedded S3.
// SPDX-License-Identifier: Apache-2.0
#include "api/embedded_object_store.h"

#include <fmt/format.h>

#include "api/audit.h"
#include "api/s3_encryption.h"
#include "api/s3_notifications.h"
#include "api/trail_files.h"
#include "base/bytes.h"
#include "crypto/crypto.h"

namespace traccia::api {
namespace {

constexpr std::string_view kContentSum = "sha256";

AuditEvent put_event(const delivery::PutRequest& request, const s3::Bucket& bucket,
                     const s3::Encryption& encryption) {
  AuditEvent event;
  event.event_id = derived_event_id(fmt::format("PutObject\n{}\n{}", request.bucket, request.key));
  event.source = "s3.amazonaws.com";
  event.name = "PutObject";
  event.region = bucket.region;
  event.account = bucket.owner_account;
  event.category = event::Category::Data;
  json::Object parameters{{"bucketName", request.bucket}, {"key", request.key}};
  json::Object response;
  const auto keys = delivery_keys(encryption);
  for (const auto& [name, value] : keys) parameters[name.substr(name.find(':') + 1)] = value;
  http::Headers shown;
  s3_add_encryption(shown, encryption);
  for (const auto& [name, value] : shown) response[name] = value;
  event.request_parameters = std::move(parameters);
  event.response_elements = std::move(response);
  event.additional_event_data =
      json::Object{{"bytesTransferredIn", request.bytes.size()},
                   {"bytesTransferredOut", 0},
                   {"SSEApplied", encryption.kind == s3::Sse::Kms ? "SSE_KMS" : "SSE_S3"}};
  event.resources = json::Array{
      json::Object{{"type", "AWS::S3::Object"},
                   {"ARN", fmt::format("arn:aws:s3:::{}/{}", request.bucket, request.key)}},
      json::Object{{"accountId", bucket.owner_account},
                   {"type", "AWS::S3::Bucket"},
                   {"ARN", fmt::format("arn:aws:s3:::{}", request.bucket)}}};
  return event;
}

}  // namespace

Result<SealedFile> EmbeddedObjectStore::seal(meta::Transaction& transaction,
                                             const delivery::PutRequest& request) {
  TRY_ASSIGN(const auto key, services_->trails.kms_key(transaction, request.trail_arn));
  if (key.empty()) return SealedFile();
  const S3Address object{std::string(request.bucket), std::string(request.key)};
  auto id = derived_event_id(fmt::format("GenerateDataKey\n{}\n{}", request.bucket, request.key));
  return seal_trail_file(*services_, transaction, request.trail_arn, key, object, std::move(id));
}

Result<s3::Bucket> EmbeddedObjectStore::authorise(meta::Transaction& transaction,
                                                  const delivery::PutRequest& request,
                                                  const s3::Encryption& encryption) {
  const auto caller = cloudtrail_service(request.trail_arn, "", request.region, "");
  const auto resource = fmt::format("arn:aws:s3:::{}/{}", request.bucket, request.key);
  const auto keys = delivery_keys(encryption);
  return services_->authoriser.authorise_in_bucket(transaction, request.bucket,
                                                   {caller, "s3:PutObject", resource, keys});
}

Result<std::vector<ingest::Draft>> EmbeddedObjectStore::put_in(meta::Transaction& transaction,
                                                               const delivery::PutRequest& request,
                                                               const SealedFile& sealed,
                                                               const s3::StoredBytes& blob) {
  const auto& sealing = sealed.sealing;
  TRY_ASSIGN(const auto bucket, authorise(transaction, request, sealing.encryption));
  const auto& os = services_->os;
  const auto caller =
      cloudtrail_service(request.trail_arn, bucket.owner_account, request.region, os.random.uuid());
  s3::PutOptions options;
  options.headers.content_type = "application/json";
  options.headers.content_encoding = "gzip";
  options.metadata = request.metadata;
  options.if_none_match_any = true;
  options.encryption = sealing.encryption;
  options.checksums[std::string(kContentSum)] = base64_encode(crypto::sha256(request.bytes));
  TRY_ASSIGN(const auto object,
             services_->s3.put_object(transaction, request.bucket, request.key,
                                      s3::etag_of(request.bytes, sealing, blob.id),
                                      request.bytes.size(), blob, options));
  TRY_ASSIGN(auto draft, audit_draft(os, os.clock.now(), caller,
                                     put_event(request, bucket, sealing.encryption)));
  auto drafts = sealed.records;
  const S3Notice notice{"ObjectCreated:Put", object.key, object.size, object.etag,
                        object.version_id};
  TRY(send_notices(*services_, transaction, bucket, {&notice, 1},
                   {"AWS:cloudtrail.amazonaws.com", caller.source_ip, caller.request_id, ""},
                   drafts));
  if (services_->trails.taken_by_any(draft.record)) drafts.push_back(std::move(draft));
  return drafts;
}

// What is refused is tried again for a month: its bytes must not be written each time.
Result<> EmbeddedObjectStore::put_if_absent(const delivery::PutRequest& request) {
  SealedFile sealed;
  TRY(services_->database.read([&](meta::Transaction& transaction) -> Result<> {
    auto made = seal(transaction, request);
    if (!made) return std::unexpected(refuse_key(made.error()));
    sealed = std::move(*made);
    TRY(authorise(transaction, request, sealed.sealing.encryption));
    return {};
  }));
  TRY_ASSIGN(const auto blob, services_->s3.store_bytes(request.bytes, sealed.sealing));
  auto stored = services_->outbox.commit(
      [&](meta::Transaction& transaction) { return put_in(transaction, request, sealed, blob); });
  // When the log refused, the object is committed and keeps its bytes.
  if (!stored && stored.error().reason() != kCommittedNotLogged) {
    TRY(services_->s3.discard_bytes(blob.id));
  }
  return stored;
}

// By the hash that a file is stored with: the service may write under the key, not read.
Result<bool> EmbeddedObjectStore::holds(const delivery::PutRequest& request) {
  s3::ObjectInfo object;
  TRY(services_->database.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(object, services_->s3.get_object(transaction, request.bucket, request.key));
    return {};
  }));
  if (object.size != request.bytes.size()) return false;
  const auto sum = object.checksums.find(std::string(kContentSum));
  if (sum != object.checksums.end() && object.checksum_type == s3::ChecksumType::FullObject) {
    return sum->second == base64_encode(crypto::sha256(request.bytes));
  }
  if (object.encryption.kind == s3::Sse::Kms) return false;
  TRY_ASSIGN(const auto bytes, services_->s3.read_object(object, 0, object.size));
  return bytes == request.bytes;
}

}  // namespace traccia::api
