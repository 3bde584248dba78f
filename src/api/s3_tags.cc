// S3: tags of objects ("Categorizing your objects using tags").
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "api/s3_call.h"
#include "aws/xml.h"
#include "base/bytes.h"

namespace traccia::api {
namespace {

constexpr std::string_view kHeader = "x-amz-tagging";
constexpr size_t kKeyCharactersMax = 128;
constexpr size_t kValueCharactersMax = 256;

size_t characters(std::string_view utf8) {
  return static_cast<size_t>(std::ranges::count_if(
      utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::unexpected<Error> bad_tag(std::string_view what) {
  return s3_error("InvalidTag", fmt::format("The {} you have provided is invalid", what));
}

Result<> add_tag(std::string_view key, std::string_view value, s3::Tags& tags) {
  const auto length = characters(key);
  if (length == 0 || length > kKeyCharactersMax || key.starts_with("aws:")) {
    return bad_tag("TagKey");
  }
  if (characters(value) > kValueCharactersMax) return bad_tag("TagValue");
  if (!tags.emplace(key, value).second) {
    return s3_error("InvalidTag", "Cannot provide multiple Tags with the same key");
  }
  if (tags.size() <= s3::kTagsMax) return {};
  return s3_error("BadRequest", fmt::format("Object tags cannot be greater than {}", s3::kTagsMax));
}

// Condition keys of the tags that a request asks for.
void add_asked_keys(S3Call& call, const s3::Tags& tags) {
  for (const auto& [key, value] : tags) {
    call.asked_keys.emplace_back("s3:RequestObjectTag/" + key, value);
  }
  for (const auto& [key, value] : tags)
    call.asked_keys.emplace_back("s3:RequestObjectTagKeys", key);
}

Result<s3::Tags> parse_tagging(const std::string& body) {
  TRY_ASSIGN(const auto root, aws::parse_xml(body));
  const auto* set = root.child("TagSet");
  if (root.name != "Tagging" || set == nullptr ||
      set->children_named("Tag").size() != set->children.size()) {
    return s3_error("MalformedXML", "a Tagging document has a TagSet");
  }
  s3::Tags tags;
  for (const auto& tag : set->children) {
    if (tag.child("Key") == nullptr || tag.child("Value") == nullptr) {
      return s3_error("MalformedXML", "a Tag has a Key and a Value");
    }
    TRY(add_tag(tag.child_text("Key"), tag.child_text("Value"), tags));
  }
  return tags;
}

// The version that the request means, which has tags unless it is a delete marker.
Result<s3::ObjectInfo> find_tagged(S3Call& call, meta::Transaction& transaction) {
  TRY_ASSIGN(auto found, call.services().s3.get_version(transaction, call.bucket(), call.key(),
                                                        call.version()));
  if (!found.delete_marker) return found;
  return fail(ErrorCode::FailedPrecondition, "MethodNotAllowed", "a delete marker");
}

Result<http::Response> get_tagging(S3Call& call) {
  s3::ObjectInfo object;
  TRY(call.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(object, find_tagged(call, transaction));
    return {};
  }));
  TRY(call.record_success());
  aws::XmlWriter xml;
  xml.begin("Tagging", kS3Xmlns).begin("TagSet");
  for (const auto& [key, value] : object.tags) {
    xml.begin("Tag").element("Key", key).element("Value", value).end();
  }
  xml.end().end();
  auto response = s3_xml(std::move(xml).take());
  call.show_version(response.headers, object.version_id);
  return response;
}

Result<http::Response> set_tags(S3Call& call, s3::Tags tags) {
  http::Response response;
  TRY(call.commit([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(auto object, find_tagged(call, transaction));
    call.show_version(response.headers, object.version_id);
    call.notices.push_back({tags.empty() && call.operation().method == "DELETE"
                                ? "ObjectTagging:Delete"
                                : "ObjectTagging:Put",
                            call.key(), object.size, object.etag, object.version_id});
    return call.services().s3.put_tags(transaction, std::move(object), std::move(tags));
  }));
  return response;
}

Result<http::Response> put_tagging(S3Call& call) {
  std::map<std::string, std::string> checksums;
  TRY(s3_check_body(call, call.request().body, checksums));
  TRY_ASSIGN(auto tags, parse_tagging(call.request().body));
  add_asked_keys(call, tags);
  return set_tags(call, std::move(tags));
}

Result<http::Response> delete_tagging(S3Call& call) {
  TRY_ASSIGN(auto response, set_tags(call, {}));
  response.status = 204;
  return response;
}

}  // namespace

Result<s3::Tags> s3_tag_header(S3Call& call) {
  s3::Tags tags;
  const auto text = call.header(kHeader);
  if (text.empty()) return tags;
  call.extra_parameters[kHeader] = text;
  const auto pairs = http::parse_query(text);
  if (!pairs) {
    return s3_error(
        "InvalidArgument",
        "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query "
        "parameters without tag name duplicates.");
  }
  for (const auto& [key, value] : *pairs) TRY(add_tag(key, value, tags));
  add_asked_keys(call, tags);
  return tags;
}

Result<> s3_authorise_tags(S3Call& call, meta::Transaction& transaction, const s3::Tags& tags) {
  if (tags.empty()) return {};
  TRY(call.authorise_also(transaction, "s3:PutObjectTagging", {call.bucket(), call.key()}));
  return {};
}

void s3_add_tag_count(http::Headers& headers, const s3::Tags& tags) {
  if (!tags.empty()) headers.add("x-amz-tagging-count", std::to_string(tags.size()));
}

std::span<const S3Operation> s3_tag_operations() {
  constexpr auto kData = event::Category::Data;
  constexpr auto kAddress = S3Authorised::Address;
  static const std::vector<S3Operation> operations{{"GetObjectTagging",
                                                    "GET",
                                                    S3Level::Object,
                                                    "tagging",
                                                    {},
                                                    "s3:GetObjectTagging",
                                                    kData,
                                                    true,
                                                    get_tagging,
                                                    kAddress,
                                                    "s3:GetObjectVersionTagging"},
                                                   {"PutObjectTagging",
                                                    "PUT",
                                                    S3Level::Object,
                                                    "tagging",
                                                    {},
                                                    "s3:PutObjectTagging",
                                                    kData,
                                                    false,
                                                    put_tagging,
                                                    kAddress,
                                                    "s3:PutObjectVersionTagging"},
                                                   {"DeleteObjectTagging",
                                                    "DELETE",
                                                    S3Level::Object,
                                                    "tagging",
                                                    {},
                                                    "s3:DeleteObjectTagging",
                                                    kData,
                                                    false,
                                                    delete_tagging,
                                                    kAddress,
                                                    "s3:DeleteObjectVersionTagging"}};
  return operations;
}

}  // namespace traccia::api
