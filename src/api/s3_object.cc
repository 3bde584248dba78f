// S3: objects.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "api/s3_conditions.h"
#include "api/s3_encryption.h"
#include "aws/xml.h"

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
  s3_add_encryption(headers, object.encryption);
  s3_add_class(headers, object, call.services().os.clock.now());
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
  s3_add_tag_count(headers, object.tags);
  for (const auto& [name, value] : object.metadata) {
    headers.add(fmt::format("{}{}", kMetadataPrefix, name), value);
  }
}

// Reads an object for an answer, a piece at a time.
class ObjectSource : public http::BodySource {
 public:
  ObjectSource(s3::S3& s3, s3::ObjectInfo object, std::string data_key, ByteRange range)
      : s3_(s3), object_(std::move(object)), data_key_(std::move(data_key)), range_(range) {}
  uint64_t size() const override { return range_.count; }
  Result<size_t> read(std::span<char> out) override {
    const auto count = std::min<uint64_t>(out.size(), range_.count - given_);
    if (count == 0) return size_t{0};
    TRY_ASSIGN(const auto bytes,
               s3_.read_object(object_, range_.offset + given_, count, data_key_));
    if (bytes.empty())
      return fail(ErrorCode::DataLoss, "the object is shorter than its index says");
    std::ranges::copy(bytes, out.begin());
    given_ += bytes.size();
    return bytes.size();
  }

 private:
  s3::S3& s3_;
  s3::ObjectInfo object_;
  std::string data_key_;
  ByteRange range_;
  uint64_t given_ = 0;
};

Result<> tell_more(S3Call& call, meta::Transaction& transaction, s3::ObjectInfo& object) {
  if (!call.version()) TRY(s3_tell_expiry(call, transaction, object));
  return s3_hide_lock(call, transaction, object.lock);
}

// The part of a number, in the order of the parts. An object that did not come in parts is one, of
// which nothing is counted ("GetObject", partNumber and x-amz-mp-parts-count).
Result<ByteRange> part_range(const S3Call& call, const s3::ObjectInfo& object,
                             http::Headers& headers) {
  TRY_ASSIGN(const auto number, s3_query_number(call, "partNumber", 0, s3::kPartsMax + 1));
  TRY(s3::check_part_number(static_cast<int>(number)));
  if (number > (object.multipart() ? object.parts.size() : 1)) {
    return s3_error("InvalidPartNumber", "The requested partnumber is not satisfiable");
  }
  if (!object.multipart()) return ByteRange{0, object.size, object.size > 0};
  headers.add("x-amz-mp-parts-count", std::to_string(object.parts.size()));
  ByteRange out{0, object.parts[number - 1].second, true};
  for (size_t i = 0; i + 1 < number; ++i) out.offset += object.parts[i].second;
  if (out.count == 0) out.partial = false;  // the only part
  return out;
}

// What of the object is asked for.
Result<ByteRange> choose_range(const S3Call& call, const s3::ObjectInfo& object,
                               http::Headers& headers) {
  const auto& asked = call.request().headers;
  const auto range = asked.find("Range");
  if (call.query("partNumber")) {
    if (!range) return part_range(call, object, headers);
    return s3_error("InvalidRequest",
                    "Cannot specify both Range header and partNumber query parameter");
  }
  // A range of another version than the client holds part of would mix the two.
  const auto if_range = asked.find("If-Range");
  const bool same = !if_range || unquoted(*if_range) == object.etag;
  return parse_range(same ? range.value_or("") : "", object.size);
}

