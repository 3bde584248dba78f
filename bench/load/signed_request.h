// Requests signed as a client of AWS signs them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "aws/sigv4.h"

namespace traccia::load {

// From AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.
aws::Credentials credentials_of_environment();

// A POST to the server on that port of this machine. Its path and body, and further headers, are
// the caller's to fill in.
http::Request post_request(uint16_t port, std::string_view content_type);

// Signs for `service` at the present time; what goes before the body on the wire. Its length is the
// same whenever that of the body is.
std::string signed_head(http::Request& request, const aws::Credentials& credentials,
                        std::string_view service);

}  // namespace traccia::load
