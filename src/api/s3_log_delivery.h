// Access logs on their way into buckets.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "api/s3_access_logs.h"
#include "api/services.h"

namespace traccia::api {

// Puts what is over into the target buckets, as the service logging.s3.amazonaws.com on behalf of
// the bucket that is logged; `Take::All`: for the end, all that was there when it began, which is
// tried once. For one thread at a time. What is refused is told to the log.
void deliver_access_logs(Services& services, AccessLogs::Take which);

// "Log object key format". `unique` is 16 characters.
std::string log_object_key(const LogBatch& batch, Time now, std::string_view unique);

}  // namespace traccia::api
