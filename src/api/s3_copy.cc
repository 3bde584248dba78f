// S3: copying objects, whole or as parts of an upload.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api/s3_conditions.h"
#include "api/s3_encryption.h"
#include "aws/xml.h"
#include "base/bytes.h"

namespace traccia::api {
namespace {

constexpr uint64_t kCopyBytesMax = 1ULL << 30;

// "/bucket/key" or "bucket/key", percent-encoded, with "?versionId=ID" or without.
Result<S3Address> copy_source(const S3Call& call) {
  auto text = call.header("x-amz-copy-source");
  constexpr std::string_view kVersionMark = "?versionId=";
  const auto mark = text.find(kVersionMark);
  std::optional<std::string_view> named;
  if (mark != text.npos) named = text.substr(mark + kVersionMark.size());
  TRY_ASSIGN(auto version, s3_version_id(named));
  text = text.substr(0, mark);
  TRY_ASSIGN(const auto decoded, percent_decode(text));
  std::string_view path = decoded;
  if (path.starts_with('/')) path.remove_prefix(1);
  const auto slash = path.find('/');
  if (slash == path.npos || slash + 1 == path.size()) {
    return s3_error("InvalidArgument",
                    "Copy Source must mention the source bucket and key: sourcebucket/sourcekey");
  }
  return S3Address{std::string(path.substr(0, slash)), std::string(path.substr(slash + 1)),
                   std::move(version)};
}

struct Source {
  s3::ObjectInfo object;
  bool versioned = false;  // the bucket keeps versions
  std::string data_key = {};
  s3::StoredBytes small = {};

