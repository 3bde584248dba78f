// S3: multipart uploads.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <charconv>

#include "api/s3_encryption.h"
#include "aws/xml.h"
#include "base/bytes.h"

namespace traccia::api {
namespace {

constexpr size_t kPageMax = 1000;

std::string_view label_of(const s3::UploadChecksum& checksum) {
  return s3::find_checksum(checksum.algorithm)->label;
}

void add_upload_checksum(aws::XmlWriter& xml, const s3::UploadChecksum& checksum) {
  if (!checksum.chosen) return;
  xml.element("ChecksumAlgorithm", label_of(checksum))
      .element("ChecksumType", s3::name_of(checksum.type));
}

Result<http::Response> create_upload(S3Call& call) {
  TRY_ASSIGN(auto options, s3_put_options(call));
  TRY_ASSIGN(const auto checksum, s3_upload_checksum(call));
  TRY_ASSIGN(const auto sealing, s3_seal_object(call));
  options.encryption = sealing.encryption;
  options.storage_class = sealing.storage_class;
  s3::Upload upload;
  TRY(call.commit([&](meta::Transaction& transaction) -> Result<> {
    TRY(s3_authorise_lock(call, transaction, options.lock));
    TRY(s3_authorise_tags(call, transaction, options.tags));
    TRY(s3_own_object(call, transaction, options));
    TRY_ASSIGN(upload, call.services().s3.create_upload(transaction, call.bucket(), call.key(),
                                                        options, checksum));
    return s3_tell_abort(call, transaction, upload);
  }));
  aws::XmlWriter xml;
  xml.begin("InitiateMultipartUploadResult", kS3Xmlns)
      .element("Bucket", call.bucket())
      .element("Key", call.key())
      .element("UploadId", upload.id)
      .end();
  auto response = s3_xml(std::move(xml).take());
  if (checksum.chosen) {
    response.headers.add("x-amz-checksum-algorithm", label_of(checksum));
    response.headers.add("x-amz-checksum-type", s3::name_of(checksum.type));
  }
  return response;
}

Result<http::Response> upload_part(S3Call& call) {
  auto& services = call.services();
  const auto& body = call.request().body;
  TRY_ASSIGN(const auto number, s3_query_number(call, "partNumber", 0, 1'000'000));
  std::map<std::string, std::string> checksums;
  TRY(s3_check_body(call, body, checksums));
  TRY_ASSIGN(const auto open, s3_seal_part(call));
  const auto& [upload, sealing] = open;
  TRY_ASSIGN(const auto sum, s3_part_checksum(upload.checksum, body, checksums));
  TRY_ASSIGN(const auto blob, services.s3.store_bytes(body, sealing));
  const auto etag = s3::etag_of(body, sealing, blob.id);
  s3::Part part;
  auto stored = call.commit([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(part, services.s3.put_part(transaction, call.bucket(), call.key(),
                                          call.query_or_empty("uploadId"), static_cast<int>(number),
                                          etag, body.size(), blob, sum));
    return {};
  });
  if (!stored) {
    TRY(s3_take_back(call, blob.id, stored.error()));
    return std::unexpected(std::move(stored).error());
  }
  http::Response response;
  response.headers.add("ETag", s3_quoted(part.etag));
  if (upload.checksum.chosen) checksums = {{upload.checksum.algorithm, sum}};
  s3_add_checksums(response.headers, checksums);
  return response;
}

Result<std::vector<s3::CompletedPart>> parse_parts(const std::string& body) {
  TRY_ASSIGN(const auto root, aws::parse_xml(body));
  std::vector<s3::CompletedPart> parts;
  for (const auto* part : root.children_named("Part")) {
    const auto digits = part->child_text("PartNumber");
    auto etag = part->child_text("ETag");
    if (etag.size() >= 2 && etag.starts_with('"')) etag = etag.substr(1, etag.size() - 2);
    int number = 0;
    const auto* end = digits.data() + digits.size();
    if (digits.empty() || std::from_chars(digits.data(), end, number).ptr != end) {
      return s3_error("MalformedXML", "a part's number is not a number");
    }
    s3::CompletedPart one{number, std::string(etag)};
    for (const auto& algorithm : s3::checksum_algorithms()) {
      const auto sum = part->child_text(fmt::format("Checksum{}", algorithm.label));
      if (!sum.empty()) one.checksums.emplace(algorithm.name, sum);
    }
    parts.push_back(std::move(one));
  }
  if (root.name != "CompleteMultipartUpload" || parts.empty()) {
    return s3_error("MalformedXML", "the document names no parts");
  }
  return parts;
}

Result<std::optional<uint64_t>> object_size(const S3Call& call) {
  const auto text = call.header("x-amz-mp-object-size");
  if (text.empty()) return std::nullopt;
  int64_t size = 0;
  const auto* end = text.data() + text.size();
  if (std::from_chars(text.data(), end, size).ptr != end) {
    return s3_error(
        "InvalidRequest",
        fmt::format("Value for x-amz-mp-object-size header is invalid: '{}'", text.substr(0, 80)));
  }
  if (size >= 0) return static_cast<uint64_t>(size);
  return s3_error(
      "InvalidRequest",
      fmt::format("Value for x-amz-mp-object-size header is less than zero: '{}'", size));
}

Result<http::Response> complete_upload(S3Call& call) {
  s3::Completion completion;
  TRY_ASSIGN(completion.checksums, s3_given_checksums(call));
  TRY_ASSIGN(completion.checksum_type, s3_checksum_type(call));
  TRY_ASSIGN(completion.size, object_size(call));
  TRY_ASSIGN(completion.parts, parse_parts(call.request().body));
  TRY_ASSIGN(const auto conditions, s3_put_options(call));
  s3::ObjectInfo object;
  http::Headers version;
  TRY(call.commit([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(object, call.services().s3.complete_upload(transaction, call.bucket(), call.key(),
                                                          call.query_or_empty("uploadId"),
                                                          completion, conditions));
    call.show_version(version, object.version_id);
    call.notices.push_back({"ObjectCreated:CompleteMultipartUpload", call.key(), object.size,
                            object.etag, object.version_id});
    return s3_tell_expiry(call, transaction, object);
  }));
  aws::XmlWriter xml;
  xml.begin("CompleteMultipartUploadResult", kS3Xmlns)
      .element("Location", fmt::format("http://{}/{}/{}", call.caller().host, call.bucket(),
                                       percent_encode(call.key(), KeepSlash::Yes)))
      .element("Bucket", call.bucket())
      .element("Key", call.key())
      .element("ETag", s3_quoted(object.etag));
  s3_add_checksum_elements(xml, object.checksums, object.checksum_type);
  xml.end();
  auto response = s3_xml(std::move(xml).take());
  for (const auto& [name, value] : version) response.headers.add(name, value);
  s3_add_encryption(response.headers, object.encryption);
  return response;
}

Result<http::Response> abort_upload(S3Call& call) {
  TRY(call.commit([&](meta::Transaction& transaction) {
    return call.services().s3.abort_upload(transaction, call.bucket(), call.key(),
                                           call.query_or_empty("uploadId"));
  }));
  http::Response response;
  response.status = 204;
  return response;
}

Result<http::Response> list_parts(S3Call& call) {
  TRY_ASSIGN(const auto page, s3_query_number(call, "max-parts", kPageMax, kPageMax));
  TRY_ASSIGN(const auto after, s3_query_number(call, "part-number-marker", 0, 1'000'000));
  std::vector<s3::Part> parts;
  s3::Upload upload;
  TRY(call.read([&](meta::Transaction& transaction) -> Result<> {
    auto& s3 = call.services().s3;
    const auto id = call.query_or_empty("uploadId");
    TRY_ASSIGN(parts, s3.list_parts(transaction, call.bucket(), call.key(), id));
    TRY_ASSIGN(auto open, s3.get_upload(transaction, call.bucket(), call.key(), id));
    upload = std::move(open.upload);
    return {};
  }));
  TRY(call.record_success());
  std::erase_if(parts,
                [&](const s3::Part& part) { return static_cast<size_t>(part.number) <= after; });
  const bool truncated = parts.size() > page;
  if (truncated) parts.resize(page);
  aws::XmlWriter xml;
  xml.begin("ListPartsResult", kS3Xmlns)
      .element("Bucket", call.bucket())
      .element("Key", s3_listed(call, call.key()))
      .element("UploadId", call.query_or_empty("uploadId"))
      .element("PartNumberMarker", static_cast<int64_t>(after))
      .element("MaxParts", static_cast<int64_t>(page))
      .element("IsTruncated", truncated ? "true" : "false");
  if (truncated && !parts.empty())
    xml.element("NextPartNumberMarker", int64_t{parts.back().number});
  for (const auto& part : parts) {
    xml.begin("Part")
        .element("PartNumber", int64_t{part.number})
        .element("LastModified", format_iso_milliseconds(part.last_modified))
        .element("ETag", s3_quoted(part.etag))
        .element("Size", static_cast<int64_t>(part.size));
    if (upload.checksum.chosen) {
      s3_add_checksum_elements(xml, {{upload.checksum.algorithm, part.checksum}});
    }
    xml.end();
  }
  xml.element("StorageClass", s3::name_of(upload.storage_class));
  add_upload_checksum(xml, upload.checksum);
  xml.end();
  return s3_xml(std::move(xml).take());
}

Result<http::Response> list_uploads(S3Call& call) {
  TRY_ASSIGN(const auto page, s3_query_number(call, "max-uploads", kPageMax, kPageMax));
  const auto prefix = call.query_or_empty("prefix");
  const std::pair marker{std::string(call.query_or_empty("key-marker")),
                         std::string(call.query_or_empty("upload-id-marker"))};
  std::vector<s3::Upload> uploads;
  TRY(call.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(uploads, call.services().s3.list_uploads(transaction, call.bucket(), prefix));
    return {};
  }));
  TRY(call.record_success());
  std::erase_if(uploads, [&](const s3::Upload& upload) {
    if (marker.first.empty()) return false;
    if (marker.second.empty()) return upload.key <= marker.first;
    return std::pair(upload.key, upload.id) <= marker;
  });
  const bool truncated = uploads.size() > page;
  if (truncated) uploads.resize(page);
  aws::XmlWriter xml;
  xml.begin("ListMultipartUploadsResult", kS3Xmlns)
      .element("Bucket", call.bucket())
      .element("KeyMarker", s3_listed(call, marker.first))
      .element("UploadIdMarker", marker.second)
      .element("Prefix", s3_listed(call, prefix))
      .element("MaxUploads", static_cast<int64_t>(page))
      .element("IsTruncated", truncated ? "true" : "false");
  if (truncated && !uploads.empty()) {
    xml.element("NextKeyMarker", s3_listed(call, uploads.back().key))
        .element("NextUploadIdMarker", uploads.back().id);
  }
  for (const auto& upload : uploads) {
    xml.begin("Upload")
        .element("Key", s3_listed(call, upload.key))
        .element("UploadId", upload.id)
        .element("Initiated", format_iso_milliseconds(floor_seconds(upload.initiated)))
        .element("StorageClass", s3::name_of(upload.storage_class));
    add_upload_checksum(xml, upload.checksum);
    xml.end();
  }
  xml.end();
  return s3_xml(std::move(xml).take());
}

