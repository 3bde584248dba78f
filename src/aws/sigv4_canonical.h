// The canonical forms that Signature Version 4 hashes. Total functions: whatever the bytes, there
// is a canonical form, and a malformed request simply has one that nobody signed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aws/sigv4.h"

namespace traccia::aws {

inline constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
inline constexpr std::string_view kScopeEnd = "aws4_request";
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";

// S3 names objects by the path, so it decodes and encodes once and keeps dots and double slashes.
// Every other service resolves dot segments, folds slashes and encodes the path as sent once more.
std::string canonical_path(std::string_view path, std::string_view service);

// Encoded pairs ordered by name, then value, without X-Amz-Signature. Plus is an ordinary
// character.
std::string canonical_query(std::string_view query);

// "name:value\n" for each of `names` (sorted, lower case): repeated fields joined by a comma, outer
// space trimmed, inner runs of space folded into one. A name the request lacks has an empty value.
std::string canonical_headers(const http::Headers& headers, std::span<const std::string> names);

// "20150830/us-east-1/service/aws4_request"
std::string scope_text(const Scope& scope);

// What the signature is computed over; `names` as for canonical_headers.
std::string string_to_sign(const http::Request& request, std::span<const std::string> names,
                           std::string_view payload_hash, Time time, const Scope& scope);

std::string to_lower(std::string_view text);

}  // namespace traccia::aws
