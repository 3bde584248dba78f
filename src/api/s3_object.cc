// S3: objects.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "api/s3_conditions.h"
#include "aws/xml.h"
#include "base/bytes.h"
#include "crypto/crypto.h"

namespace traccia::api {
namespace {

constexpr uint64_t kInMemoryMax = 1 << 20;  // larger answers are streamed
constexpr size_t kDeleteKeysMax = 1000;
constexpr std::string_view kMetadataPrefix = "x-amz-meta-";

std::string lowered(std::string_view text) {
  std::string out(text);
  for (auto& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

void add_object_headers(const S3Call& call, const s3::ObjectInfo& object,
                        http::Response& response) {
  auto& headers = response.headers;
  headers.add("ETag", s3_quoted(object.etag));
  headers.add("Last-Modified", format_http_date(object.last_modified));
  headers.add("Accept-Ranges", "bytes");
  headers.add("x-amz-server-side-encryption", object.server_side_encryption);
  const auto& stored = object.headers;
  const std::tuple<std::string_view, std::string_view, std::string_view> fields[] = {
      {"Content-Type", stored.content_type, "response-content-type"},
      {"Content-Encoding", stored.content_encoding, "response-content-encoding"},
      {"Content-Language", stored.content_language, "response-content-language"},
      {"Content-Disposition", stored.content_disposition, "response-content-disposition"},
      {"Cache-Control", stored.cache_control, "response-cache-control"},
      {"Expires", stored.expires, "response-expires"}};
  for (const auto& [name, value, parameter] : fields) {
    const auto chosen = call.query(parameter).value_or(value);
    // A value out of a URL must not begin another header.
    if (chosen.find_first_of("\r\n") != chosen.npos) continue;
    if (!chosen.empty()) headers.add(name, chosen);
  }
  if (!headers.find("Content-Type")) headers.add("Content-Type", "binary/octet-stream");
  for (const auto& [name, value] : object.metadata) {
    headers.add(fmt::format("{}{}", kMetadataPrefix, name), value);
  }
}

// Reads an object for an answer, a piece at a time.
class ObjectSource : public http::BodySource {
 public:
  ObjectSource(s3::S3& s3, s3::ObjectInfo object, ByteRange range)
      : s3_(s3), object_(std::move(object)), range_(range) {}
  uint64_t size() const override { return range_.count; }
  Result<size_t> read(std::span<char> out) override {
    const auto count = std::min<uint64_t>(out.size(), range_.count - given_);
    if (count == 0) return size_t{0};
    TRY_ASSIGN(const auto bytes, s3_.read_object(object_, range_.offset + given_, count));
    if (bytes.empty())
      return fail(ErrorCode::DataLoss, "the object is shorter than its index says");
    std::ranges::copy(bytes, out.begin());
    given_ += bytes.size();
    return bytes.size();
  }

 private:
  s3::S3& s3_;
  s3::ObjectInfo object_;
  ByteRange range_;
  uint64_t given_ = 0;
};

// That a key is not there is for those to know who may list the bucket ("GetObject").
Result<s3::ObjectInfo> load_object(S3Call& call) {
  s3::ObjectInfo object;
  TRY(call.read([&](meta::Transaction& transaction) -> Result<> {
    auto found = call.services().s3.get_object(transaction, call.bucket(), call.key());
    if (!found && found.error().reason() == "NoSuchKey") {
      TRY(call.authorise_also(transaction, "s3:ListBucket", {call.bucket(), ""}));
    }
    TRY_ASSIGN(object, std::move(found));
    return {};
  }));
  return object;
}

Result<http::Response> get_object(S3Call& call) {
  TRY_ASSIGN(const auto object, load_object(call));
  http::Response response;
  response.status = judge_conditions(call, object, "");
  if (response.status == 412) {
    return fail(ErrorCode::FailedPrecondition, "PreconditionFailed", "a condition does not hold");
  }
  add_object_headers(call, object, response);
  if (response.status == 304) {
    TRY(call.record_success());
    return response;
  }
  // A range of another version than the client holds part of would mix the two.
  const auto if_range = call.request().headers.find("If-Range");
  const bool same = !if_range || unquoted(*if_range) == object.etag;
  TRY_ASSIGN(const auto range,
             parse_range(same ? call.request().headers.get("Range") : "", object.size));
  if (range.partial) {
    response.status = 206;
    response.headers.add("Content-Range", fmt::format("bytes {}-{}/{}", range.offset,
                                                      range.offset + range.count - 1, object.size));
  } else if (call.header("x-amz-checksum-mode") == "ENABLED") {
    s3_add_checksums(response, object.checksums);
  }
  const bool head = call.request().method == "HEAD";
  if (head || range.count > kInMemoryMax) {
    response.stream = std::make_unique<ObjectSource>(call.services().s3, object, range);
  } else {
    TRY_ASSIGN(response.body, call.services().s3.read_object(object, range.offset, range.count));
  }
  if (!head) call.bytes_out = range.count;
  TRY(call.record_success());
  return response;
}

Result<http::Response> put_object(S3Call& call) {
  auto& services = call.services();
  const auto& body = call.request().body;
  TRY_ASSIGN(auto options, s3_put_options(call));
  TRY(s3_check_body(call, body, options.checksums));
  TRY_ASSIGN(const auto blob, services.s3.store_bytes(body));
  s3::ObjectInfo object;
  auto stored = call.commit([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(object,
               services.s3.put_object(transaction, call.bucket(), call.key(),
                                      hex_encode(crypto::md5(body)), body.size(), blob, options));
    return {};
  });
  if (!stored) {
    TRY(s3_take_back(call, blob, stored.error()));
    return std::unexpected(std::move(stored).error());
  }
  http::Response response;
  response.headers.add("ETag", s3_quoted(object.etag));
  response.headers.add("x-amz-server-side-encryption", object.server_side_encryption);
  s3_add_checksums(response, options.checksums);
  return response;
}

Result<http::Response> delete_object(S3Call& call) {
  TRY(call.commit([&](meta::Transaction& transaction) -> Result<> {
    auto& s3 = call.services().s3;
    if (const auto match = call.request().headers.find("If-Match")) {
      TRY_ASSIGN(const auto there, s3.get_object(transaction, call.bucket(), call.key()));
      if (*match != "*" && unquoted(*match) != there.etag) {
        return fail(ErrorCode::FailedPrecondition, "PreconditionFailed", "another ETag");
      }
    }
    return s3.delete_object(transaction, call.bucket(), call.key());
  }));
  http::Response response;
  response.status = 204;
  return response;
}

Result<http::Response> delete_objects(S3Call& call) {
  std::map<std::string, std::string> checksums;
  TRY(s3_check_body(call, call.request().body, checksums));
  TRY_ASSIGN(const auto root, aws::parse_xml(call.request().body));
  const auto objects = root.children_named("Object");
  if (root.name != "Delete" || objects.empty() || objects.size() > kDeleteKeysMax) {
    return s3_error("MalformedXML", "a Delete document names 1 to 1000 objects");
  }
  for (const auto* object : objects) {
    const auto version = object->child_text("VersionId");
    if (!version.empty() && version != "null") {
      return s3_error("NotImplemented", "This server keeps no versions of objects yet");
    }
    if (!object->child_text("ETag").empty()) {
      return s3_error("NotImplemented", "Conditional deletes of several objects are not available");
    }
  }
  TRY(call.commit([&](meta::Transaction& transaction) -> Result<> {
    for (const auto* object : objects) {
      const std::string key(object->child_text("Key"));
      const auto allowed =
          call.authorise_also(transaction, call.operation().iam_action, {call.bucket(), key});
      if (!allowed && allowed.error().reason() != "AccessDenied") {
        return std::unexpected(allowed.error());
      }
      if (allowed) TRY(call.services().s3.delete_object(transaction, call.bucket(), key));
      call.deletions.push_back({key, allowed ? "" : allowed.error().message()});
    }
    return {};
  }));
  const bool quiet = root.child_text("Quiet") == "true";
  aws::XmlWriter xml;
  xml.begin("DeleteResult", kS3Xmlns);
  for (const auto& [key, refusal] : call.deletions) {
    if (!refusal.empty()) {
      xml.begin("Error").element("Key", key).element("Code", "AccessDenied");
      xml.element("Message", refusal).end();
    } else if (!quiet) {
      xml.begin("Deleted").element("Key", key).end();
    }
  }
  xml.end();
  return s3_xml(std::move(xml).take());
}

constexpr auto kData = event::Category::Data;

}  // namespace

Result<s3::PutOptions> s3_put_options(const S3Call& call) {
  s3::PutOptions options;
  const auto encryption = call.header("x-amz-server-side-encryption");
  if (!encryption.empty() && encryption != "AES256") {
    return s3_error("NotImplemented", fmt::format("Server-side encryption '{}' is not available on "
                                                  "this server yet; use AES256",
                                                  encryption.substr(0, 32)));
  }
  auto& headers = options.headers;
  headers.content_type = call.request().headers.get("Content-Type");
  headers.content_encoding = call.request().headers.get("Content-Encoding");
  headers.content_language = call.request().headers.get("Content-Language");
  headers.content_disposition = call.request().headers.get("Content-Disposition");
  headers.cache_control = call.request().headers.get("Cache-Control");
  headers.expires = call.request().headers.get("Expires");
  const auto add_metadata = [&](std::string_view name, std::string_view value) {
    const auto lower = lowered(name);
    if (!lower.starts_with(kMetadataPrefix)) return;
    auto& target = options.metadata[lower.substr(kMetadataPrefix.size())];
    if (!target.empty()) target += ",";
    target += value;
  };
  for (const auto& [name, value] : call.request().headers) add_metadata(name, value);
  for (const auto& [name, value] : call.query_pairs()) add_metadata(name, value);
  if (const auto match = call.request().headers.find("If-Match")) {
    options.if_match = unquoted(*match);
  }
  if (const auto none = call.request().headers.find("If-None-Match")) {
    // "PutObject", If-None-Match: S3 takes * only, and answers anything else with these words.
    if (*none != "*") {
      return s3_error("NotImplemented",
                      "A header you provided implies functionality that is not implemented: "
                      "If-None-Match takes * only");
    }
    options.if_none_match_any = true;
  }
  return options;
}

Result<> s3_take_back(S3Call& call, const blob::BlobId& blob, const Error& error) {
  if (error.reason() == kCommittedNotLogged) return {};
  return call.services().s3.discard_bytes(blob);
}

std::span<const S3Operation> s3_object_operations() {
  static const std::vector<S3Operation> operations{
      {"PutObject", "PUT", S3Level::Object, {}, {}, "s3:PutObject", kData, false, put_object},
      {"GetObject", "GET", S3Level::Object, {}, {}, "s3:GetObject", kData, true, get_object},
      {"HeadObject", "HEAD", S3Level::Object, {}, {}, "s3:GetObject", kData, true, get_object},
      {"DeleteObject",
       "DELETE",
       S3Level::Object,
       {},
       {},
       "s3:DeleteObject",
       kData,
       false,
       delete_object},
      {"DeleteObjects",
       "POST",
       S3Level::Bucket,
       "delete",
       {},
       "s3:DeleteObject",
       kData,
       false,
       delete_objects,
       S3Authorised::EachKey}};
  return operations;
}

}  // namespace traccia::api
