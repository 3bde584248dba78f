// An API's errors on the wire: the envelope of each protocol, and request ids.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/operation.h"
#include "http/message.h"

namespace traccia::aws {

// What the client is told. `message` is AWS's wording, not the house's.
struct ApiError {
  std::string name;  // "TrailNotFoundException", "NoSuchKey"
  int status = 400;
  std::string message;
  // S3 and JSON: further elements in order, such as Key, BucketName, Resource; Reason.
  std::vector<std::pair<std::string, std::string>> details = {};
};

struct RequestId {
  std::string id;       // a UUID; S3: 16 upper-case hexadecimal digits
  std::string host_id;  // S3 only: base64
};

// aws has no source of randomness of its own: the caller brings the bytes, kRequestIdBytes of them.
inline constexpr size_t kRequestIdBytes = 64;
RequestId make_request_id(Protocol protocol, std::string_view random_bytes);

// Adds the headers by which clients report the request: x-amzn-RequestId, or x-amz-request-id and
// x-amz-id-2 for S3.
void add_request_id(http::Response& response, Protocol protocol, const RequestId& request_id);

// The whole answer: status, content type, request id headers and envelope. An error of status 5xx
// is the receiver's fault, any other the sender's. The answer to HEAD must lose its body.
http::Response render_error(Protocol protocol, const ApiError& error, const RequestId& request_id);

}  // namespace traccia::aws