  void show_version(http::Response& response) const {
    if (!versioned) return;
    response.headers.add("x-amz-copy-source-version-id", object.version_id);
  }
};

Result<Source> load_source(S3Call& call, const S3Address& address) {
  Source out;
  auto& source = out.object;
  call.copied = {address, std::nullopt};
  const auto expected = call.header("x-amz-source-expected-bucket-owner");
  auto& services = call.services();
  const auto writes = services.database.writes();
  std::optional<KeyRequest> key;
  TRY(services.database.read([&](meta::Transaction& transaction) -> Result<> {
    const auto action = address.version ? "s3:GetObjectVersion" : "s3:GetObject";
    TRY_ASSIGN(const auto bucket, call.authorise_also(transaction, action, address));
    out.versioned = bucket.keeps_versions();
    if (!expected.empty() && expected != bucket.owner_account) {
      return fail(ErrorCode::PermissionDenied, "AccessDenied", "Access Denied");
    }
    auto found = services.s3.get_version(transaction, address.bucket, address.key, address.version);
    const bool missing = found ? found->delete_marker && !address.version
                               : found.error().code() == ErrorCode::NotFound;
    if (missing) {
      const auto listing = address.version ? "s3:ListBucketVersions" : "s3:ListBucket";
      TRY(call.authorise_also(transaction, listing, {address.bucket, ""}));
    }
    TRY_ASSIGN(source, std::move(found));
    if (source.delete_marker) return {};
    TRY_ASSIGN(out.small, services.s3.load_small(transaction, source));
    return s3_ask_to_open(call, transaction, source.encryption, writes, key);
  }));
  if (source.delete_marker && !address.version) {
    return fail(ErrorCode::NotFound, "NoSuchKey", "a delete marker");
  }
  if (source.delete_marker) {
    return s3_error("InvalidRequest",
                    "The source of a copy request may not specifically refer to a delete marker by "
                    "version id.");
  }
  if (judge_conditions(call, source, "x-amz-copy-source-") != 200) {
    return fail(ErrorCode::FailedPrecondition, "PreconditionFailed", "a condition does not hold");
  }
  if (source.size > kCopyBytesMax) {
    return s3_error("InvalidRequest",
                    "The specified copy source is larger than this server copies at once (1 GiB)");
  }
  TRY(s3_check_copyable(call, source));
  TRY_ASSIGN(out.data_key, s3_open(key));
  call.copied->size = source.size;
  return out;
}

// As x-amz-tagging-directive says. Who may not read the source's tags may not copy them.
Result<> copy_tags(S3Call& call, const S3Address& address, const s3::ObjectInfo& source,
                   s3::PutOptions& options) {
  const auto directive = call.header("x-amz-tagging-directive");
  if (directive == "REPLACE") return {};
  if (!directive.empty() && directive != "COPY") {
    return s3_error("InvalidArgument", "Unknown tagging directive.");
  }
  options.tags = source.tags;
  if (source.tags.empty()) return {};
  const auto action = address.version ? "s3:GetObjectVersionTagging" : "s3:GetObjectTagging";
  return call.services().database.read([&](meta::Transaction& transaction) -> Result<> {
    TRY(call.authorise_also(transaction, action, address));
    return {};
  });
}

// Of the algorithm that the request asks for, or the source's. A composite one cannot stay: the
// copy has no parts.
Result<std::map<std::string, std::string>> copied_checksums(const S3Call& call,
                                                            const s3::ObjectInfo& source,
                                                            std::string_view bytes) {
  TRY_ASSIGN(const auto wanted, s3_wanted_checksum(call));
  const auto& there = source.checksums;
  const bool same = !wanted || (there.size() == 1 && there.contains(*wanted));
  if (same && !there.empty() && source.checksum_type == s3::ChecksumType::FullObject) return there;
  const auto fallback = there.empty() ? std::string(s3::kDefaultChecksum) : there.begin()->first;
  const auto algorithm = wanted.value_or(fallback);
  return std::map<std::string, std::string>{{algorithm, s3_checksum(algorithm, bytes)}};
}

Result<http::Response> copy_object(S3Call& call) {
  auto& services = call.services();
  TRY_ASSIGN(const auto address, copy_source(call));
  TRY_ASSIGN(const auto loaded, load_source(call, address));
  const auto& source = loaded.object;
  TRY_ASSIGN(auto options, s3_put_options(call));
  const auto directive = call.header("x-amz-metadata-directive");
  const bool replaces = directive == "REPLACE";
  if (!replaces && !directive.empty() && directive != "COPY") {
    return s3_error("InvalidArgument", "Unknown metadata directive.");
  }
  // An older version may be made the current one.
  const bool itself = address.bucket == call.bucket() && address.key == call.key();
  const bool changes = !call.header("x-amz-server-side-encryption").empty() ||
                       !call.header("x-amz-storage-class").empty();
  if (!replaces && itself && !address.version && !changes) {
    return s3_error("InvalidRequest",
                    "This copy request is illegal because it is trying to copy an object to itself "
                    "without changing the object's metadata, storage class, website redirect "
                    "location or encryption attributes.");
  }
  if (!replaces) {
    options.headers = source.headers;
    options.metadata = source.metadata;
  }
  TRY(copy_tags(call, address, source, options));
  TRY_ASSIGN(const auto bytes,
             services.s3.read_object(source, 0, source.size, loaded.data_key, loaded.small));
  TRY_ASSIGN(options.checksums, copied_checksums(call, source, bytes));
  TRY_ASSIGN(const auto sealing, s3_seal_object(call));
  options.encryption = sealing.encryption;
  options.storage_class = sealing.storage_class;
  TRY_ASSIGN(const auto blob, services.s3.store_bytes(bytes, sealing));
  const auto etag = s3::etag_of(bytes, sealing, blob.id);
  s3::ObjectInfo object;
  http::Headers version;
  auto stored = call.commit([&](meta::Transaction& transaction) -> Result<> {
    TRY(s3_authorise_lock(call, transaction, options.lock));
    TRY(s3_authorise_tags(call, transaction, options.tags));
    TRY(s3_own_object(call, transaction, options));
    TRY_ASSIGN(object, services.s3.put_object(transaction, call.bucket(), call.key(), etag,
                                              bytes.size(), blob, options));
    call.show_version(version, object.version_id);
    call.notices.push_back(
        {"ObjectCreated:Copy", call.key(), object.size, object.etag, object.version_id});
    return s3_tell_expiry(call, transaction, object);
  });
  if (!stored) {
    TRY(s3_take_back(call, blob.id, stored.error()));
    return std::unexpected(std::move(stored).error());
  }
  aws::XmlWriter xml;
  xml.begin("CopyObjectResult", kS3Xmlns)
      .element("LastModified", format_iso_milliseconds(object.last_modified))
      .element("ETag", s3_quoted(object.etag));
  s3_add_checksum_elements(xml, object.checksums, object.checksum_type);
  xml.end();
  auto response = s3_xml(std::move(xml).take());
  for (const auto& [name, value] : version) response.headers.add(name, value);
  loaded.show_version(response);
  return response;
}

Result<http::Response> upload_part_copy(S3Call& call) {
  auto& services = call.services();
  TRY_ASSIGN(const auto number, s3_query_number(call, "partNumber", 0, 1'000'000));
  TRY_ASSIGN(const auto address, copy_source(call));
  TRY_ASSIGN(const auto loaded, load_source(call, address));
  const auto& source = loaded.object;
  TRY_ASSIGN(const auto range, parse_range(call.header("x-amz-copy-source-range"), source.size));
  TRY_ASSIGN(const auto bytes, services.s3.read_object(source, range.offset, range.count,
                                                       loaded.data_key, loaded.small));
  call.object_size = bytes.size();
  TRY_ASSIGN(const auto open, s3_seal_part(call));
  const auto& [upload, sealing] = open;
  const auto& algorithm = upload.checksum.algorithm;
  const auto sum = algorithm.empty() ? std::string() : s3_checksum(algorithm, bytes);
  TRY_ASSIGN(const auto blob, services.s3.store_bytes(bytes, sealing));
  const auto etag = s3::etag_of(bytes, sealing, blob.id);
  s3::Part part;
  auto stored = call.commit([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(part, services.s3.put_part(transaction, call.bucket(), call.key(),
                                          call.query_or_empty("uploadId"), static_cast<int>(number),
                                          etag, bytes.size(), blob, sum));
    return {};
  });
  if (!stored) {
    TRY(s3_take_back(call, blob.id, stored.error()));
    return std::unexpected(std::move(stored).error());
  }
  aws::XmlWriter xml;
  xml.begin("CopyPartResult", kS3Xmlns)
      .element("LastModified", format_iso_milliseconds(part.last_modified))
      .element("ETag", s3_quoted(part.etag));
  if (upload.checksum.chosen) s3_add_checksum_elements(xml, {{algorithm, sum}});
  xml.end();
  auto response = s3_xml(std::move(xml).take());
  loaded.show_version(response);
  return response;
}

}  // namespace

std::span<const S3Operation> s3_copy_operations() {
  constexpr auto kData = event::Category::Data;
  static const std::vector<S3Operation> operations{
      {"UploadPartCopy", "PUT", S3Level::Object, "uploadId", "x-amz-copy-source", "s3:PutObject",
       kData, false, upload_part_copy},
      {"CopyObject",
       "PUT",
       S3Level::Object,
       {},
       "x-amz-copy-source",
       "s3:PutObject",
       kData,
       false,
       copy_object}};
  return operations;
}

}  // namespace traccia::api
