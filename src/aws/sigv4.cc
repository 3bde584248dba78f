// Verification of signed requests.
// SPDX-License-Identifier: Apache-2.0
#include "aws/sigv4.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "aws/sigv4_canonical.h"
#include "aws/sigv4_chunked.h"
#include "aws/sigv4_key.h"
#include "base/bytes.h"
#include "crypto/crypto.h"

namespace traccia::aws {
namespace {

auto denied(std::string_view reason, std::string message) {
  return fail(ErrorCode::PermissionDenied, reason, std::move(message));
}

bool is_signed(const Authorization& authorization, std::string_view name) {
  const auto& names = authorization.signed_headers;
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_hash(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Result<> check_time(const Authorization& authorization, Time now, std::chrono::seconds skew_max) {
  if (format_date_basic(authorization.time) != authorization.scope.date) {
    return denied("SignatureDoesNotMatch",
                  "date in credential scope does not match the date of the request");
  }
  if (authorization.time > now + skew_max) {
    return denied("RequestTimeTooSkewed",
                  fmt::format("request is of {}, server time is {}",
                              format_iso_seconds(authorization.time), format_iso_seconds(now)));
  }
  if (authorization.presigned) {
    if (now > authorization.time + authorization.expires) {
      return denied("RequestExpired",
                    fmt::format("request expired at {}, server time is {}",
                                format_iso_seconds(authorization.time + authorization.expires),
                                format_iso_seconds(now)));
    }
  } else if (authorization.time < now - skew_max) {
    return denied("RequestTimeTooSkewed",
                  fmt::format("request is of {}, server time is {}",
                              format_iso_seconds(authorization.time), format_iso_seconds(now)));
  }
  return {};
}

Result<> check_signed_headers(const http::Request& request, const Authorization& authorization) {
  if (!is_signed(authorization, "host")) {
    return denied("SignatureDoesNotMatch", "'host' must be among the signed headers");
  }
  const bool s3 = authorization.scope.service == "s3";
  for (const auto& [field, value] : request.headers) {
    const std::string name = to_lower(field);
    if (!name.starts_with("x-amz-") || is_signed(authorization, name)) continue;
    if (!s3 && name == "x-amz-security-token") continue;
    if (authorization.presigned && name == "x-amz-content-sha256") continue;
    return denied("HeadersNotSigned", fmt::format("header '{}' is not signed", name));
  }
  return {};
}

// What enters the canonical request as the payload's hash.
Result<std::string> payload_hash_of(const http::Request& request,
                                    const Authorization& authorization) {
  const std::string& sent = authorization.payload_hash;
  if (authorization.scope.service != "s3") return crypto::sha256_hex(request.body);
  if (sent.empty()) {
    if (authorization.presigned) return std::string(kUnsignedPayload);
    return fail(ErrorCode::InvalidArgument, "InvalidRequest",
                "missing required header for this request: x-amz-content-sha256");
  }
  const bool streaming = sent == kStreamingSigned || sent == kStreamingSignedTrailer ||
                         sent == kStreamingUnsignedTrailer;
  if (sent != kUnsignedPayload && !is_hash(sent) && !streaming) {
    return fail(ErrorCode::InvalidArgument, "InvalidArgument",
                fmt::format("x-amz-content-sha256 must be UNSIGNED-PAYLOAD, {}, {}, {}, or a valid "
                            "sha256 value",
                            kStreamingSigned, kStreamingSignedTrailer, kStreamingUnsignedTrailer));
  }
  return sent;
}

Result<> check_hash(std::string_view hash, const http::Request& request) {
  if (constant_time_equal(hash, crypto::sha256_hex(request.body))) return {};
  return fail(ErrorCode::InvalidArgument, "XAmzContentSHA256Mismatch",
              "the provided x-amz-content-sha256 header does not match what was computed");
}

std::vector<std::string> list_of(std::string_view text) {
  std::vector<std::string> out;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const auto part = text.substr(begin, end - begin);
    const size_t first = part.find_first_not_of(" \t");
    if (first != std::string_view::npos) {
      out.push_back(to_lower(part.substr(first, part.find_last_not_of(" \t") - first + 1)));
    }
    begin = end + 1;
  }
  return out;
}

// Other codings stay, in order.
void remove_chunked_coding(http::Headers& headers) {
  std::string left;
  for (const auto value : headers.find_all("content-encoding")) {
    for (const auto& coding : list_of(value)) {
      if (coding == "aws-chunked") continue;
      left.append(left.empty() ? "" : ",").append(coding);
    }
  }
  if (left.empty()) {
    headers.remove("content-encoding");
  } else {
    headers.set("content-encoding", left);
  }
}

Result<uint64_t> decoded_length(const http::Request& request, uint64_t bytes_max) {
  const auto text = request.headers.find("x-amz-decoded-content-length");
  if (!text) {
    return fail(ErrorCode::InvalidArgument, "MissingContentLength",
                "a chunked payload requires x-amz-decoded-content-length");
  }
  uint64_t length = 0;
  const auto parsed = std::from_chars(text->begin(), text->end(), length);
  if (parsed.ec != std::errc() || parsed.ptr != text->end()) {
    return fail(ErrorCode::InvalidArgument, "InvalidChunk",
                "x-amz-decoded-content-length is not a number");
  }
  if (length > bytes_max) {
    return fail(ErrorCode::InvalidArgument, "EntityTooLarge",
                fmt::format("payload of {} bytes, at most {} are allowed", length, bytes_max));
  }
  return length;
}

Result<> decode_payload(http::Request& request, const Authorization& authorization,
                        std::string_view mode, const std::string& signing_key, uint64_t bytes_max) {
  TRY_ASSIGN(const uint64_t length, decoded_length(request, bytes_max));
  const ChunkedBody announced{
      .signatures =
          mode == kStreamingUnsignedTrailer ? ChunkSignatures::Absent : ChunkSignatures::Verified,
      .trailers = mode == kStreamingSigned ? Trailers::Forbidden : Trailers::Allowed,
      .seed_signature = authorization.signature,
      .signing_key = signing_key,
      .time = format_basic_seconds(authorization.time),
      .scope = scope_text(authorization.scope),
      .decoded_bytes = length,
      .declared_trailers = mode == kStreamingSigned
                               ? std::vector<std::string>()
                               : list_of(request.headers.get("x-amz-trailer"))};
  for (const auto& name : announced.declared_trailers) {
    if (request.headers.find(name)) {
      return fail(ErrorCode::InvalidArgument, "InvalidChunk",
                  fmt::format("trailer '{}' is a header already", name));
    }
  }
  TRY_ASSIGN(auto decoded, decode_chunked(request.body, announced));
  request.body = std::move(decoded.payload);
  for (const auto& [name, value] : decoded.trailers) request.headers.add(name, value);
  remove_chunked_coding(request.headers);
  return {};
}

std::vector<std::string> sorted_names(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace

Result<> verify(http::Request& request, const Authorization& authorization,
                std::string_view secret_access_key, Time now, VerifyOptions options) {
  TRY(check_time(authorization, now, options.skew_max));
  TRY(check_signed_headers(request, authorization));
  TRY_ASSIGN(const auto payload_hash, payload_hash_of(request, authorization));

  const std::string key = options.keys != nullptr
                              ? options.keys->get(secret_access_key, authorization.scope)
                              : derive_signing_key(secret_access_key, authorization.scope);
  const auto text = string_to_sign(request, sorted_names(authorization.signed_headers),
                                   payload_hash, authorization.time, authorization.scope);
  if (!constant_time_equal(hex_encode(crypto::hmac_sha256(key, text)), authorization.signature)) {
    return denied("SignatureDoesNotMatch",
                  "the signature calculated from the request does not match the one provided");
  }

  if (authorization.scope.service != "s3") return {};
  if (payload_hash.starts_with("STREAMING-")) {
    return decode_payload(request, authorization, payload_hash, key, options.decoded_bytes_max);
  }
  if (is_hash(payload_hash)) return check_hash(payload_hash, request);
  // A presigned request may still promise a hash that nobody signed.
  const auto promised = request.headers.get("x-amz-content-sha256");
  if (is_hash(promised)) return check_hash(promised, request);
  return {};
}

}  // namespace traccia::aws
