// Checksums on the wire ("Checking object integrity in Amazon S3").
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api/s3_call.h"
#include "base/bytes.h"
#include "crypto/crypto.h"

namespace traccia::api {
namespace {

std::string header_of(std::string_view algorithm) {
  return fmt::format("x-amz-checksum-{}", algorithm);
}

std::string sum_of(std::string_view algorithm, std::string_view body) {
  return base64_encode(s3::find_checksum(algorithm)->compute(body));
}

}  // namespace

Result<std::map<std::string, std::string>> s3_given_checksums(const S3Call& call) {
  std::map<std::string, std::string> given;
  for (const auto& algorithm : s3::checksum_algorithms()) {
    const auto name = header_of(algorithm.name);
    const auto sent = call.request().headers.find(name);
    if (!sent) continue;
    if (!given.empty()) {
      return s3_error("InvalidRequest",
                      "Expecting a single x-amz-checksum- header. Multiple checksum Types are not "
                      "allowed.");
    }
    // "-N" stands behind what was made of N parts.
    const auto sum = base64_decode(sent->substr(0, sent->find('-')));
    if (!sum || sum->size() != algorithm.bytes) {
      return s3_error("InvalidRequest", fmt::format("Value for {} header is invalid.", name));
    }
    given.emplace(algorithm.name, *sent);
  }
  return given;
}

Result<> s3_check_body(const S3Call& call, std::string_view body,
                       std::map<std::string, std::string>& checksums) {
  if (const auto sent = call.request().headers.find("Content-MD5")) {
    const auto sum = base64_decode(*sent);
    if (!sum || sum->size() != 16) return s3_error("InvalidDigest", "Content-MD5 is not valid");
    if (*sum != crypto::md5(body)) {
      return s3_error("BadDigest", "The Content-MD5 you specified did not match what we received.");
    }
  }
  TRY_ASSIGN(checksums, s3_given_checksums(call));
  for (const auto& [name, sum] : checksums) {
    if (sum == sum_of(name, body)) continue;
    return s3_error(
        "BadDigest",
        fmt::format("The {} you specified did not match the calculated checksum.", name));
  }
  if (checksums.empty() && call.request().headers.find("x-amz-sdk-checksum-algorithm") &&
      !call.request().headers.find("Content-MD5")) {
    return s3_error("InvalidRequest",
                    "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* "
                    "or x-amz-trailer headers were found.");
  }
  return {};
}

Result<std::optional<std::string>> s3_wanted_checksum(const S3Call& call) {
  const auto label = call.header("x-amz-checksum-algorithm");
  if (label.empty()) return std::nullopt;
  const auto* algorithm = s3::find_checksum(label);
  if (algorithm != nullptr && algorithm->label == label) return std::string(algorithm->name);
  return s3_error("InvalidRequest",
                  "Checksum algorithm provided is unsupported. Please try again with any of the "
                  "valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]");
}

Result<std::optional<s3::ChecksumType>> s3_checksum_type(const S3Call& call) {
  const auto text = call.header("x-amz-checksum-type");
  if (text.empty()) return std::nullopt;
  const auto type = s3::checksum_type_of(text);
  if (type) return type;
  return s3_error("InvalidRequest", "Value for x-amz-checksum-type header is invalid.");
}

Result<s3::UploadChecksum> s3_upload_checksum(const S3Call& call) {
  TRY_ASSIGN(const auto wanted, s3_wanted_checksum(call));
  TRY_ASSIGN(const auto type, s3_checksum_type(call));
  if (!wanted) {
    if (!type) return s3::UploadChecksum{std::string(s3::kDefaultChecksum)};
    return s3_error("InvalidRequest",
                    "The x-amz-checksum-type header can only be used with the "
                    "x-amz-checksum-algorithm header.");
  }
  const auto* algorithm = s3::find_checksum(*wanted);
  const s3::UploadChecksum out{*wanted, type.value_or(algorithm->multipart), true};
  if (algorithm->makes(out.type)) return out;
  return s3_error("InvalidRequest",
                  fmt::format("The {} checksum type cannot be used with the {} checksum algorithm.",
                              s3::name_of(out.type), *wanted));
}

Result<std::string> s3_part_checksum(const s3::UploadChecksum& upload, std::string_view body,
                                     const std::map<std::string, std::string>& given) {
  if (upload.algorithm.empty()) return std::string();
  const auto same = given.find(upload.algorithm);
  if (same != given.end()) return same->second;
  // Composite sums are the client's to make, part by part.
  const bool strict = upload.chosen && upload.type == s3::ChecksumType::Composite;
  if (upload.chosen && (strict || !given.empty())) {
    return s3_error("InvalidRequest",
                    fmt::format("Checksum Type mismatch occurred, expected checksum Type: {}, "
                                "actual checksum Type: {}",
                                upload.algorithm, given.empty() ? "null" : given.begin()->first));
  }
  return sum_of(upload.algorithm, body);
}

std::string s3_checksum(std::string_view algorithm, std::string_view body) {
  return sum_of(algorithm, body);
}

void s3_add_checksums(http::Headers& headers, const std::map<std::string, std::string>& checksums) {
  for (const auto& [name, value] : checksums) headers.add(header_of(name), value);
}

void s3_add_checksums(http::Headers& headers, const std::map<std::string, std::string>& checksums,
                      s3::ChecksumType type) {
  s3_add_checksums(headers, checksums);
  if (!checksums.empty()) headers.add("x-amz-checksum-type", s3::name_of(type));
}

void s3_add_checksum_elements(aws::XmlWriter& xml,
                              const std::map<std::string, std::string>& checksums) {
  for (const auto& [name, value] : checksums) {
    xml.element(fmt::format("Checksum{}", s3::find_checksum(name)->label), value);
  }
}

void s3_add_checksum_elements(aws::XmlWriter& xml,
                              const std::map<std::string, std::string>& checksums,
                              s3::ChecksumType type) {
  s3_add_checksum_elements(xml, checksums);
  if (!checksums.empty()) xml.element("ChecksumType", s3::name_of(type));
}

}  // namespace traccia::api
