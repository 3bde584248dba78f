// The services of the port and their operations: one row a service.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "api/operation_call.h"

namespace traccia::api {

struct ServiceEntry {
  std::string_view name;  // signing name
  aws::Protocol protocol;
  std::span<const Binding> (*bindings)();        // S3's operations lie in s3_call.h
  std::array<std::string_view, 2> targets = {};  // what may stand before X-Amz-Target's operation
  std::string_view xmlns = {};                   // of Query answers
  // JSON 1.0, with Query for requests without X-Amz-Target: SQS ("awsQueryCompatible").
  bool query_too = false;
  // What its answers call AccessDenied; empty: just that.
  std::string_view denied = {};

  // nullptr for an unknown name.
  const Binding* find(std::string_view operation) const;
};

std::span<const ServiceEntry> service_table();
// nullptr for an unknown name.
const ServiceEntry* find_service(std::string_view name);

}  // namespace traccia::api
