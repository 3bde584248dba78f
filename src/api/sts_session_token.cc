// STS GetSessionToken and GetFederationToken: users' own temporary credentials.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/sts_call.h"

namespace traccia::api::sts {
namespace {

constexpr int64_t kSecondsDefault = 43'200;
constexpr int64_t kRootSecondsMax = 3600;  // whatever is asked for ("GetSessionToken")
constexpr Shape kDuration = aws::integer_shape(900, 129'600);

constexpr Member kTokenInput[] = {
    {"DurationSeconds", &kDuration},
    {"SerialNumber", &kSerialNumber},
    {"TokenCode", &kTokenCode, Presence::Optional, Sensitivity::Secret},
    {"MinimumSessionTokenSize", &kTokenSizeMin}};
constexpr Shape kTokenRequest = aws::structure_shape(kTokenInput);
constexpr Member kTokenOutput[] = {{"Credentials", &kCredentials},
                                   {"SessionTokenUtilization", &kInteger},
                                   {"SessionTokenSize", &kInteger}};
constexpr Shape kTokenAnswer = aws::structure_shape(kTokenOutput);
constexpr auto kGetSessionToken = operation("sts:GetSessionToken", kTokenRequest, kTokenAnswer);

constexpr Shape kName = aws::string_shape(2, 32, kNamePattern);
constexpr Member kFederationInput[] = {{"Name", &kName, Presence::Required},
                                       {"Policy", &kSessionPolicy},
                                       {"PolicyArns", &kPolicyArns},
                                       {"DurationSeconds", &kDuration},
                                       {"Tags", &iam::kTags},
                                       {"MinimumSessionTokenSize", &kTokenSizeMin}};
constexpr Shape kFederationRequest = aws::structure_shape(kFederationInput);
constexpr Member kFederatedMembers[] = {{"FederatedUserId", &kString, Presence::Required},
                                        {"Arn", &kArn, Presence::Required}};
constexpr Shape kFederated = aws::structure_shape(kFederatedMembers);
constexpr Member kFederationOutput[] = {{"Credentials", &kCredentials},
                                        {"FederatedUser", &kFederated},
                                        {"PackedPolicySize", &kInteger},
                                        {"SessionTokenUtilization", &kInteger},
                                        {"SessionTokenSize", &kInteger}};
constexpr Shape kFederationAnswer = aws::structure_shape(kFederationOutput);
constexpr std::string_view kFederationErrors[] = {"MalformedPolicyDocumentException",
                                                  "PackedPolicyTooLargeException"};
constexpr auto kGetFederationToken =
    operation("sts:GetFederationToken", kFederationRequest, kFederationAnswer, kFederationErrors);

// A session of the caller, who has long-term credentials (session_rules.h).
identity::Session begin(Call& call, identity::SessionKind kind) {
  identity::Session session{.kind = kind,
                            .account_id = call.caller.principal.account_id,
                            .issuer_id = call.caller.principal.principal_id};
  session.issued = floor_seconds(call.services.identity.sessions().now());
  auto seconds = optional_integer(call.input, "DurationSeconds").value_or(kSecondsDefault);
  if (call.caller.principal.type == identity::PrincipalType::Root) {
    seconds = std::min(seconds, kRootSecondsMax);
  }
  session.expires = session.issued + std::chrono::seconds(seconds);
  return session;
}

// Needs no permission, so that users can prove their MFA device who may do nothing without it
// ("Permissions for GetSessionToken").
Result<json::Object> get_session_token(Call& call) {
  auto session = begin(call, identity::SessionKind::User);
  TRY_ASSIGN(session.mfa, prove_mfa(call));
  return issue(call, session);
}

Result<> authorise_federation(Call& call, const identity::Session& session, std::string_view arn) {
  std::vector<std::string> names;
  names.reserve(session.tags.size());
  std::vector<ContextKey> keys;
  for (const auto& tag : session.tags) {
    names.push_back(fmt::format("aws:RequestTag/{}", tag.key));
    keys.push_back({names.back(), tag.value});
  }
  for (const auto& tag : session.tags) keys.push_back({"aws:TagKeys", tag.key});
  auto& authoriser = call.services.authoriser;
  TRY(authoriser.authorise(call.transaction, {call.caller, "sts:GetFederationToken", arn, keys}));
  if (session.tags.empty()) return {};
  return authoriser.authorise(call.transaction, {call.caller, "sts:TagSession", arn, keys});
}

Result<json::Object> get_federation_token(Call& call) {
  auto session = begin(call, identity::SessionKind::Federated);
  session.name = get_string(call.input, "Name");
  TRY_ASSIGN(session.tags, read_session_tags(call.input));
  const auto arn =
      fmt::format("arn:aws:sts::{}:federated-user/{}", session.account_id, session.name);
  TRY(authorise_federation(call, session, arn));
  TRY(read_session_policies(call, session));
  TRY(check_packed(session));
  auto out = issue(call, session);
  out["FederatedUser"] = json::Object{
      {"FederatedUserId", fmt::format("{}:{}", session.account_id, session.name)}, {"Arn", arn}};
  return out;
}

}  // namespace

std::span<const Binding> session_token_bindings() {
  static const std::array bindings{Binding{.operation = &kGetSessionToken,
                                           .run = get_session_token,
                                           .authorised = Authorised::InRun},
                                   Binding{.operation = &kGetFederationToken,
                                           .run = get_federation_token,
                                           .authorised = Authorised::InRun}};
  return bindings;
}

}  // namespace traccia::api::sts
