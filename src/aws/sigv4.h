// AWS Signature Version 4: one implementation, used by the server to verify and by clients to sign.
// Source of the rules: IAM user guide "Signature Version 4 for API requests" and S3 API reference
// "Authenticating requests".
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "http/message.h"

namespace traccia::aws {

struct Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;  // empty for long-term keys
};

struct Scope {
  std::string date;  // YYYYMMDD
  std::string region;
  std::string service;
};

// What a request claims, before anything is verified. The caller compares scope.region and
// scope.service with what it serves, and session_token with the key's.
struct Authorization {
  std::string access_key_id;
  Scope scope;
  std::vector<std::string> signed_headers;  // lower case, as sent
  std::string signature;                    // 64 hex digits, lower case
  std::string session_token;
  Time time;  // X-Amz-Date (or Date)
  bool presigned = false;
  std::chrono::seconds expires{0};  // presigned only, 1 s..7 days
  // x-amz-content-sha256 as sent; of a presigned request the query's, else the header's when it is
  // signed. Empty when absent.
  std::string payload_hash;
};

inline constexpr std::chrono::seconds kPresignedExpiryMax{7 * 24 * 3600};
inline constexpr size_t kSignedHeadersMax = 128;

// Reasons: MissingAuthenticationToken, IncompleteSignature (malformed or partial header/query),
// InvalidAlgorithm (not AWS4-HMAC-SHA256), InvalidArgument (header and query both sign).
Result<Authorization> parse_authorization(const http::Request& request);

class SigningKeyCache;  // sigv4_key.h

struct VerifyOptions {
  std::chrono::seconds skew_max{900};
  uint64_t decoded_bytes_max = 65ULL << 20;
  SigningKeyCache* keys = nullptr;  // nullptr: derive each time
};

// Verifies time, signature and payload against the secret. On success `request.body` holds the
// payload with aws-chunked framing removed (STREAMING-AWS4-HMAC-SHA256-PAYLOAD[-TRAILER] chunk
// signatures checked, STREAMING-UNSIGNED-PAYLOAD-TRAILER accepted), trailers are added to its
// headers and aws-chunked is gone from Content-Encoding. On failure the request is as it was.
// `host` must be among the signed headers, as must every x-amz-* header sent, with two exceptions
// that real clients need: x-amz-security-token outside S3 (the suite's post-sts-header-after; the
// key names the token anyway), and a presigned request's x-amz-content-sha256 (checked when it is a
// hash). S3 takes the payload's hash from x-amz-content-sha256; other services hash the body.
// Comparisons are constant-time.
// Reasons: RequestTimeTooSkewed, RequestExpired (presigned), SignatureDoesNotMatch,
// HeadersNotSigned, XAmzContentSHA256Mismatch, InvalidRequest (S3 without x-amz-content-sha256),
// InvalidArgument (a value of it that S3 does not define), MissingContentLength (chunked without
// x-amz-decoded-content-length), InvalidChunk (framing, lengths, chunk or trailer signature),
// EntityTooLarge.
Result<> verify(http::Request& request, const Authorization& authorization,
                std::string_view secret_access_key, Time now, VerifyOptions options);

enum class Payload { Signed, Unsigned };

// Adds Host (when missing: SERVICE.REGION.amazonaws.com), X-Amz-Date, X-Amz-Security-Token,
// x-amz-content-sha256 (S3 only) and Authorization. Signs every header except those that proxies
// and HTTP libraries change. The path must be encoded already; for services other than S3 it is
// encoded once more in the canonical request, as the rules say. Payload::Unsigned means something
// to S3 only.
void sign(http::Request& request, const Credentials& credentials, std::string_view region,
          std::string_view service, Time now, Payload payload);

// The query of a presigned URL for this method, path and query; signs the host header only, which
// the request must have. S3's payload is unsigned; other services' is the request's body.
std::string presign_query(const http::Request& request, const Credentials& credentials,
                          std::string_view region, std::string_view service, Time now,
                          std::chrono::seconds expires);

}  // namespace traccia::aws
