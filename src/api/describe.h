// The operations' descriptions as a document, for documentation and for comparing with AWS's
// models. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "json/json.h"

namespace traccia::api {

// One object an operation: service, name, protocol, apiVersion, readOnly, action, errors, input and
// output shapes.
json::Array describe_operations();

}  // namespace traccia::api
