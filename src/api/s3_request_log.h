// Which records the access logs of buckets get of a request.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "api/s3_access_record.h"
#include "api/s3_call.h"
#include "api/service_objects.h"

namespace traccia::api {

// What S3 calls a request: "REST.PUT.PART". `mark` is the query parameter that says what it is
// about, `copies` whether it names a source.
std::string log_operation(std::string_view method, S3Level level, std::string_view mark,
                          bool copies);

// A request that was answered.
struct S3Answered {
  Time arrived;
  const Caller& caller;
  const http::Request& request;
  const S3Address& address;
  const aws::RequestId& request_id;
  const S3Call* call;      // nullptr: it came to none
  std::string_view error;  // its code; empty: it succeeded
  // The log of its bucket when it came, where it had one then.
  std::shared_ptr<const LoggedBucket> logged = nullptr;
};
// Once the answer is out, it is in the logs of the buckets that it was about: one record, one more
// for each key of DeleteObjects, and one in the log of a copy's source.
void log_request(AccessLogs& logs, const S3Answered& answered, http::Response& response);

// The PUT of a service, which `error` refused unless it is nullptr.
void log_service_put(Services& services, const ServiceObject& object, const Error* error);

}  // namespace traccia::api
