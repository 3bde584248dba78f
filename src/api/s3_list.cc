// S3: listing objects, versions 1 and 2.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api/s3_call.h"
#include "aws/xml.h"
#include "base/bytes.h"

namespace traccia::api {
namespace {

constexpr size_t kKeysMax = 1000;

Result<s3::ListResult> list(S3Call& call, const s3::ListOptions& options) {
  s3::ListResult result;
  TRY(call.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(result, call.services().s3.list_objects(transaction, call.bucket(), options));
    return {};
  }));
  TRY(call.record_success());
  return result;
}

void add_entries(const S3Call& call, aws::XmlWriter& xml, const s3::ListResult& result,
                 bool owners) {
  for (const auto& object : result.objects) {
    xml.begin("Contents")
        .element("Key", s3_listed(call, object.key))
        .element("LastModified", format_iso_milliseconds(object.last_modified))
        .element("ETag", s3_quoted(object.etag))
        .element("Size", static_cast<int64_t>(object.size))
        .element("StorageClass", s3::name_of(object.storage_class));
    if (owners) xml.begin("Owner").element("ID", s3_owner(call.found_bucket(), object)).end();
    xml.end();
  }
  s3_add_common_prefixes(call, xml, result);
}

Result<http::Response> list_v1(S3Call& call) {
  TRY_ASSIGN(auto options, s3_list_options(call));
  options.after = call.query_or_empty("marker");
  TRY_ASSIGN(const auto result, list(call, options));
  aws::XmlWriter xml;
  xml.begin("ListBucketResult", kS3Xmlns);
  s3_add_question(call, xml, options, result);
  xml.element("Marker", s3_listed(call, options.after));
  // Without a delimiter clients go on from the last key.
  if (result.truncated && !options.delimiter.empty()) {
    xml.element("NextMarker", s3_listed(call, result.next));
  }
  add_entries(call, xml, result, true);
  xml.end();
  return s3_xml(std::move(xml).take());
}

Result<http::Response> list_v2(S3Call& call) {
  TRY_ASSIGN(auto options, s3_list_options(call));
  options.after = call.query_or_empty("start-after");
  const auto token = call.query("continuation-token");
  if (token) {
    const auto after = base64_decode(*token);
    if (!after || after->empty()) {
      return s3_error("InvalidArgument", "The continuation token provided is incorrect");
    }
    options.after = *after;
  }
  TRY_ASSIGN(const auto result, list(call, options));
  aws::XmlWriter xml;
  xml.begin("ListBucketResult", kS3Xmlns);
  s3_add_question(call, xml, options, result);
  xml.element("KeyCount",
              static_cast<int64_t>(result.objects.size() + result.common_prefixes.size()));
  if (token) xml.element("ContinuationToken", *token);
  if (call.query("start-after")) {
    xml.element("StartAfter", s3_listed(call, call.query_or_empty("start-after")));
  }
  if (result.truncated) xml.element("NextContinuationToken", base64_encode(result.next));
  add_entries(call, xml, result, call.query_or_empty("fetch-owner") == "true");
  xml.end();
  return s3_xml(std::move(xml).take());
}

}  // namespace

Result<s3::ListOptions> s3_list_options(const S3Call& call) {
  s3::ListOptions options;
  options.prefix = call.query_or_empty("prefix");
  options.delimiter = call.query_or_empty("delimiter");
  TRY_ASSIGN(options.keys_max, s3_query_number(call, "max-keys", kKeysMax, kKeysMax));
  const auto encoding = call.query("encoding-type");
  if (encoding && *encoding != "url") {
    return s3_error("InvalidArgument", "Invalid Encoding Method specified in Request");
  }
  return options;
}

void s3_add_question(const S3Call& call, aws::XmlWriter& xml, const s3::ListOptions& options,
                     const s3::ListResult& result) {
  xml.element("Name", call.bucket()).element("Prefix", s3_listed(call, options.prefix));
  if (!options.delimiter.empty()) xml.element("Delimiter", s3_listed(call, options.delimiter));
  xml.element("MaxKeys", static_cast<int64_t>(options.keys_max));
  if (call.query("encoding-type")) xml.element("EncodingType", "url");
  xml.element("IsTruncated", result.truncated ? "true" : "false");
}

void s3_add_common_prefixes(const S3Call& call, aws::XmlWriter& xml, const s3::ListResult& result) {
  for (const auto& prefix : result.common_prefixes) {
    xml.begin("CommonPrefixes").element("Prefix", s3_listed(call, prefix)).end();
  }
}

std::span<const S3Operation> s3_list_operations() {
  static const std::vector<S3Operation> operations{{"ListObjects",
                                                    "GET",
                                                    S3Level::Bucket,
                                                    "list-type",
                                                    {},
                                                    "s3:ListBucket",
                                                    event::Category::Data,
                                                    true,
                                                    list_v2},
                                                   {"ListObjects",
                                                    "GET",
                                                    S3Level::Bucket,
                                                    {},
                                                    {},
                                                    "s3:ListBucket",
                                                    event::Category::Data,
                                                    true,
                                                    list_v1}};
  return operations;
}

}  // namespace traccia::api
