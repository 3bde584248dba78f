// The audit trail's own events: how a call to this server becomes a CloudTrail record.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "event/record.h"
#include "http/message.h"
#include "identity/identity.h"
#include "ingest/ingest.h"
#include "json/json.h"
#include "os/os.h"

namespace traccia::api {

// Who calls, from where; fixed before the operation runs.
struct Caller {
  identity::Principal principal;
  std::string region;  // of the request's signature
  // Of a service that acts on behalf of a resource: its ARN.
  std::string source_arn;
  std::string source_account;  // where that ARN tells none: of a bucket
  // A service that makes the call on the principal's behalf: "s3".
  std::string via_service;
  std::string source_ip;
  std::string user_agent;
  std::string host;
  std::string request_id;
  std::optional<http::Tls> tls;
};

// A condition key of the operation: "s3:prefix". A name that comes more than once is one key with
// several values.
struct ContextKey {
  std::string_view name;
  std::string_view value;
};

// What happened, as one record tells it.
struct AuditEvent {
  std::string event_id;  // made when empty
  std::string source;    // "cloudtrail.amazonaws.com"
  std::string name;
  std::string region;
  std::string api_version;
  std::string account;  // recipientAccountId; the caller's when empty
  std::string_view type = "AwsApiCall";
  event::Category category = event::Category::Management;
  bool read_only = false;
  std::string error_code, error_message;  // of a sign-in the message only
  json::Value user_identity;              // object, or null: of the caller's principal
  json::Value request_parameters;         // object or null
  json::Value response_elements;          // object or null
  json::Value additional_event_data;
  json::Value service_event_details;  // object or null
  json::Value resources;              // array or null
  std::string shared_event_id;        // of an event that two accounts are told
};

// Members in the order CloudTrail writes them (facts 2.1); the result passes event::admit.
Result<ingest::Draft> audit_draft(os::Os os, Time time, const Caller& caller,
                                  const AuditEvent& event);

// A service acting by itself on behalf of a resource. `account` is whom the events of what it does
// are told.
Caller service_caller(std::string_view service, std::string_view source_arn,
                      std::string_view account, std::string_view region, std::string request_id);
// CloudTrail on behalf of a trail; the account is the bucket owner's.
Caller cloudtrail_service(std::string_view trail_arn, std::string_view account,
                          std::string_view region, std::string request_id);

// What a service does by itself in an account, with no call of its API behind it.
struct ServiceEvent {
  std::string_view service;  // "organizations.amazonaws.com"
  std::string_view account;
  std::string_view region;
  std::string_view name;
  json::Object details;
  json::Value resources = {};  // array or null
  // Who did it, where not the service as a caller: "AWS Internal".
  std::string_view actor = {};
};
Result<ingest::Draft> service_event_draft(os::Os os, Time time, ServiceEvent event);

// A UUID that depends on the text only, so that a replay gives the same eventID.
std::string derived_event_id(std::string_view text);

}  // namespace traccia::api
