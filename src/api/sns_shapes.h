// What SNS's operations have in common: shapes, and how an operation is written down.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "api/queues_and_topics.h"
#include "aws/operation.h"

namespace traccia::api::sns_service {

using aws::kString;
using aws::Member;
using aws::Presence;
using aws::Sensitivity;
using aws::Shape;

inline constexpr Member kTopicArn{"TopicArn", &kString, Presence::Required};
inline constexpr Member kSubscriptionArn{"SubscriptionArn", &kString, Presence::Required};
inline constexpr Member kNextToken{"NextToken", &kString};
inline constexpr Shape kNames = aws::list_shape(kString);
inline constexpr Shape kAttributes = aws::map_shape(kString, kString);

inline constexpr Shape kTagKey = aws::string_shape(1, 128);
inline constexpr Shape kTagValue = aws::string_shape(0, 256);
inline constexpr Member kTagMembers[] = {{"Key", &kTagKey, Presence::Required},
                                         {"Value", &kTagValue, Presence::Required}};
inline constexpr Shape kTag = aws::structure_shape(kTagMembers);
inline constexpr Shape kTags = aws::list_shape(kTag);
inline constexpr Shape kTagKeys = aws::list_shape(kTagKey);

inline constexpr Member kValueMembers[] = {{"DataType", &kString, Presence::Required},
                                           {"StringValue", &kString},
                                           {"BinaryValue", &aws::kBlob}};
inline constexpr Shape kValue = aws::structure_shape(kValueMembers);
inline constexpr Shape kValues = [] {
  auto out = aws::map_shape(kString, kValue);
  out.entry_key = "Name";
  out.entry_value = "Value";
  return out;
}();

// Answers with an empty result element, as the model wants it where others have none at all.
inline constexpr Shape kNothing{.type = aws::MemberType::Structure};

inline constexpr std::string_view kTagsInRequest[] = {"aws:RequestTag", "aws:TagKeys"};
inline constexpr std::string_view kTagKeysInRequest[] = {"aws:TagKeys"};
inline constexpr aws::Access kOnTopic{.resource = "topic", .named_by = "TopicArn"};

inline constexpr QueryService kService{"sns", "sns.amazonaws.com", "2010-03-31"};

constexpr aws::Operation operation(std::string_view action, const Shape& input, const Shape& output,
                                   std::span<const std::string_view> errors,
                                   const aws::Access& access = kOnTopic) {
  return describe_operation(kService, action, input, output, errors, access);
}
constexpr aws::Operation query(std::string_view action, const Shape& input, const Shape& output,
                               std::span<const std::string_view> errors,
                               const aws::Access& access = kOnTopic) {
  return that_reads(operation(action, input, output, errors, access));
}
constexpr aws::Operation data(std::string_view action, const Shape& input, const Shape& output,
                              std::span<const std::string_view> errors) {
  return of_messages(operation(action, input, output, errors));
}

inline constexpr std::string_view kTopicErrors[] = {"InvalidParameterException",
                                                    "InternalErrorException", "NotFoundException",
                                                    "AuthorizationErrorException"};

}  // namespace traccia::api::sns_service
