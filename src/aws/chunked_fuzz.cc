// Feeds arbitrary bytes to the aws-chunked decoder. The first two bytes say how the body was
// announced.
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string_view>

#include "aws/sigv4_chunked.h"
#include "base/assert.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace aws = traccia::aws;
  if (size < 2) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 2, size - 2);
  aws::ChunkedBody announced{
      .signatures =
          (data[0] & 1) != 0 ? aws::ChunkSignatures::Verified : aws::ChunkSignatures::Absent,
      .trailers = (data[0] & 2) != 0 ? aws::Trailers::Allowed : aws::Trailers::Forbidden,
      .seed_signature = std::string(64, 'a'),
      .signing_key = std::string(32, 'k'),
      .time = "20261124T050607Z",
      .scope = "20261124/us-east-1/s3/aws4_request",
      .decoded_bytes = data[1],
      .declared_trailers = {}};
  if ((data[0] & 6) == 6) announced.declared_trailers = {"x-amz-checksum-crc32"};
  const auto decoded = aws::decode_chunked(body, announced);
  if (!decoded) {
    TRACCIA_ASSERT(decoded.error().reason() == "InvalidChunk");
    return 0;
  }
  TRACCIA_ASSERT(decoded->payload.size() == announced.decoded_bytes);
  TRACCIA_ASSERT(decoded->trailers.size() == announced.declared_trailers.size());
  return 0;
}
