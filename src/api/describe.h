// The operations' descriptions as a document, for documentation and for comparing with AWS's
// models. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "json/json.h"

namespace traccia::api {

// One object an operation: service, name, protocol, apiVersion, readOnly, action, errors, input and
// output shapes.
json::Array describe_operations();

// docs/operations.md: every operation and header, S3's included, as tables.
std::string operations_page();

}  // namespace traccia::api
