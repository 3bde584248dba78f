// The headers of S3's requests and answers as data: what is read, what is refused, what is told.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

namespace traccia::api {

// A name that ends in "*" stands for all that begin with it.
struct S3Header {
  std::string_view name;
  std::string_view operations;  // for people
};

// What requests may say beside what every HTTP request does.
std::span<const S3Header> s3_request_headers();
std::span<const S3Header> s3_answer_headers();

// Headers that ask for what this server does not do: refused rather than overlooked. By prefix.
struct S3RefusedHeader {
  std::string_view prefix;
  std::string_view reason;
};
inline constexpr std::string_view kMfaHeader = "x-amz-mfa";  // but not as a query parameter
std::span<const S3RefusedHeader> s3_refused_headers();

}  // namespace traccia::api
