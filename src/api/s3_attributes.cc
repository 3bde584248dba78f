// S3: what is known of an object, without its bytes.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "api/s3_call.h"

namespace traccia::api {
namespace {

constexpr std::string_view kAttributesHeader = "x-amz-object-attributes";
constexpr std::string_view kAttributes[] = {"ETag", "Checksum", "ObjectParts", "StorageClass",
                                            "ObjectSize"};
constexpr size_t kPartsPageMax = 1000;

// The attributes asked for: in one header, or in several.
Result<std::vector<std::string>> asked_attributes(const S3Call& call) {
  std::vector<std::string> asked;
  for (const auto& [name, value] : call.request().headers) {
    if (!http::equal_ignoring_case(name, kAttributesHeader)) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      auto one = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(one.size() + 1, rest.size()));
      while (one.starts_with(' ')) one.remove_prefix(1);
      while (one.ends_with(' ')) one.remove_suffix(1);
      if (one.empty()) continue;
      if (std::ranges::find(kAttributes, one) == std::end(kAttributes)) {
        return s3_error("InvalidArgument", "Invalid attribute name specified.");
      }
      asked.emplace_back(one);
    }
  }
  if (!asked.empty()) return asked;
  return s3_error("InvalidRequest",
                  "The x-amz-object-attributes header specifying the attributes to be retrieved is "
                  "either missing or empty");
}

Result<size_t> header_number(const S3Call& call, std::string_view name, size_t fallback) {
  const auto text = call.header(name);
  if (text.empty()) return fallback;
  int32_t number = 0;
  const auto* end = text.data() + text.size();
  if (std::from_chars(text.data(), end, number).ptr == end && number >= 0) {
    return static_cast<size_t>(number);
  }
  return s3_error("InvalidArgument",
                  fmt::format("Provided {} not an integer or within integer range", name));
}

void add_checksum(aws::XmlWriter& xml, const s3::ObjectInfo& object) {
  if (object.checksums.empty()) return;
  // Without the number of parts ("GetObjectAttributes" shows that as ObjectParts).
  auto sums = object.checksums;
  for (auto& [name, sum] : sums) sum = sum.substr(0, sum.find('-'));
  xml.begin("Checksum");
  s3_add_checksum_elements(xml, sums, object.checksum_type);
  xml.end();
}

struct PartsPage {
  size_t after = 0;
  size_t max = kPartsPageMax;
};

// Of multipart objects. Parts one by one are told of composite ones only, as S3 does.
Result<> add_parts(aws::XmlWriter& xml, const s3::ObjectInfo& object, const PartsPage& page) {
  if (!object.multipart()) return {};
  TRY_ASSIGN(const auto sums, s3::decode_part_sums(object.part_sums));
  xml.begin("ObjectParts").element("PartsCount", static_cast<int64_t>(object.parts.size()));
  if (!sums.empty()) {
    if (sums.size() != object.parts.size()) {
      return fail(ErrorCode::DataLoss, "the index holds another number of sums than of parts");
    }
    std::vector<size_t> shown;
    bool more = false;
    for (size_t i = 0; i < sums.size(); ++i) {
      if (static_cast<size_t>(sums[i].first) <= page.after) continue;
      more = shown.size() == page.max;
      if (more) break;
      shown.push_back(i);
    }
    xml.element("PartNumberMarker", static_cast<int64_t>(page.after))
        .element("NextPartNumberMarker", int64_t{shown.empty() ? 0 : sums[shown.back()].first})
        .element("MaxParts", static_cast<int64_t>(page.max))
        .element("IsTruncated", more ? "true" : "false");
    const auto& algorithm = object.checksums.begin()->first;
    for (const auto i : shown) {
      xml.begin("Part")
          .element("PartNumber", int64_t{sums[i].first})
          .element("Size", static_cast<int64_t>(object.parts[i].second));
      s3_add_checksum_elements(xml, {{algorithm, sums[i].second}});
      xml.end();
    }
  }
  xml.end();
  return {};
}

Result<http::Response> get_attributes(S3Call& call) {
  // "GetObjectAttributes", Permissions: who may not read the object is told nothing of it.
  const auto reads = call.version() ? "s3:GetObjectVersion" : "s3:GetObject";
  TRY_ASSIGN(
      const auto object,
      s3_load_object(call, [&](meta::Transaction& transaction, s3::ObjectInfo&) -> Result<> {
        TRY(call.authorise_also(transaction, reads, {call.bucket(), call.key(), call.version()}));
        return {};
      }));
  TRY_ASSIGN(const auto asked, asked_attributes(call));
  PartsPage page;
  TRY_ASSIGN(page.after, header_number(call, "x-amz-part-number-marker", 0));
  TRY_ASSIGN(page.max, header_number(call, "x-amz-max-parts", kPartsPageMax));
  page.max = std::min(page.max, kPartsPageMax);
  const auto wants = [&](std::string_view name) {
    return std::ranges::find(asked, name) != asked.end();
  };
  aws::XmlWriter xml;
  xml.begin("GetObjectAttributesResponse", kS3Xmlns);
  if (wants("ETag")) xml.element("ETag", object.etag);
  if (wants("Checksum")) add_checksum(xml, object);
  if (wants("ObjectParts")) TRY(add_parts(xml, object, page));
  if (wants("StorageClass")) xml.element("StorageClass", s3::name_of(object.storage_class));
  if (wants("ObjectSize")) xml.element("ObjectSize", static_cast<int64_t>(object.size));
  xml.end();
  auto response = s3_xml(std::move(xml).take());
  response.headers.add("Last-Modified", format_http_date(object.last_modified));
  call.show_version(response.headers, object.version_id);
  TRY(call.record_success());
  return response;
}

}  // namespace

std::span<const S3Operation> s3_attribute_operations() {
  static const std::vector<S3Operation> operations{{"GetObjectAttributes",
                                                    "GET",
                                                    S3Level::Object,
                                                    "attributes",
                                                    {},
                                                    "s3:GetObjectAttributes",
                                                    event::Category::Data,
                                                    true,
                                                    get_attributes,
                                                    S3Authorised::Address,
                                                    "s3:GetObjectVersionAttributes"}};
  return operations;
}

}  // namespace traccia::api
