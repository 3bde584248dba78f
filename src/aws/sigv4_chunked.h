// The aws-chunked body coding: chunks with or without signatures, and trailers.
// Source of the rules: S3 API reference, "Signature calculations for the Authorization header:
// transferring payload in multiple chunks" and "... with trailers".
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/sigv4.h"

namespace traccia::aws {

inline constexpr std::string_view kStreamingSigned = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
inline constexpr std::string_view kStreamingSignedTrailer =
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
inline constexpr std::string_view kStreamingUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

enum class ChunkSignatures { Verified, Absent };
enum class Trailers { Forbidden, Allowed };

// How the body was announced; all of it is covered by the seed signature.
struct ChunkedBody {
  ChunkSignatures signatures = ChunkSignatures::Verified;
  Trailers trailers = Trailers::Forbidden;
  std::string seed_signature;  // the request's own
  std::string signing_key;
  std::string time;                            // 20130524T000000Z
  std::string scope;                           // 20130524/us-east-1/s3/aws4_request
  uint64_t decoded_bytes = 0;                  // x-amz-decoded-content-length
  std::vector<std::string> declared_trailers;  // x-amz-trailer, lower case
};

struct DecodedBody {
  std::string payload;
  std::vector<std::pair<std::string, std::string>> trailers;
};

// Reason InvalidChunk: framing, a chunk's or the trailers' signature, a length other than the one
// declared, or trailers other than those declared. A trailer must be a checksum: anything else
// would let an unsigned trailer set a header that the signature should have covered.
Result<DecodedBody> decode_chunked(std::string_view body, const ChunkedBody& announced);

}  // namespace traccia::aws
