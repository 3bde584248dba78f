// Conditional requests and ranges (RFC 9110) over stored objects.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "api/s3_call.h"

namespace traccia::api {

// The ETag without its quotes.
std::string unquoted(std::string_view etag);

// Entity tags decide before dates (section 13.2.2). 200, 304 or 412. `prefix` comes before each
// header's name: "" or "x-amz-copy-source-".
int judge_conditions(const S3Call& call, const s3::ObjectInfo& object, std::string_view prefix);

struct ByteRange {
  uint64_t offset = 0;
  uint64_t count = 0;
  bool partial = false;
};

// One range "bytes=…"; what is not understood is ignored, as S3 does. InvalidRange.
Result<ByteRange> parse_range(std::string_view text, uint64_t size);

}  // namespace traccia::api
