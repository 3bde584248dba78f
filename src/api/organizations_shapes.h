// What Organizations' operations have in common: shapes, forms of ids, and how an operation is
// written down.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "aws/operation.h"

namespace traccia::api::organizations {

using aws::kString;
using aws::kTimestamp;
using aws::Member;
using aws::Presence;
using aws::Sensitivity;
using aws::Shape;

// "PREFIX" and some lower-case letters and digits.
constexpr bool is_id(std::string_view text, std::string_view prefix, size_t min, size_t max) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return text.size() >= min && text.size() <= max && aws::only_characters(text, "a-z0-9");
}
constexpr bool is_account_id(std::string_view text) {
  return text.size() == 12 && aws::only_characters(text, "0-9");
}
constexpr bool is_root_id(std::string_view text) {
  return is_id(text, "r-", 4, 32);
}
constexpr bool is_unit_id(std::string_view text) {
  const auto dash = text.rfind('-');
  return dash != text.npos && dash > 2 && is_id(text.substr(0, dash), "ou-", 4, 32) &&
         is_id(text.substr(dash), "-", 8, 32);
}
constexpr bool is_parent_id(std::string_view text) {
  return is_root_id(text) || is_unit_id(text);
}
constexpr bool is_child_id(std::string_view text) {
  return is_account_id(text) || is_unit_id(text);
}
constexpr bool is_target_id(std::string_view text) {
  return is_parent_id(text) || is_account_id(text);
}
constexpr bool is_policy_id(std::string_view text) {
  return text.starts_with("p-") && text.size() >= 10 && text.size() <= 130 &&
         aws::only_characters(text.substr(2), "0-9a-zA-Z_");
}
constexpr bool is_taggable_id(std::string_view text) {
  return is_target_id(text) || is_policy_id(text);
}
constexpr bool is_handshake_id(std::string_view text) {
  return is_id(text, "h-", 8, 32);
}
constexpr bool is_request_id(std::string_view text) {
  return is_id(text, "car-", 8, 32);
}
constexpr bool is_service(std::string_view text) {
  return !text.empty() && text.size() <= 128 && aws::only_characters(text, "a-zA-Z0-9_+=,.@-");
}
// Something, "@", and something with a dot.
constexpr bool is_email(std::string_view text) {
  const auto at = text.find('@');
  const auto dot = text.rfind('.');
  return text.size() >= 6 && text.size() <= 64 && aws::only_characters(text, "!-~") &&
         at != text.npos && at > 0 && text.rfind('@') == at && dot != text.npos && dot > at + 1 &&
         dot + 1 < text.size();
}
// Of CreateAccount.
constexpr bool is_account_name(std::string_view text) {
  return !text.empty() && text.size() <= 50 && aws::only_characters(text, " -~");
}

inline constexpr Shape kStrings = aws::list_shape(kString);
inline constexpr Member kTagMembers[] = {{"Key", &kString, Presence::Required},
                                         {"Value", &kString, Presence::Required}};
inline constexpr Shape kTag = aws::structure_shape(kTagMembers);
inline constexpr Shape kTags = aws::list_shape(kTag);

inline constexpr Member kPolicyTypeMembers[] = {{"Type", &kString}, {"Status", &kString}};
inline constexpr Shape kPolicyType = aws::structure_shape(kPolicyTypeMembers);
inline constexpr Shape kPolicyTypes = aws::list_shape(kPolicyType);
inline constexpr Member kOrganizationMembers[] = {
    {"Id", &kString},
    {"Arn", &kString},
    {"FeatureSet", &kString},
    {"MasterAccountArn", &kString},
    {"MasterAccountId", &kString},
    {"MasterAccountEmail", &kString, Presence::Optional, Sensitivity::Masked},
    {"AvailablePolicyTypes", &kPolicyTypes}};
inline constexpr Shape kOrganization = aws::structure_shape(kOrganizationMembers);
inline constexpr Member kRootMembers[] = {
    {"Id", &kString}, {"Arn", &kString}, {"Name", &kString}, {"PolicyTypes", &kPolicyTypes}};
