// What SQS's operations have in common: shapes, and how an operation is written down.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "api/queues_and_topics.h"
#include "aws/operation.h"

namespace traccia::api::sqs_service {

using aws::kInteger;
using aws::kString;
using aws::Member;
using aws::Presence;
using aws::Sensitivity;
using aws::Shape;

inline constexpr Member kQueueUrl{"QueueUrl", &kString, Presence::Required};
// Lists and maps are flattened in the Query protocol, under these names.
inline constexpr Shape kNames = aws::list_shape(kString);
inline constexpr Shape kAttributes = [] {
  auto out = aws::map_shape(kString, kString);
  out.entry_key = "Name";
  out.entry_value = "Value";
  return out;
}();
inline constexpr Shape kTags = [] {
  auto out = aws::map_shape(kString, kString);
  out.entry_key = "Key";
  out.entry_value = "Value";
  return out;
}();

// Bodies and values of messages are what senders and receivers have between them.
inline constexpr Shape kBlobs = aws::list_shape(aws::kBlob);
inline constexpr Member kValueMembers[] = {
    {"StringValue", &kString},
    {"BinaryValue", &aws::kBlob},
    {.name = "StringListValues", .shape = &kNames, .flat = "StringListValue"},
    {.name = "BinaryListValues", .shape = &kBlobs, .flat = "BinaryListValue"},
    {"DataType", &kString, Presence::Required}};
inline constexpr Shape kValue = aws::structure_shape(kValueMembers);
inline constexpr Shape kValues = [] {
  auto out = aws::map_shape(kString, kValue);
  out.entry_key = "Name";
  out.entry_value = "Value";
  return out;
}();

inline constexpr Member kFailureMembers[] = {{"Id", &kString, Presence::Required},
                                             {"SenderFault", &aws::kBoolean, Presence::Required},
                                             {"Code", &kString, Presence::Required},
                                             {"Message", &kString}};
inline constexpr Shape kFailure = aws::structure_shape(kFailureMembers);
inline constexpr Shape kFailures = aws::list_shape(kFailure);

inline constexpr aws::Access kOnQueue{.resource = "queue", .named_by = "QueueUrl"};

inline constexpr QueryService kService{"sqs", "sqs.amazonaws.com", "2012-11-05"};

constexpr aws::Operation operation(std::string_view action, const Shape& input, const Shape& output,
                                   std::span<const std::string_view> errors,
                                   const aws::Access& access = kOnQueue) {
  return describe_operation(kService, action, input, output, errors, access);
}
constexpr aws::Operation query(std::string_view action, const Shape& input, const Shape& output,
                               std::span<const std::string_view> errors,
                               const aws::Access& access = kOnQueue) {
  return that_reads(operation(action, input, output, errors, access));
}
constexpr aws::Operation data(std::string_view action, const Shape& input, const Shape& output,
                              std::span<const std::string_view> errors) {
  return of_messages(operation(action, input, output, errors));
}

inline constexpr std::string_view kNoQueue[] = {"QueueDoesNotExist", "InvalidAddress",
                                                "UnsupportedOperation"};

}  // namespace traccia::api::sqs_service
