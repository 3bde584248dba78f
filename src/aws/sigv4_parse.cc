// Reading the claim of a signed request from its Authorization header or its query.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "aws/sigv4.h"
#include "aws/sigv4_canonical.h"
#include "base/bytes.h"

namespace traccia::aws {
namespace {

constexpr size_t kScopeFieldBytesMax = 64;
constexpr size_t kAccessKeyBytesMax = 128;

auto incomplete(std::string message) {
  return fail(ErrorCode::InvalidArgument, "IncompleteSignature", std::move(message));
}

auto invalid_algorithm(std::string_view algorithm) {
  return fail(ErrorCode::InvalidArgument, "InvalidAlgorithm",
              fmt::format("unsupported signature algorithm '{}'", algorithm.substr(0, 64)));
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

bool only(std::string_view text, size_t bytes_max, bool (*accepts)(char)) {
  return !text.empty() && text.size() <= bytes_max &&
         std::all_of(text.begin(), text.end(), accepts);
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f');
}
bool is_scope_character(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}
// The characters of an HTTP field name, without upper case.
bool is_header_character(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

Result<> read_credential(std::string_view text, Authorization& out) {
  const auto parts = split(text, '/');
  if (parts.size() != 5 || parts[4] != kScopeEnd) {
    return incomplete("credential must be KEY/YYYYMMDD/REGION/SERVICE/aws4_request");
  }
  if (!only(parts[0], kAccessKeyBytesMax, is_scope_character) || parts[1].size() != 8 ||
      !only(parts[1], 8, is_digit) || !only(parts[2], kScopeFieldBytesMax, is_scope_character) ||
      !only(parts[3], kScopeFieldBytesMax, is_scope_character)) {
    return incomplete("credential has a malformed part");
  }
  out.access_key_id = parts[0];
  out.scope = {std::string(parts[1]), std::string(parts[2]), std::string(parts[3])};
  return {};
}

Result<> read_signed_headers(std::string_view text, Authorization& out) {
  const auto names = split(text, ';');
  if (names.size() > kSignedHeadersMax) {
    return incomplete(fmt::format("more than {} signed headers", kSignedHeadersMax));
  }
  for (const auto name : names) {
    if (!only(name, 256, is_header_character)) return incomplete("malformed signed headers");
    out.signed_headers.emplace_back(name);
  }
  return {};
}

Result<> read_signature(std::string_view text, Authorization& out) {
  if (text.size() != 64 || !only(text, 64, is_lower_hex)) {
    return incomplete("signature is not 64 hexadecimal digits");
  }
  out.signature = text;
  return {};
}

Result<Time> read_time(const http::Request& request) {
  if (const auto date = request.headers.find("x-amz-date")) {
    if (auto time = parse_basic_seconds(*date)) return *time;
    return incomplete("x-amz-date is not of the form YYYYMMDDTHHMMSSZ");
  }
  if (const auto date = request.headers.find("date")) {
    if (auto time = parse_http_date(*date)) return *time;
    if (auto time = parse_basic_seconds(*date)) return *time;
    return incomplete("date is neither an HTTP date nor YYYYMMDDTHHMMSSZ");
  }
  return incomplete("authorization header requires an 'X-Amz-Date' or a 'Date' header");
}

bool is_signed(const Authorization& authorization, std::string_view name) {
  const auto& names = authorization.signed_headers;
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

Result<Authorization> from_header(const http::Request& request, std::string_view header) {
  header = trimmed(header);
  const size_t space = std::min(header.find_first_of(" \t"), header.size());
  if (header.substr(0, space) != kAlgorithm) return invalid_algorithm(header.substr(0, space));
  std::map<std::string_view, std::string_view> fields;
  for (const auto part : split(header.substr(space), ',')) {
    const auto field = trimmed(part);
    const size_t equals = field.find('=');
    if (equals == std::string_view::npos) {
      return incomplete("authorization header is not a list of name=value");
    }
    if (!fields.emplace(field.substr(0, equals), field.substr(equals + 1)).second) {
      return incomplete("authorization header repeats a parameter");
    }
  }
  for (const auto name : {"Credential", "Signature", "SignedHeaders"}) {
    if (!fields.contains(name)) {
      return incomplete(fmt::format("authorization header requires '{}' parameter", name));
    }
  }
  Authorization out;
  TRY(read_credential(fields["Credential"], out));
  TRY(read_signed_headers(fields["SignedHeaders"], out));
  TRY(read_signature(fields["Signature"], out));
  TRY_ASSIGN(out.time, read_time(request));
  out.session_token = request.headers.get("x-amz-security-token");
  out.payload_hash = request.headers.get("x-amz-content-sha256");
  return out;
}

// Parameters of presigned requests by name; those of the operation are left out.
using Parameters = std::map<std::string, std::string, std::less<>>;

bool is_signing_parameter(std::string_view name) {
  constexpr std::string_view kNames[] = {
      "X-Amz-Algorithm", "X-Amz-Credential",     "X-Amz-Date",          "X-Amz-Expires",
      "X-Amz-Signature", "X-Amz-Security-Token", "X-Amz-SignedHeaders", "X-Amz-Content-Sha256"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

Result<Parameters> signing_parameters(std::string_view query) {
  Parameters out;
  for (const auto part : split(query, '&')) {
    const size_t equals = std::min(part.find('='), part.size());
    const auto name = percent_decode(part.substr(0, equals));
    if (!name || !is_signing_parameter(*name)) continue;
    const auto value = percent_decode(part.substr(std::min(equals + 1, part.size())));
    if (!value) return incomplete(fmt::format("query parameter '{}' is badly encoded", *name));
    if (!out.emplace(*name, *value).second) {
      return incomplete(fmt::format("query repeats '{}'", *name));
    }
  }
  return out;
}

Result<std::chrono::seconds> read_expires(std::string_view text) {
  int64_t seconds = 0;
  const auto parsed = std::from_chars(text.begin(), text.end(), seconds);
  if (parsed.ec != std::errc() || parsed.ptr != text.end() || seconds < 1 ||
      seconds > kPresignedExpiryMax.count()) {
    return incomplete(
        fmt::format("X-Amz-Expires must be between 1 and {} seconds", kPresignedExpiryMax.count()));
  }
  return std::chrono::seconds(seconds);
}

Result<Authorization> from_query(const http::Request& request, const Parameters& fields) {
  const auto get = [&](std::string_view name) {
    const auto found = fields.find(name);
    return found == fields.end() ? std::string_view() : std::string_view(found->second);
  };
  if (const auto algorithm = get("X-Amz-Algorithm"); algorithm != kAlgorithm) {
    if (algorithm.empty()) return incomplete("query requires 'X-Amz-Algorithm'");
    return invalid_algorithm(algorithm);
  }
  for (const auto name : {"X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Signature",
                          "X-Amz-SignedHeaders"}) {
    if (get(name).empty()) return incomplete(fmt::format("query requires '{}'", name));
  }
  Authorization out;
  out.presigned = true;
  TRY(read_credential(get("X-Amz-Credential"), out));
  TRY(read_signed_headers(get("X-Amz-SignedHeaders"), out));
  TRY(read_signature(get("X-Amz-Signature"), out));
  TRY_ASSIGN(out.expires, read_expires(get("X-Amz-Expires")));
  const auto time = parse_basic_seconds(get("X-Amz-Date"));
  if (!time) return incomplete("X-Amz-Date is not of the form YYYYMMDDTHHMMSSZ");
  out.time = *time;
  out.session_token = get("X-Amz-Security-Token");
  out.payload_hash = get("X-Amz-Content-Sha256");
  if (out.payload_hash.empty() && is_signed(out, "x-amz-content-sha256")) {
    out.payload_hash = request.headers.get("x-amz-content-sha256");
  }
  return out;
}

// Signature Version 2, which names its parameters otherwise.
bool has_version_2_query(std::string_view query) {
  const auto parts = split(query, '&');
  return std::any_of(parts.begin(), parts.end(),
                     [](auto part) { return part.starts_with("AWSAccessKeyId="); });
}

}  // namespace

Result<Authorization> parse_authorization(const http::Request& request) {
  const auto headers = request.headers.find_all("authorization");
  TRY_ASSIGN(const auto parameters, signing_parameters(request.query));
  const bool in_query = parameters.contains("X-Amz-Algorithm") ||
                        parameters.contains("X-Amz-Signature") ||
                        parameters.contains("X-Amz-Credential");
  if (headers.size() > 1) return incomplete("more than one authorization header");
  if (!headers.empty() && in_query) {
    return fail(ErrorCode::InvalidArgument, "InvalidArgument",
                "only one of authorization header and signed query is allowed");
  }
  if (!headers.empty()) return from_header(request, headers.front());
  if (in_query) return from_query(request, parameters);
  if (has_version_2_query(request.query)) return invalid_algorithm("AWS2");
  return fail(ErrorCode::PermissionDenied, "MissingAuthenticationToken",
              "request has no authorization header and no signed query");
}

}  // namespace traccia::aws