inline constexpr Shape kRoot = aws::structure_shape(kRootMembers);
inline constexpr Shape kRoots = aws::list_shape(kRoot);
inline constexpr Member kAccountMembers[] = {
    {"Id", &kString},
    {"Arn", &kString},
    {"Email", &kString, Presence::Optional, Sensitivity::Masked},
    {"Name", &kString, Presence::Optional, Sensitivity::Masked},
    {"Status", &kString},
    {"State", &kString},
    {"Paths", &kStrings},
    {"JoinedMethod", &kString},
    {"JoinedTimestamp", &kTimestamp}};
inline constexpr Shape kAccount = aws::structure_shape(kAccountMembers);
inline constexpr Shape kAccounts = aws::list_shape(kAccount);
inline constexpr Member kUnitMembers[] = {
    {"Id", &kString}, {"Arn", &kString}, {"Name", &kString}, {"Path", &kString}};
inline constexpr Shape kUnit = aws::structure_shape(kUnitMembers);
inline constexpr Shape kUnits = aws::list_shape(kUnit);

inline constexpr std::string_view kTagKeys[] = {"aws:RequestTag", "aws:TagKeys"};
inline constexpr std::string_view kUntagKeys[] = {"aws:TagKeys"};
inline constexpr std::string_view kTypeKeys[] = {"organizations:PolicyType"};
inline constexpr std::string_view kServiceKeys[] = {"organizations:ServicePrincipal"};
inline constexpr std::string_view kMakePolicyKeys[] = {"organizations:PolicyType", "aws:RequestTag",
                                                       "aws:TagKeys"};
inline constexpr std::string_view kTagging = "organizations:TagResource";

// The node, policy or handshake that this member names.
constexpr aws::Access on(std::string_view member, std::span<const std::string_view> keys = {}) {
  return {.resource = "resource", .named_by = member, .keys = keys};
}
// What has no resource of its own.
constexpr aws::Access with(std::span<const std::string_view> keys,
                           std::string_view tag_action = {}) {
  return {.keys = keys, .tag_action = tag_action};
}

// `action` is "organizations:CreatePolicy"; the operation's name follows the colon.
constexpr aws::Operation operation(std::string_view action, const Shape& input, const Shape& output,
                                   std::span<const std::string_view> errors,
                                   const aws::Access& access) {
  return {.service = "organizations",
          .event_source = "organizations.amazonaws.com",
          .name = action.substr(action.find(':') + 1),
          .api_version = "2016-11-28",
          .reach = aws::Reach::Global,
          .iam_action = action,
          .access = access,
          .input = &input,
          .output = &output,
          .errors = errors};
}
constexpr aws::Operation change(std::string_view action, const Shape& input, const Shape& output,
                                std::span<const std::string_view> errors,
                                const aws::Access& access = {}) {
  return operation(action, input, output, errors, access);
}
constexpr aws::Operation query(std::string_view action, const Shape& input, const Shape& output,
                               std::span<const std::string_view> errors,
                               const aws::Access& access = {}) {
  auto out = operation(action, input, output, errors, access);
  out.read_only = true;
  return out;
}

inline constexpr std::string_view kAccessDenied = "AccessDeniedException";
inline constexpr std::string_view kNotInUse = "AWSOrganizationsNotInUseException";
inline constexpr std::string_view kInvalidInput = "InvalidInputException";
inline constexpr std::string_view kConstraint = "ConstraintViolationException";
inline constexpr std::string_view kAccountNotFound = "AccountNotFoundException";
inline constexpr std::string_view kParentNotFound = "ParentNotFoundException";
inline constexpr std::string_view kTargetNotFound = "TargetNotFoundException";
inline constexpr std::string_view kPolicyNotFound = "PolicyNotFoundException";

// Pages: behind the members that an operation has of its own.
inline constexpr Member kNextToken{"NextToken", &kString};
inline constexpr Member kMaxResults{"MaxResults", &aws::kInteger};

}  // namespace traccia::api::organizations