Result<http::Response> get_object(S3Call& call) {
  auto& services = call.services();
  const bool head = call.request().method == "HEAD";
  const auto writes = services.database.writes();
  s3::StoredBytes small;
  std::optional<KeyRequest> key;
  TRY_ASSIGN(
      const auto object,
      s3_load_object(call, [&](meta::Transaction& transaction, s3::ObjectInfo& found) -> Result<> {
        TRY(tell_more(call, transaction, found));
        if (head) return {};
        TRY_ASSIGN(small, services.s3.load_small(transaction, found));
        return s3_ask_to_open(call, transaction, found.encryption, writes, key);
      }));
  call.object_size = object.size;
  http::Response response;
  response.status = judge_conditions(call, object, "");
  if (response.status == 412) {
    return fail(ErrorCode::FailedPrecondition, "PreconditionFailed", "a condition does not hold");
  }
  add_object_headers(call, object, response);
  call.show_version(response.headers, object.version_id);
  s3_add_lock(response, object.lock);
  if (response.status == 304) {
    TRY(call.record_success());
    return response;
  }
  TRY_ASSIGN(const auto range, choose_range(call, object, response.headers));
  if (range.partial) {
    response.status = 206;
    response.headers.add("Content-Range", fmt::format("bytes {}-{}/{}", range.offset,
                                                      range.offset + range.count - 1, object.size));
  } else if (call.header("x-amz-checksum-mode") == "ENABLED") {
    s3_add_checksums(response.headers, object.checksums, object.checksum_type);
  }
  std::string data_key;
  if (!head) {
    TRY(s3_check_readable(call, object));
    TRY_ASSIGN(data_key, s3_open(key));
  }
  if (head || range.count > kInMemoryMax) {
    response.stream = std::make_unique<ObjectSource>(services.s3, object, data_key, range);
  } else {
    TRY_ASSIGN(response.body, services.s3.read_object(object, range.offset, range.count, data_key,
                                                      std::move(small)));
  }
  if (!head) call.bytes_out = range.count;
  TRY(call.record_success());
  return response;
}

// What a lock is to protect must have come whole.
Result<> check_locked_put(const S3Call& call, const s3::PutOptions& options, bool summed) {
  const bool locked =
      !options.lock.empty() || call.found_bucket().default_retention.mode != s3::LockMode::None;
  if (!locked || summed || call.request().headers.find("Content-MD5")) {
    return {};
  }
  return s3_error("InvalidRequest",
                  "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests "
                  "with Object Lock parameters");
}

Result<http::Response> put_object(S3Call& call) {
  auto& services = call.services();
  const auto& body = call.request().body;
  TRY_ASSIGN(auto options, s3_put_options(call));
  TRY(s3_check_body(call, body, options.checksums));
  const bool summed = !options.checksums.empty();
  if (!summed) {
    options.checksums.emplace(s3::kDefaultChecksum, s3_checksum(s3::kDefaultChecksum, body));
  }
  TRY_ASSIGN(const auto sealing, s3_seal_object(call));
  options.encryption = sealing.encryption;
  options.storage_class = sealing.storage_class;
  TRY_ASSIGN(const auto blob, services.s3.store_bytes(body, sealing));
  const auto etag = s3::etag_of(body, sealing, blob.id);
  s3::ObjectInfo object;
  http::Response response;
  auto stored = call.commit([&](meta::Transaction& transaction) -> Result<> {
    TRY(check_locked_put(call, options, summed));
    TRY(s3_authorise_lock(call, transaction, options.lock));
    TRY(s3_authorise_tags(call, transaction, options.tags));
    TRY(s3_own_object(call, transaction, options));
    TRY_ASSIGN(object, services.s3.put_object(transaction, call.bucket(), call.key(), etag,
                                              body.size(), blob, options));
    call.show_version(response.headers, object.version_id);
    call.notices.push_back(
        {"ObjectCreated:Put", call.key(), object.size, object.etag, object.version_id});
    return s3_tell_expiry(call, transaction, object);
  });
  if (!stored) {
    TRY(s3_take_back(call, blob.id, stored.error()));
    return std::unexpected(std::move(stored).error());
  }
  response.headers.add("ETag", s3_quoted(object.etag));
  s3_add_checksums(response.headers, object.checksums, object.checksum_type);
  return response;
}

// For the access log of a bucket that has one: how large what is to be deleted is.
Result<std::optional<uint64_t>> logged_size(S3Call& call, meta::Transaction& transaction,
                                            const S3Address& address) {
  auto& services = call.services();
  if (!services.access_logs.find(address.bucket)) return std::nullopt;
  const auto found =
      services.s3.get_version(transaction, address.bucket, address.key, address.version);
  if (found && !found->delete_marker) return found->size;
  if (found || found.error().code() == ErrorCode::NotFound ||
      found.error().code() == ErrorCode::InvalidArgument) {
    return std::nullopt;
  }
  return std::unexpected(found.error());
}

