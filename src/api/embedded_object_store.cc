// Puts delivered files into the embedded S3.
// SPDX-License-Identifier: Apache-2.0
#include "api/embedded_object_store.h"

#include <fmt/format.h>

#include "api/audit.h"
#include "api/s3_encryption.h"
#include "api/s3_request_log.h"
#include "api/trail_files.h"
#include "base/bytes.h"
#include "crypto/crypto.h"

namespace traccia::api {
namespace {

constexpr std::string_view kContentSum = "sha256";

ServiceObject file_object(const os::Os& os, const delivery::PutRequest& request) {
  ServiceObject object{
      .caller = cloudtrail_service(request.trail_arn, "", request.region, os.random.uuid()),
      .bucket = request.bucket,
      .key = request.key,
      .bytes = request.bytes};
  auto& options = object.options;
  options.headers.content_type = "application/json";
  options.headers.content_encoding = "gzip";
  options.metadata = request.metadata;
  options.if_none_match_any = true;
  options.checksums[std::string(kContentSum)] = base64_encode(crypto::sha256(request.bytes));
  object.event_id = derived_event_id(fmt::format("PutObject\n{}\n{}", request.bucket, request.key));
  return object;
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

// What is refused is tried again for a month: its bytes must not be written each time.
Result<> EmbeddedObjectStore::put(const delivery::PutRequest& request, ServiceObject object) {
  SealedFile sealed;
  TRY(services_->database.read([&](meta::Transaction& transaction) -> Result<> {
    auto made = seal(transaction, request);
    if (!made) return std::unexpected(refuse_key(made.error()));
    sealed = std::move(*made);
    object.keys = delivery_keys(sealed.sealing.encryption);
    TRY(authorise_service_put(*services_, transaction, object));
    return {};
  }));
  return put_service_object(*services_, object, sealed.sealing, std::move(sealed.records));
}

Result<> EmbeddedObjectStore::put_if_absent(const delivery::PutRequest& request) {
  const auto object = file_object(services_->os, request);
  auto done = put(request, object);
  log_service_put(*services_, object, done ? nullptr : &done.error());
  return done;
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
