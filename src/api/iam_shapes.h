// What IAM's operations have in common: shapes, and how an operation is written down.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "aws/operation.h"
#include "identity/entities.h"

namespace traccia::api::iam {

using aws::kBoolean;
using aws::kInteger;
using aws::kString;
using aws::kTimestamp;
using aws::Member;
using aws::Presence;
using aws::Sensitivity;
using aws::Shape;
using identity::EntityKind;

// U+0009, U+000A, U+000D, U+0020 to U+00FF; of UTF-8.
constexpr bool is_latin_text(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool two_bytes = (c == 0xC2 || c == 0xC3) && i + 1 < text.size();
    if (two_bytes) {
      ++i;
    } else if (c >= 0x80 || (c < 0x20 && c != '\t' && c != '\n' && c != '\r')) {
      return false;
    }
  }
  return true;
}

// Letters, digits, spaces of any script (taken as they come beyond ASCII) and some signs.
constexpr bool is_tag_text(std::string_view text) {
  for (const char c : text) {
    const bool ascii = static_cast<unsigned char>(c) < 0x80;
    if (ascii && !aws::only_characters({&c, 1}, "a-zA-Z0-9 _.:/=+@-")) return false;
  }
  return true;
}

// "/" or "/a/b/", of visible ASCII.
constexpr bool is_path(std::string_view text) {
  return text.starts_with('/') && text.ends_with('/') && text != "//" &&
         aws::only_characters(text, "!-~");
}

// Slashes around segments that are not empty.
constexpr bool is_policy_path(std::string_view text) {
  return text.starts_with('/') && text.ends_with('/') && text.find("//") == text.npos &&
         aws::only_characters(text, "a-zA-Z0-9/.,+@=_-");
}

inline constexpr aws::Pattern kNamePattern{
    "[\\w+=,.@-]+",
    [](std::string_view text) { return aws::only_characters(text, "a-zA-Z0-9_+=,.@-"); },
    "It must contain only alphanumeric characters and/or the following: +=,.@_-"};
inline constexpr aws::Pattern kPathPattern{
    "(\\u002F)|(\\u002F[\\u0021-\\u007E]+\\u002F)", is_path,
    "It must begin and end with / and contain only alphanumeric characters and/or / characters."};
inline constexpr aws::Pattern kDocumentPattern{"[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+",
                                               is_latin_text,
                                               "It must contain only printable ASCII characters."};
inline constexpr aws::Pattern kIdPattern{
    "[\\w]+", [](std::string_view text) { return aws::only_characters(text, "a-zA-Z0-9_"); }};

inline constexpr Shape kName64 = aws::string_shape(1, 64, kNamePattern);
inline constexpr Shape kName128 = aws::string_shape(1, 128, kNamePattern);
inline constexpr Shape kPath = aws::string_shape(1, 512, kPathPattern);
inline constexpr Shape kPathPrefix = aws::string_shape(
    1, 512, {"\\u002F[\\u0021-\\u007F]*", [](std::string_view text) {
               return text.starts_with('/') && aws::only_characters(text, "!-\x7F");
             }});
inline constexpr Shape kPolicyPath =
    aws::string_shape(1, 512, {"((/[A-Za-z0-9\\.,\\+@=_-]+)*)/", is_policy_path});
