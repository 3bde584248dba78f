// What SQS's and SNS's operations have in common.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/operation_call.h"
#include "aws/operation.h"
#include "base/error.h"
#include "json/json.h"
#include "meta/database.h"

namespace traccia::api {

struct QueryService {
  std::string_view name, event_source, version;
};

// `action` is "sqs:CreateQueue", as the service's messages spell it; the operation's name follows
// the colon. SQS takes JSON 1.0 too, with the same names.
constexpr aws::Operation describe_operation(const QueryService& service, std::string_view action,
                                            const aws::Shape& input, const aws::Shape& output,
                                            std::span<const std::string_view> errors,
                                            const aws::Access& access) {
  return {.service = service.name,
          .event_source = service.event_source,
          .name = action.substr(action.find(':') + 1),
          .protocol = aws::Protocol::Query,
          .api_version = service.version,
          .iam_action = action,
          .access = access,
          .input = &input,
          .output = &output,
          .errors = errors};
}
constexpr aws::Operation that_reads(aws::Operation operation) {
  operation.read_only = true;
  return operation;
}
// Events of messages are data events ("Logging data events").
constexpr aws::Operation of_messages(aws::Operation operation) {
  operation.category = aws::EventCategory::Data;
  return operation;
}

// A map's or a list's texts; none where the input has no such member.
std::map<std::string, std::string, std::less<>> texts_of(const json::Object& input,
                                                         std::string_view member);
std::vector<std::string> list_of(const json::Object& input, std::string_view member);

// Of operations whose Attributes may name a KMS key: make_managed_key().
Result<Prepared> prepare_attributes(Services& services, const Caller& caller,
                                    const json::Object& input);

// A stored policy with its principals as they are shown and its statements in a list, for a change.
Result<json::Object> policy_for_change(meta::Transaction& transaction, std::string_view stored);
// The statement of that label, in its list; the list's end where there is none.
json::Array::iterator find_labelled(json::Object& policy, std::string_view label);

}  // namespace traccia::api
