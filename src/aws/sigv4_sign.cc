// Signing of requests and of presigned URLs.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>

#include "aws/sigv4.h"
#include "aws/sigv4_canonical.h"
#include "aws/sigv4_key.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "crypto/crypto.h"

namespace traccia::aws {
namespace {

// Changed on the way by HTTP libraries and proxies.
bool is_unsignable(std::string_view name) {
  constexpr std::string_view kNames[] = {"authorization",
                                         "connection",
                                         "content-length",
                                         "expect",
                                         "keep-alive",
                                         "proxy-authenticate",
                                         "te",
                                         "trailer",
                                         "upgrade",
                                         "proxy-authorization",
                                         "user-agent",
                                         "x-amzn-trace-id",
                                         "accept-encoding",
                                         "transfer-encoding"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

std::vector<std::string> signable_names(const http::Headers& headers) {
  std::vector<std::string> names;
  for (const auto& [field, value] : headers) {
    if (auto name = to_lower(field); !is_unsignable(name)) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::string join(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out.append(out.empty() ? "" : ";").append(name);
  return out;
}

std::string signature_of(const http::Request& request, const std::vector<std::string>& names,
                         std::string_view payload_hash, const Credentials& credentials, Time time,
                         const Scope& scope) {
  const auto key = derive_signing_key(credentials.secret_access_key, scope);
  return hex_encode(
      crypto::hmac_sha256(key, string_to_sign(request, names, payload_hash, time, scope)));
}

}  // namespace

void sign(http::Request& request, const Credentials& credentials, std::string_view region,
          std::string_view service, Time now, Payload payload) {
  const Scope scope{format_date_basic(now), std::string(region), std::string(service)};
  auto& headers = request.headers;
  if (!headers.find("host"))
    headers.add("host", fmt::format("{}.{}.amazonaws.com", service, region));
  headers.set("x-amz-date", format_basic_seconds(now));
  if (!credentials.session_token.empty()) {
    headers.set("x-amz-security-token", credentials.session_token);
  }
  std::string payload_hash;
  if (service == "s3") {
    payload_hash = payload == Payload::Unsigned ? std::string(kUnsignedPayload)
                                                : crypto::sha256_hex(request.body);
    headers.set("x-amz-content-sha256", payload_hash);
  } else {
    payload_hash = crypto::sha256_hex(request.body);
  }
  const auto names = signable_names(headers);
  headers.set("authorization",
              fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                          credentials.access_key_id, scope_text(scope), join(names),
                          signature_of(request, names, payload_hash, credentials, now, scope)));
}

std::string presign_query(const http::Request& request, const Credentials& credentials,
                          std::string_view region, std::string_view service, Time now,
                          std::chrono::seconds expires) {
  TRACCIA_ASSERT(expires.count() >= 1 && expires <= kPresignedExpiryMax);
  TRACCIA_ASSERT(request.headers.find("host").has_value());
  const Scope scope{format_date_basic(now), std::string(region), std::string(service)};
  const auto encoded = [](std::string_view text) { return percent_encode(text, KeepSlash::No); };
  http::Request presigned;
  presigned.method = request.method;
  presigned.path = request.path;
  presigned.headers.add("host", request.headers.get("host"));
  presigned.query = request.query;
  if (!presigned.query.empty()) presigned.query += '&';
  presigned.query += fmt::format(
      "X-Amz-Algorithm={}&X-Amz-Credential={}&X-Amz-Date={}&X-Amz-Expires={}"
      "&X-Amz-SignedHeaders=host",
      kAlgorithm, encoded(credentials.access_key_id + "/" + scope_text(scope)),
      format_basic_seconds(now), expires.count());
  if (!credentials.session_token.empty()) {
    presigned.query += "&X-Amz-Security-Token=" + encoded(credentials.session_token);
  }
  const std::string payload_hash =
      service == "s3" ? std::string(kUnsignedPayload) : crypto::sha256_hex(request.body);
  const auto signature = signature_of(presigned, {"host"}, payload_hash, credentials, now, scope);
  return presigned.query + "&X-Amz-Signature=" + signature;
}

}  // namespace traccia::aws