inline constexpr Shape kDocument = aws::string_shape(1, 131'072, kDocumentPattern);
inline constexpr Shape kArn = aws::string_shape(20, 2048);
inline constexpr Shape kSerialNumber =
    aws::string_shape(9, 256, {"[\\w+=/:,.@-]+", [](std::string_view text) {
                                 return aws::only_characters(text, "a-zA-Z0-9_+=/:,.@-");
                               }});
inline constexpr Shape kKeyId = aws::string_shape(16, 128, kIdPattern);
inline constexpr Shape kMarker = aws::string_shape(1, 320, {"[\\u0020-\\u00FF]+", is_latin_text});
inline constexpr Shape kMaxItems = aws::integer_shape(1, 1000);

inline constexpr Shape kTagKey =
    aws::string_shape(1, 128, {"[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+", is_tag_text});
inline constexpr Shape kTagValue =
    aws::string_shape(0, 256, {"[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*", is_tag_text});
inline constexpr Member kTagMembers[] = {{"Key", &kTagKey, Presence::Required},
                                         {"Value", &kTagValue, Presence::Required}};
inline constexpr Shape kTag = aws::structure_shape(kTagMembers);
inline constexpr Shape kTags = aws::list_shape(kTag, {}, 50);
inline constexpr Shape kTagKeys = aws::list_shape(kTagKey, {}, 50);

inline constexpr std::string_view kBoundaryTypes[] = {"PermissionsBoundaryPolicy"};
inline constexpr Shape kBoundaryType = aws::enum_shape(kBoundaryTypes);
inline constexpr Member kBoundaryMembers[] = {{"PermissionsBoundaryType", &kBoundaryType},
                                              {"PermissionsBoundaryArn", &kString}};
inline constexpr Shape kBoundary = aws::structure_shape(kBoundaryMembers);

inline constexpr Member kUserMembers[] = {{"Path", &kString, Presence::Required},
                                          {"UserName", &kString, Presence::Required},
                                          {"UserId", &kString, Presence::Required},
                                          {"Arn", &kString, Presence::Required},
                                          {"CreateDate", &kTimestamp, Presence::Required},
                                          {"PasswordLastUsed", &kTimestamp},
                                          {"PermissionsBoundary", &kBoundary},
                                          {"Tags", &kTags}};
inline constexpr Shape kUser = aws::structure_shape(kUserMembers);
inline constexpr Shape kUsers = aws::list_shape(kUser);
inline constexpr Member kGroupMembers[] = {{"Path", &kString, Presence::Required},
                                           {"GroupName", &kString, Presence::Required},
                                           {"GroupId", &kString, Presence::Required},
                                           {"Arn", &kString, Presence::Required},
                                           {"CreateDate", &kTimestamp, Presence::Required}};
inline constexpr Shape kGroup = aws::structure_shape(kGroupMembers);
inline constexpr Shape kGroups = aws::list_shape(kGroup);

inline constexpr Member kUsedMembers[] = {{"LastUsedDate", &kTimestamp}, {"Region", &kString}};
inline constexpr Shape kUsed = aws::structure_shape(kUsedMembers);
inline constexpr Member kRoleMembers[] = {{"Path", &kString, Presence::Required},
                                          {"RoleName", &kString, Presence::Required},
                                          {"RoleId", &kString, Presence::Required},
                                          {"Arn", &kString, Presence::Required},
                                          {"CreateDate", &kTimestamp, Presence::Required},
                                          {"AssumeRolePolicyDocument", &kString},
                                          {"Description", &kString},
                                          {"MaxSessionDuration", &kInteger},
                                          {"PermissionsBoundary", &kBoundary},
                                          {"Tags", &kTags},
                                          {"RoleLastUsed", &kUsed}};
inline constexpr Shape kRole = aws::structure_shape(kRoleMembers);
inline constexpr Shape kRoles = aws::list_shape(kRole);

inline constexpr Member kVersionMembers[] = {{"Document", &kString},
                                             {"VersionId", &kString},
                                             {"IsDefaultVersion", &kBoolean},
                                             {"CreateDate", &kTimestamp}};
inline constexpr Shape kVersion = aws::structure_shape(kVersionMembers);
inline constexpr Shape kVersions = aws::list_shape(kVersion);

constexpr std::string_view pick(EntityKind kind, std::string_view user, std::string_view group,
                                std::string_view role) {
  switch (kind) {
    case EntityKind::User:
      return user;
    case EntityKind::Group:
      return group;
    case EntityKind::Role:
      return role;
    case EntityKind::Root:  // no request names it
      break;
  }
  return {};
}
constexpr std::string_view name_member(EntityKind kind) {
  return pick(kind, "UserName", "GroupName", "RoleName");
}

inline constexpr std::string_view kBoundaryKeys[] = {"iam:PermissionsBoundary"};
inline constexpr std::string_view kPolicyKeys[] = {"iam:PolicyARN"};
inline constexpr std::string_view kAttachKeys[] = {"iam:PolicyARN", "iam:PermissionsBoundary"};
inline constexpr std::string_view kTagsInRequest[] = {"aws:RequestTag", "aws:TagKeys"};
inline constexpr std::string_view kTagKeysInRequest[] = {"aws:TagKeys"};
inline constexpr std::string_view kMakeKeys[] = {"aws:RequestTag", "aws:TagKeys",
                                                 "iam:PermissionsBoundary"};

constexpr std::string_view entity_type(EntityKind kind) {
  return pick(kind, "user", "group", "role");
}
// Users, groups and roles by name.
constexpr aws::Access on(EntityKind kind, std::span<const std::string_view> keys = {}) {
  return {.resource = entity_type(kind), .named_by = name_member(kind), .keys = keys};
}
// Lists are authorised on the path.
constexpr aws::Access on_path(EntityKind kind) {
  return {.resource = entity_type(kind), .named_by = "PathPrefix"};
}
constexpr aws::Access on_policy(std::span<const std::string_view> keys = {}) {
  return {.resource = "policy", .named_by = "PolicyArn", .keys = keys};
}
constexpr aws::Access on_mfa_device(std::span<const std::string_view> keys = {}) {
  return {.resource = "mfa", .named_by = "SerialNumber", .keys = keys};
}
inline constexpr aws::Access kOnAll{};

// `action` is "iam:CreateUser"; the operation's name follows the colon.
constexpr aws::Operation operation(std::string_view action, const aws::Access& access,
                                   const Shape& input, const Shape& output,
                                   std::span<const std::string_view> errors) {
  return {.service = "iam",
          .event_source = "iam.amazonaws.com",
          .name = action.substr(4),
          .protocol = aws::Protocol::Query,
          .api_version = "2010-05-08",
          .reach = aws::Reach::Global,
          .iam_action = action,
          .access = access,
          .input = &input,
          .output = &output,
          .errors = errors};
}
constexpr aws::Operation change(std::string_view action, const aws::Access& access,
                                const Shape& input, const Shape& output,
                                std::span<const std::string_view> errors) {
  return operation(action, access, input, output, errors);
}
constexpr aws::Operation query(std::string_view action, const aws::Access& access,
                               const Shape& input, const Shape& output,
                               std::span<const std::string_view> errors = {}) {
  auto out = operation(action, access, input, output, errors);
  out.read_only = true;
  return out;
}

inline constexpr std::string_view kNoSuchEntity = "NoSuchEntityException";
inline constexpr std::string_view kAlreadyExists = "EntityAlreadyExistsException";
inline constexpr std::string_view kLimitExceeded = "LimitExceededException";
inline constexpr std::string_view kDeleteConflict = "DeleteConflictException";
inline constexpr std::string_view kInvalidInput = "InvalidInputException";
inline constexpr std::string_view kMalformedDocument = "MalformedPolicyDocumentException";
inline constexpr std::string_view kPasswordViolation = "PasswordPolicyViolationException";
inline constexpr std::string_view kUnmodifiable = "EntityTemporarilyUnmodifiableException";
inline constexpr std::string_view kProtected = "UnmodifiableEntityException";
inline constexpr std::string_view kNotAttachable = "PolicyNotAttachableException";
inline constexpr std::string_view kReadErrors[] = {kNoSuchEntity};
// Of changes; only roles can be service-linked.
inline constexpr std::string_view kChangeErrors[] = {kNoSuchEntity, kProtected};
// All of `names` for roles; for users and groups without the last one, kProtected.
constexpr std::span<const std::string_view> of_kind(EntityKind kind,
                                                    std::span<const std::string_view> names) {
  return kind == EntityKind::Role ? names : names.first(names.size() - 1);
}

}  // namespace traccia::api::iam