Result<http::Response> delete_object(S3Call& call) {
  http::Response response;
  response.status = 204;
  TRY(call.commit([&](meta::Transaction& transaction) -> Result<> {
    auto& s3 = call.services().s3;
    const bool guarded = call.found_bucket().mfa_delete == s3::MfaDelete::Enabled;
    if (guarded && call.version()) TRY(s3_prove_mfa(call, transaction));
    if (const auto match = call.request().headers.find("If-Match")) {
      TRY_ASSIGN(const auto there,
                 s3.get_version(transaction, call.bucket(), call.key(), call.version()));
      if (there.delete_marker || (*match != "*" && unquoted(*match) != there.etag)) {
        return fail(ErrorCode::FailedPrecondition, "PreconditionFailed", "another ETag");
      }
    }
    const S3Address address{call.bucket(), call.key(), call.version()};
    TRY_ASSIGN(call.object_size, logged_size(call, transaction, address));
    TRY_ASSIGN(const auto governance, s3_governance(call, transaction, address));
    TRY_ASSIGN(const auto deleted, s3.delete_object(transaction, call.bucket(), call.key(),
                                                    call.version(), governance));
    call.show_version(response.headers, deleted.version_id, deleted.delete_marker);
    call.notices.push_back(s3_notice_of(address, deleted));
    return {};
  }));
  return response;
}

Result<std::vector<S3Address>> parse_deletions(const S3Call& call, const aws::XmlElement& root) {
  const auto objects = root.children_named("Object");
  if (root.name != "Delete" || objects.empty() || objects.size() > kDeleteKeysMax) {
    return s3_error("MalformedXML", "a Delete document names 1 to 1000 objects");
  }
  std::vector<S3Address> addresses;
  for (const auto* object : objects) {
    if (!object->child_text("ETag").empty()) {
      return s3_error("NotImplemented", "Conditional deletes of several objects are not available");
    }
    S3Address address{call.bucket(), std::string(object->child_text("Key"))};
    const auto version = object->child_text("VersionId");
    if (!version.empty()) address.version = version;
    addresses.push_back(std::move(address));
  }
  return addresses;
}

// What the caller may not, or what cannot be, is told of its key; the others are removed.
Result<> delete_one(S3Call& call, meta::Transaction& transaction, S3Address address) {
  const auto& operation = call.operation();
  const auto action = address.version ? operation.version_action : operation.iam_action;
  S3Call::Deletion one{std::move(address), {}, {}, {}, {}};
  const auto try_one = [&]() -> Result<> {
    TRY(call.authorise_also(transaction, action, one.address));
    TRY_ASSIGN(one.size, logged_size(call, transaction, one.address));
    TRY_ASSIGN(const auto governance, s3_governance(call, transaction, one.address));
    TRY_ASSIGN(one.deleted,
               call.services().s3.delete_object(transaction, one.address.bucket, one.address.key,
                                                one.address.version, governance));
    return {};
  };
  if (const auto done = try_one(); !done) {
    const auto& error = done.error();
    if (error.reason() == "InvalidArgument" && one.address.version) {
      one.error = "NoSuchVersion";
      one.message = "The specified version does not exist.";
    } else if (error.reason() == "AccessDenied") {
      one.error = "AccessDenied";
      one.message = error.message();
    } else {
      return done;
    }
  }
  call.deletions.push_back(std::move(one));
  return {};
}

void add_deletion(aws::XmlWriter& xml, const S3Call::Deletion& deletion) {
  const auto& [address, error, message, deleted, size] = deletion;
  xml.begin(error.empty() ? "Deleted" : "Error").element("Key", address.key);
  if (address.version) xml.element("VersionId", *address.version);
  if (!error.empty()) {
    xml.element("Code", error).element("Message", message);
  } else if (deleted.delete_marker) {
    xml.element("DeleteMarker", "true").element("DeleteMarkerVersionId", deleted.version_id);
  }
  xml.end();
}

