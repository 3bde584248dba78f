// Members that several CloudTrail operations share, as its model describes them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aws/operation.h"

namespace traccia::api::cloudtrail {

using aws::kBoolean;
using aws::kString;
using aws::kTimestamp;
using aws::Member;
using aws::Presence;
using aws::Shape;

inline constexpr std::string_view kService = "cloudtrail";
inline constexpr std::string_view kSource = "cloudtrail.amazonaws.com";
inline constexpr std::string_view kVersion = "2013-11-01";

// Trails are named by name or ARN.
constexpr aws::Access on_trail(std::string_view named_by,
                               std::span<const std::string_view> keys = {}) {
  return {.resource = "trail", .named_by = named_by, .keys = keys};
}
inline constexpr std::string_view kTagsInRequest[] = {"aws:RequestTag", "aws:TagKeys"};
inline constexpr std::string_view kTagKeysInRequest[] = {"aws:TagKeys"};

inline constexpr Shape kStrings = aws::list_shape(kString);

inline constexpr Shape kTagKey = aws::string_shape(1, 128);
inline constexpr Shape kTagValue = aws::string_shape(1, 256);
inline constexpr Member kTagMembers[] = {{"Key", &kTagKey, Presence::Required},
                                         {"Value", &kTagValue}};
inline constexpr Shape kTag = aws::structure_shape(kTagMembers);
inline constexpr Shape kTags = aws::list_shape(kTag, {}, 200);

inline constexpr Member kDataResourceMembers[] = {{"Type", &kString}, {"Values", &kStrings}};
inline constexpr Shape kDataResource = aws::structure_shape(kDataResourceMembers);
inline constexpr Shape kDataResources = aws::list_shape(kDataResource);
inline constexpr std::string_view kReadWriteTypes[] = {"ReadOnly", "WriteOnly", "All"};
inline constexpr Shape kReadWriteType = aws::enum_shape(kReadWriteTypes);
inline constexpr Member kEventSelectorMembers[] = {{"ReadWriteType", &kReadWriteType},
                                                   {"IncludeManagementEvents", &kBoolean},
                                                   {"DataResources", &kDataResources},
                                                   {"ExcludeManagementEventSources", &kStrings}};
inline constexpr Shape kEventSelector = aws::structure_shape(kEventSelectorMembers);
inline constexpr Shape kEventSelectors = aws::list_shape(kEventSelector);

inline constexpr aws::Pattern kFieldNamePattern{R"([\w|\d|\.|_]+)", [](std::string_view text) {
                                                  return !text.empty() &&
                                                         aws::only_characters(text, "a-zA-Z0-9_.|");
                                                }};
inline constexpr aws::Pattern kOperandPattern{
    ".+",
    [](std::string_view text) { return !text.empty() && text.find_first_of("\r\n") == text.npos; }};
inline constexpr Shape kOperand = aws::string_shape(1, 2048, kOperandPattern);
inline constexpr Shape kOperator = aws::list_shape(kOperand, 1);
inline constexpr Shape kFieldName = aws::string_shape(1, 1000, kFieldNamePattern);
inline constexpr Member kFieldSelectorMembers[] = {{"Field", &kFieldName, Presence::Required},
                                                   {"Equals", &kOperator},
                                                   {"StartsWith", &kOperator},
                                                   {"EndsWith", &kOperator},
                                                   {"NotEquals", &kOperator},
                                                   {"NotStartsWith", &kOperator},
                                                   {"NotEndsWith", &kOperator}};
inline constexpr Shape kFieldSelector = aws::structure_shape(kFieldSelectorMembers);
inline constexpr Shape kFieldSelectors = aws::list_shape(kFieldSelector, 1);
inline constexpr Shape kSelectorName = aws::string_shape(0, 1000);
inline constexpr Member kAdvancedSelectorMembers[] = {
    {"Name", &kSelectorName}, {"FieldSelectors", &kFieldSelectors, Presence::Required}};
inline constexpr Shape kAdvancedSelector = aws::structure_shape(kAdvancedSelectorMembers);
inline constexpr Shape kAdvancedSelectors = aws::list_shape(kAdvancedSelector);

// The Trail structure: members that CreateTrail and UpdateTrail answer come first.
#define TRACCIA_TRAIL_ANSWER_MEMBERS                                                \
  {"Name", &kString}, {"S3BucketName", &kString}, {"S3KeyPrefix", &kString},        \
      {"SnsTopicName", &kString}, {"SnsTopicARN", &kString},                        \
      {"IncludeGlobalServiceEvents", &kBoolean}, {"IsMultiRegionTrail", &kBoolean}, \
      {"TrailARN", &kString}, {"LogFileValidationEnabled", &kBoolean},              \
      {"CloudWatchLogsLogGroupArn", &kString}, {"CloudWatchLogsRoleArn", &kString}, \
      {"KmsKeyId", &kString}, {"IsOrganizationTrail", &kBoolean}, {                 \
    "RecursiveLogging", &kBoolean                                                   \
  }
inline constexpr Member kTrailAnswerMembers[] = {TRACCIA_TRAIL_ANSWER_MEMBERS};
inline constexpr Shape kTrailAnswer = aws::structure_shape(kTrailAnswerMembers);
inline constexpr Member kTrailMembers[] = {TRACCIA_TRAIL_ANSWER_MEMBERS,
                                           {"HomeRegion", &kString},
                                           {"HasCustomEventSelectors", &kBoolean},
                                           {"HasInsightSelectors", &kBoolean}};
inline constexpr Shape kTrail = aws::structure_shape(kTrailMembers);
#undef TRACCIA_TRAIL_ANSWER_MEMBERS
inline constexpr Shape kTrails = aws::list_shape(kTrail);

}  // namespace traccia::api::cloudtrail
