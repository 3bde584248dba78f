// Checksums that clients send with a body.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "api/s3_call.h"
#include "base/bytes.h"
#include "compress/compress.h"
#include "crypto/crypto.h"

namespace traccia::api {
namespace {

// Most significant byte first, as the checksum headers carry numbers.
template <typename T>
std::string big_endian(T value) {
  std::string out(sizeof(T), '\0');
  for (size_t i = 0; i < sizeof(T); ++i) {
    out[sizeof(T) - 1 - i] = static_cast<char>(value >> (8 * i) & 0xFF);
  }
  return out;
}

struct Algorithm {
  std::string_view name;  // as in x-amz-checksum-NAME
  std::string (*compute)(std::string_view body);
};

constexpr Algorithm kAlgorithms[] = {
    {"crc32", [](std::string_view body) { return big_endian(compress::crc32(body)); }},
    {"crc32c", [](std::string_view body) { return big_endian(compress::crc32c(body)); }},
    {"crc64nvme", [](std::string_view body) { return big_endian(compress::crc64nvme(body)); }},
    {"sha1", [](std::string_view body) { return crypto::sha1(body); }},
    {"sha256", [](std::string_view body) { return crypto::sha256(body); }}};

}  // namespace

Result<> s3_check_body(const S3Call& call, std::string_view body,
                       std::map<std::string, std::string>& checksums) {
  if (const auto sent = call.request().headers.find("Content-MD5")) {
    const auto sum = base64_decode(*sent);
    if (!sum || sum->size() != 16) return s3_error("InvalidDigest", "Content-MD5 is not valid");
    if (*sum != crypto::md5(body)) {
      return s3_error("BadDigest", "The Content-MD5 you specified did not match what we received.");
    }
  }
  for (const auto& [name, compute] : kAlgorithms) {
    const auto sent = call.request().headers.find(fmt::format("x-amz-checksum-{}", name));
    if (!sent) continue;
    if (base64_encode(compute(body)) != *sent) {
      return s3_error(
          "BadDigest",
          fmt::format("The {} you specified did not match the calculated checksum.", name));
    }
    checksums[std::string(name)] = *sent;
  }
  if (checksums.empty() && call.request().headers.find("x-amz-sdk-checksum-algorithm") &&
      !call.request().headers.find("Content-MD5")) {
    return s3_error("InvalidRequest",
                    "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* "
                    "or x-amz-trailer headers were found.");
  }
  return {};
}

void s3_add_checksums(http::Response& response,
                      const std::map<std::string, std::string>& checksums) {
  for (const auto& [name, value] : checksums) {
    response.headers.add(fmt::format("x-amz-checksum-{}", name), value);
  }
  if (!checksums.empty()) response.headers.add("x-amz-checksum-type", "FULL_OBJECT");
}

}  // namespace traccia::api