Result<http::Response> delete_objects(S3Call& call) {
  std::map<std::string, std::string> checksums;
  TRY(s3_check_body(call, call.request().body, checksums));
  TRY_ASSIGN(const auto root, aws::parse_xml(call.request().body));
  TRY_ASSIGN(const auto addresses, parse_deletions(call, root));
  const bool names_versions =
      std::ranges::any_of(addresses, [](const S3Address& one) { return one.version.has_value(); });
  TRY(call.commit([&](meta::Transaction& transaction) -> Result<> {
    // One code for all; a wrong one is refused though no version is named ("DeleteObjects").
    const bool guarded = call.found_bucket().mfa_delete == s3::MfaDelete::Enabled;
    if (guarded && (names_versions || s3_gives_mfa(call))) TRY(s3_prove_mfa(call, transaction));
    TRY(s3_check_bypass(call));
    for (const auto& address : addresses) TRY(delete_one(call, transaction, address));
    return {};
  }));
  const bool quiet = root.child_text("Quiet") == "true";
  aws::XmlWriter xml;
  xml.begin("DeleteResult", kS3Xmlns);
  for (const auto& deletion : call.deletions) {
    if (!quiet || !deletion.error.empty()) add_deletion(xml, deletion);
  }
  xml.end();
  return s3_xml(std::move(xml).take());
}

constexpr auto kData = event::Category::Data;

}  // namespace

Result<s3::PutOptions> s3_put_options(S3Call& call) {
  s3::PutOptions options;
  TRY_ASSIGN(options.lock, s3_lock_headers(call));
  TRY_ASSIGN(options.tags, s3_tag_header(call));
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

// That a key or version is not there is for those to know who may list them ("GetObject").
Result<s3::ObjectInfo> s3_load_object(
    S3Call& call, const std::function<Result<>(meta::Transaction&, s3::ObjectInfo&)>& also) {
  s3::ObjectInfo object;
  TRY(call.read([&](meta::Transaction& transaction) -> Result<> {
    auto found = call.find_version(transaction);
    const bool missing = found ? found->delete_marker && !call.version()
                               : found.error().code() == ErrorCode::NotFound;
    if (missing) {
      const auto action = call.version() ? "s3:ListBucketVersions" : "s3:ListBucket";
      TRY(call.authorise_also(transaction, action, {call.bucket(), ""}));
    }
    TRY_ASSIGN(object, std::move(found));
    if (object.delete_marker) return {};
    return also(transaction, object);
  }));
  if (!object.delete_marker) return object;
  // "Working with delete markers": neither they nor what they hide can be read.
  call.show_version(call.failure_headers, object.version_id, true);
  if (!call.version()) return fail(ErrorCode::NotFound, "NoSuchKey", "a delete marker");
  call.failure_headers.add("Allow", "DELETE");
  call.failure_headers.add("Last-Modified", format_http_date(object.last_modified));
  return fail(ErrorCode::FailedPrecondition, "MethodNotAllowed", "a delete marker");
}

Result<> s3_take_back(S3Call& call, const blob::BlobId& blob, const Error& error) {
  if (error.reason() == kCommittedNotLogged) return {};
  return call.services().s3.discard_bytes(blob);
}

std::span<const S3Operation> s3_object_operations() {
  constexpr auto kAddress = S3Authorised::Address;
  constexpr auto kEachKey = S3Authorised::EachKey;
  static const std::vector<S3Operation> operations{
      {"PutObject", "PUT", S3Level::Object, {}, {}, "s3:PutObject", kData, false, put_object},
      {"GetObject",
       "GET",
       S3Level::Object,
       {},
       {},
       "s3:GetObject",
       kData,
       true,
       get_object,
       kAddress,
       "s3:GetObjectVersion"},
      {"HeadObject",
       "HEAD",
       S3Level::Object,
       {},
       {},
       "s3:GetObject",
       kData,
       true,
       get_object,
       kAddress,
       "s3:GetObjectVersion"},
      {"DeleteObject",
       "DELETE",
       S3Level::Object,
       {},
       {},
       "s3:DeleteObject",
       kData,
       false,
       delete_object,
       kAddress,
       "s3:DeleteObjectVersion"},
      {"DeleteObjects",
       "POST",
       S3Level::Bucket,
       "delete",
       {},
       "s3:DeleteObject",
       kData,
       false,
       delete_objects,
       kEachKey,
       "s3:DeleteObjectVersion"}};
  return operations;
}

}  // namespace traccia::api
