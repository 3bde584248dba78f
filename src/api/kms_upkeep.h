// What KMS does by itself, as time goes by.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/services.h"

namespace traccia::api {

// Removes the keys whose deletion is due, and records DeleteKey of each; how many there were.
// Durable, with its events, on return.
Result<size_t> remove_due_keys(Services& services);

}  // namespace traccia::api
