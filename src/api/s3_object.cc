// S3: objects.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "api/s3_call.h"
#include "aws/xml.h"
#include "base/bytes.h"
#include "crypto/crypto.h"

namespace traccia::api {
namespace {

constexpr uint64_t kInMemoryMax = 1 << 20;  // larger answers are streamed
constexpr size_t kDeleteKeysMax = 1000;
constexpr uint64_t kCopyBytesMax = 1ULL << 30;
constexpr std::string_view kMetadataPrefix = "x-amz-meta-";

std::string lowered(std::string_view text) {
  std::string out(text);
  for (auto& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

std::string unquoted(std::string_view etag) {
  if (etag.size() >= 2 && etag.starts_with('"') && etag.ends_with('"')) {
    etag = etag.substr(1, etag.size() - 2);
  }
  return std::string(etag);
}

// Whether an If-Match or If-None-Match value names the ETag.
bool names_etag(std::string_view list, std::string_view etag) {
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    auto one = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == "*" || unquoted(one) == etag) return true;
  }
  return false;
}

// RFC 9110, section 13.2.2: entity tags decide before dates. 200, 304 or 412.
int judge_conditions(const S3Call& call, const s3::ObjectInfo& object, std::string_view prefix) {
  const auto header = [&](std::string_view name) {
    return call.request().headers.find(fmt::format("{}{}", prefix, name));
  };
  const auto before = [&](std::string_view date) {  // modified at or before that date
    const auto time = parse_http_date(date);
    return time && object.last_modified <= *time;
  };
  const int not_modified = prefix.empty() ? 304 : 412;
  if (const auto value = header("if-match")) {
    if (!names_etag(*value, object.etag)) return 412;
  } else if (const auto date = header("if-unmodified-since")) {
    if (parse_http_date(*date) && !before(*date)) return 412;
  }
  if (const auto value = header("if-none-match")) {
    if (names_etag(*value, object.etag)) return not_modified;
  } else if (const auto date = header("if-modified-since")) {
    if (before(*date)) return not_modified;
  }
  return 200;
}

struct ByteRange {
  uint64_t offset = 0;
  uint64_t count = 0;
  bool partial = false;
};

// One range as RFC 9110 has it; what is not understood is ignored, as S3 does.
Result<ByteRange> parse_range(const S3Call& call, uint64_t size) {
  const ByteRange whole{0, size, false};
  auto text = call.request().headers.get("Range");
  if (!text.starts_with("bytes=") || text.find(',') != text.npos) return whole;
  text.remove_prefix(6);
  const auto dash = text.find('-');
  if (dash == text.npos) return whole;
  const auto number = [](std::string_view digits) -> std::optional<uint64_t> {
    uint64_t out = 0;
    const auto* end = digits.data() + digits.size();
    if (digits.empty() || std::from_chars(digits.data(), end, out).ptr != end) return std::nullopt;
    return out;
  };
  const auto first = number(text.substr(0, dash));
  const auto last = number(text.substr(dash + 1));
  const auto unsatisfiable = [] {
    return s3_error("InvalidRange", "The requested range is not satisfiable");
  };
  if (!first) {
    if (dash != 0 || !last) return whole;
    if (*last == 0 || size == 0) return unsatisfiable();
    const auto count = std::min(*last, size);
    return ByteRange{size - count, count, true};
  }
  if (text.size() > dash + 1 && !last) return whole;
  if (last && *last < *first) return whole;
  if (*first >= size) return unsatisfiable();
  return ByteRange{*first, std::min(last.value_or(size - 1), size - 1) - *first + 1, true};
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

Result<s3::ObjectInfo> load_object(S3Call& call) {
  s3::ObjectInfo object;
  TRY(call.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(object, call.services().s3.get_object(transaction, call.bucket(), call.key()));
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
  TRY_ASSIGN(const auto range, parse_range(call, object.size));
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
    // When the log refused, the object is committed and must keep its bytes.
    if (!services.ingest.stopped()) TRY(services.s3.discard_bytes(blob));
    return std::unexpected(std::move(stored).error());
  }
  http::Response response;
  response.headers.add("ETag", s3_quoted(object.etag));
  response.headers.add("x-amz-server-side-encryption", object.server_side_encryption);
  s3_add_checksums(response, options.checksums);
  return response;
}

Result<http::Response> delete_object(S3Call& call) {
  TRY(call.commit([&](meta::Transaction& transaction) {
    return call.services().s3.delete_object(transaction, call.bucket(), call.key());
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
  TRY(call.commit([&](meta::Transaction& transaction) -> Result<> {
    for (const auto* object : objects) {
      TRY(call.services().s3.delete_object(transaction, call.bucket(), object->child_text("Key")));
    }
    return {};
  }));
  aws::XmlWriter xml;
  xml.begin("DeleteResult", kS3Xmlns);
  if (root.child_text("Quiet") != "true") {
    for (const auto* object : objects) {
      xml.begin("Deleted").element("Key", object->child_text("Key")).end();
    }
  }
  xml.end();
  return s3_xml(std::move(xml).take());
}

// "/bucket/key" or "bucket/key", percent-encoded.
Result<S3Address> copy_source(const S3Call& call) {
  auto text = call.header("x-amz-copy-source");
  text = text.substr(0, text.find('?'));
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
  TRY(call.services().database.read([&](meta::Transaction& transaction) -> Result<> {
    const auto resource = fmt::format("arn:aws:s3:::{}/{}", address.bucket, address.key);
    TRY(call.services().authoriser.authorise(transaction,
                                             {call.caller().principal, "s3:GetObject", resource}));
    TRY_ASSIGN(source, call.services().s3.get_object(transaction, address.bucket, address.key));
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
    if (!services.ingest.stopped()) TRY(services.s3.discard_bytes(blob));
    return std::unexpected(std::move(stored).error());
  }
  aws::XmlWriter xml;
  xml.begin("CopyObjectResult", kS3Xmlns)
      .element("LastModified", format_iso_milliseconds(object.last_modified))
      .element("ETag", s3_quoted(object.etag))
      .end();
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
  for (const auto& [name, value] : call.request().headers) {
    const auto lower = lowered(name);
    if (!lower.starts_with(kMetadataPrefix)) continue;
    auto& target = options.metadata[lower.substr(kMetadataPrefix.size())];
    target += (target.empty() ? "" : ",") + value;
  }
  options.owner_account = call.caller().principal.account_id;
  if (const auto match = call.request().headers.find("If-Match")) {
    options.if_match = unquoted(*match);
  }
  if (const auto none = call.request().headers.find("If-None-Match")) {
    if (*none != "*") {
      return s3_error("NotImplemented",
                      "A header you provided implies functionality that is not implemented: "
                      "If-None-Match takes * only");
    }
    options.if_none_match_any = true;
  }
  return options;
}

std::span<const S3Operation> s3_object_operations() {
  static const std::vector<S3Operation> operations{
      {"CopyObject",
       "PUT",
       S3Level::Object,
       {},
       "x-amz-copy-source",
       "s3:PutObject",
       kData,
       false,
       copy_object},
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
       delete_objects}};
  return operations;
}

}  // namespace traccia::api
