// From the house's errors to what AWS's clients are told.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "aws/error.h"
#include "aws/operation.h"
#include "base/error.h"

namespace traccia::api {

// The name, status and text that the protocol's clients know for the error's reason. Errors without
// a reason are the server's own trouble: InternalFailure or ServiceUnavailable, details withheld.
aws::ApiError to_api_error(const Error& error, aws::Protocol protocol);

// errorCode of the call's audit event.
std::string audit_error_code(const aws::ApiError& error);

// What the Query protocol calls an error of SQS that its JSON protocol calls `name`
// ("awsQueryError" of its model).
std::string_view query_code_of(std::string_view name);

}  // namespace traccia::api
