// S3: copying objects, whole or as parts of an upload.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api/s3_conditions.h"
#include "aws/xml.h"
#include "base/bytes.h"
#include "crypto/crypto.h"

namespace traccia::api {
namespace {

constexpr uint64_t kCopyBytesMax = 1ULL << 30;

// "/bucket/key" or "bucket/key", percent-encoded.
Result<S3Address> copy_source(const S3Call& call) {
  auto text = call.header("x-amz-copy-source");
  const auto mark = text.find('?');
  if (mark != text.npos && text.substr(mark) != "?versionId=null") {
    return s3_error("NotImplemented", "This server keeps no versions of objects yet");
  }
  text = text.substr(0, mark);
  TRY_ASSIGN(const auto decoded, percent_decode(text));
  std::string_view path = decoded;
  if (path.starts_with('/')) path.remove_prefix(1);
  const auto slash = path.find('/');
  if (slash == path.npos || slash + 1 == path.size()) {
    return s3_error("InvalidArgument",
                    "Copy Source must mention the source bucket and key: sourcebucket/sourcekey");
  }
  return S3Address{std::string(path.substr(0, slash)), std::string(path.substr(slash + 1))};
}

Result<s3::ObjectInfo> load_source(S3Call& call, const S3Address& address) {
  s3::ObjectInfo source;
  const auto expected = call.header("x-amz-source-expected-bucket-owner");
  TRY(call.services().database.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(const auto bucket, call.authorise_also(transaction, "s3:GetObject", address));
    if (!expected.empty() && expected != bucket.owner_account) {
      return fail(ErrorCode::PermissionDenied, "AccessDenied", "Access Denied");
    }
    auto found = call.services().s3.get_object(transaction, address.bucket, address.key);
    if (!found && found.error().reason() == "NoSuchKey") {
      TRY(call.authorise_also(transaction, "s3:ListBucket", {address.bucket, ""}));
    }
    TRY_ASSIGN(source, std::move(found));
    return {};
  }));
  if (judge_conditions(call, source, "x-amz-copy-source-") != 200) {
    return fail(ErrorCode::FailedPrecondition, "PreconditionFailed", "a condition does not hold");
  }
  if (source.size > kCopyBytesMax) {
    return s3_error("InvalidRequest",
                    "The specified copy source is larger than this server copies at once (1 GiB)");
  }
  return source;
}

Result<http::Response> copy_object(S3Call& call) {
  auto& services = call.services();
  TRY_ASSIGN(const auto address, copy_source(call));
  TRY_ASSIGN(const auto source, load_source(call, address));
  TRY_ASSIGN(auto options, s3_put_options(call));
  const auto directive = call.header("x-amz-metadata-directive");
  const bool replaces = directive == "REPLACE";
  if (!replaces && !directive.empty() && directive != "COPY") {
    return s3_error("InvalidArgument", "Unknown metadata directive.");
  }
  if (!replaces && address.bucket == call.bucket() && address.key == call.key()) {
    return s3_error("InvalidRequest",
                    "This copy request is illegal because it is trying to copy an object to itself "
                    "without changing the object's metadata, storage class, website redirect "
                    "location or encryption attributes.");
  }
  if (!replaces) {
    options.headers = source.headers;
    options.metadata = source.metadata;
  }
  options.checksums = source.checksums;
  TRY_ASSIGN(const auto bytes, services.s3.read_object(source, 0, source.size));
  TRY_ASSIGN(const auto blob, services.s3.store_bytes(bytes));
  s3::ObjectInfo object;
  auto stored = call.commit([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(object,
               services.s3.put_object(transaction, call.bucket(), call.key(),
                                      hex_encode(crypto::md5(bytes)), bytes.size(), blob, options));
    return {};
  });
  if (!stored) {
    TRY(s3_take_back(call, blob, stored.error()));
    return std::unexpected(std::move(stored).error());
  }
  aws::XmlWriter xml;
  xml.begin("CopyObjectResult", kS3Xmlns)
      .element("LastModified", format_iso_milliseconds(object.last_modified))
      .element("ETag", s3_quoted(object.etag))
      .end();
  return s3_xml(std::move(xml).take());
}

Result<http::Response> upload_part_copy(S3Call& call) {
  auto& services = call.services();
  TRY_ASSIGN(const auto number, s3_query_number(call, "partNumber", 0, 1'000'000));
  TRY_ASSIGN(const auto address, copy_source(call));
  TRY_ASSIGN(const auto source, load_source(call, address));
  TRY_ASSIGN(const auto range, parse_range(call.header("x-amz-copy-source-range"), source.size));
  TRY_ASSIGN(const auto bytes, services.s3.read_object(source, range.offset, range.count));
  TRY_ASSIGN(const auto blob, services.s3.store_bytes(bytes));
  s3::Part part;
  auto stored = call.commit([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(part, services.s3.put_part(transaction, call.bucket(), call.key(),
                                          call.query_or_empty("uploadId"), static_cast<int>(number),
                                          hex_encode(crypto::md5(bytes)), bytes.size(), blob));
    return {};
  });
  if (!stored) {
    TRY(s3_take_back(call, blob, stored.error()));
    return std::unexpected(std::move(stored).error());
  }
  aws::XmlWriter xml;
  xml.begin("CopyPartResult", kS3Xmlns)
      .element("LastModified", format_iso_milliseconds(part.last_modified))
      .element("ETag", s3_quoted(part.etag))
      .end();
  return s3_xml(std::move(xml).take());
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