constexpr auto kData = event::Category::Data;

}  // namespace

std::span<const S3Operation> s3_upload_operations() {
  static const std::vector<S3Operation> operations{{"CreateMultipartUpload",
                                                    "POST",
                                                    S3Level::Object,
                                                    "uploads",
                                                    {},
                                                    "s3:PutObject",
                                                    kData,
                                                    false,
                                                    create_upload},
                                                   {"UploadPart",
                                                    "PUT",
                                                    S3Level::Object,
                                                    "uploadId",
                                                    {},
                                                    "s3:PutObject",
                                                    kData,
                                                    false,
                                                    upload_part},
                                                   {"CompleteMultipartUpload",
                                                    "POST",
                                                    S3Level::Object,
                                                    "uploadId",
                                                    {},
                                                    "s3:PutObject",
                                                    kData,
                                                    false,
                                                    complete_upload},
                                                   {"AbortMultipartUpload",
                                                    "DELETE",
                                                    S3Level::Object,
                                                    "uploadId",
                                                    {},
                                                    "s3:AbortMultipartUpload",
                                                    kData,
                                                    false,
                                                    abort_upload},
                                                   {"ListParts",
                                                    "GET",
                                                    S3Level::Object,
                                                    "uploadId",
                                                    {},
                                                    "s3:ListMultipartUploadParts",
                                                    kData,
                                                    true,
                                                    list_parts},
                                                   {"ListMultipartUploads",
                                                    "GET",
                                                    S3Level::Bucket,
                                                    "uploads",
                                                    {},
                                                    "s3:ListBucketMultipartUploads",
                                                    kData,
                                                    true,
                                                    list_uploads}};
  return operations;
}

}  // namespace traccia::api
