// What STS's operations do alike: shapes, what limits a session, the credentials they give out.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "api/iam_shapes.h"
#include "api/operation_call.h"
#include "identity/sessions.h"

namespace traccia::api::sts {

using aws::kInteger;
using aws::kString;
using aws::kTimestamp;
using aws::Member;
using aws::Presence;
using aws::Sensitivity;
using aws::Shape;
using iam::kSerialNumber;

// Every operation, by family.
std::span<const Binding> identity_bindings();
std::span<const Binding> assume_role_bindings();
std::span<const Binding> session_token_bindings();
std::span<const Binding> web_identity_bindings();

inline constexpr std::string_view kNameSet = "a-zA-Z0-9_+=,.@-";
constexpr bool is_name(std::string_view text) {
  return aws::only_characters(text, kNameSet);
}
inline constexpr aws::Pattern kNamePattern{"[\\w+=,.@-]*", is_name};

inline constexpr Shape kArn = aws::string_shape(20, 2048);
inline constexpr Shape kSessionName = aws::string_shape(2, 64, kNamePattern);
inline constexpr Shape kSourceIdentity = aws::string_shape(2, 64, kNamePattern);
inline constexpr Shape kSessionPolicy =
    aws::string_shape(1, {}, {"[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+", iam::is_latin_text});
inline constexpr Member kPolicyArnMembers[] = {{"arn", &kArn}};
inline constexpr Shape kPolicyArn = aws::structure_shape(kPolicyArnMembers);
inline constexpr Shape kPolicyArns = aws::list_shape(kPolicyArn, {}, 10);
inline constexpr Shape kTokenCode = aws::string_shape(
    6, 6, {"[\\d]*", [](std::string_view text) { return aws::only_characters(text, "0-9"); }});

inline constexpr Shape kTokenSizeMin =
    aws::integer_shape(0, static_cast<int64_t>(identity::kTokenBytesMin));

inline constexpr Member kCredentialsMembers[] = {
    {"AccessKeyId", &kString, Presence::Required},
    {"SecretAccessKey", &kString, Presence::Required, Sensitivity::Secret},
    {"SessionToken", &kString, Presence::Required, Sensitivity::Secret},
    {"Expiration", &kTimestamp, Presence::Required}};
inline constexpr Shape kCredentials = aws::structure_shape(kCredentialsMembers);

// `action` is "sts:AssumeRole"; the operation's name follows the colon.
constexpr aws::Operation operation(std::string_view action, const Shape& input, const Shape& output,
                                   std::span<const std::string_view> errors = {}) {
  return {.service = "sts",
          .event_source = "sts.amazonaws.com",
          .name = action.substr(4),
          .protocol = aws::Protocol::Query,
          .api_version = "2011-06-15",
          .iam_action = action,
          .input = &input,
          .output = &output,
          .errors = errors};
}

// Reads Policy and PolicyArns into the session and checks them. Reasons: MalformedPolicyDocument,
// PackedPolicyTooLarge, ValidationException.
Result<> read_session_policies(Call& call, identity::Session& session);
// PackedPolicyTooLarge when the session's policies and tags exceed what fits.
Result<> check_packed(const identity::Session& session);

// Reads Tags. ValidationException when a key comes twice or begins with "aws:".
Result<std::vector<identity::Tag>> read_session_tags(const json::Object& input);

// When the device of SerialNumber was proved by TokenCode, just now; nullopt when the request has
// neither. Reason AccessDenied. The code is spent, whatever becomes of the call.
Result<std::optional<Time>> prove_mfa(Call& call);

// Makes credentials: the answer's Credentials and what tells of the token's size, and
// PackedPolicySize where something was passed.
json::Object issue(Call& call, const identity::Session& session);

std::unexpected<Error> denied(std::string message);
std::unexpected<Error> invalid(std::string message);

}  // namespace traccia::api::sts
