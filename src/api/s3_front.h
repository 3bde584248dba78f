// The REST-XML front of the embedded S3.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/s3_call.h"

namespace traccia::api {

// Bucket and key of a request: path-style, or virtual-hosted when Host begins with a bucket's name
// (BUCKET.localhost, BUCKET.s3.…). InvalidArgument when the path is not percent-encoded right.
Result<S3Address> parse_s3_address(const http::Request& request);

// Carries out one authenticated request: the signature is verified, aws-chunked is undone. Errors
// are rendered; every answer carries the headers that keep an object from acting as a page.
http::Response handle_s3(Services& services, const Caller& caller, http::Request request,
                         const aws::RequestId& request_id);

// The headers of every S3 answer, refusals included.
void add_s3_headers(http::Response& response);

}  // namespace traccia::api
