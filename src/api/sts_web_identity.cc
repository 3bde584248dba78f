// STS AssumeRoleWithWebIdentity. Its request is not signed: the front door has proven the token.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "api/sts_role.h"

namespace traccia::api::sts {
namespace {

constexpr Shape kToken = aws::string_shape(4, 20'000);
constexpr Shape kProviderId = aws::string_shape(4, 2048);
constexpr Member kInput[] = {{"RoleArn", &kArn, Presence::Required},
                             {"RoleSessionName", &kSessionName, Presence::Required},
                             {"WebIdentityToken", &kToken, Presence::Required, Sensitivity::Secret},
                             {"ProviderId", &kProviderId},
                             {"PolicyArns", &kPolicyArns},
                             {"Policy", &kSessionPolicy},
                             {"DurationSeconds", &kRoleDuration},
                             {"MinimumSessionTokenSize", &kTokenSizeMin}};
constexpr Shape kRequest = aws::structure_shape(kInput);
constexpr Member kOutput[] = {{"Credentials", &kCredentials},
                              {"SubjectFromWebIdentityToken", &kString},
                              {"AssumedRoleUser", &kAssumedRoleUser},
                              {"PackedPolicySize", &kInteger},
                              {"SessionTokenUtilization", &kInteger},
                              {"SessionTokenSize", &kInteger},
                              {"Provider", &kString},
                              {"Audience", &kString},
                              {"SourceIdentity", &kSourceIdentity}};
constexpr Shape kAnswer = aws::structure_shape(kOutput);
constexpr std::string_view kErrors[] = {
    "MalformedPolicyDocumentException", "PackedPolicyTooLargeException",
    "IDPCommunicationErrorException", "InvalidIdentityTokenException", "ExpiredTokenException"};
constexpr auto kAssumeRole = [] {
  auto out = operation("sts:AssumeRoleWithWebIdentity", kRequest, kAnswer, kErrors);
  out.read_only = out.issues_credentials = true;
  return out;
}();

// What a token may ask the session to carry.
constexpr Member kSessionMembers[] = {{"Tags", &iam::kTags},
                                      {"TransitiveTagKeys", &iam::kTagKeys},
                                      {"SourceIdentity", &kSourceIdentity}};
constexpr Shape kSessionInput = aws::structure_shape(kSessionMembers);

std::unexpected<Error> not_authorised() {
  return denied("Not authorized to perform sts:AssumeRoleWithWebIdentity");
}

// As if the caller had passed it to AssumeRole; but what is wrong with it is wrong with the token.
Result<> read_session(const json::Object& input, identity::Session& session) {
  const auto read = [&]() -> Result<> {
    TRY(aws::validate(kSessionInput, input));
    session.source_identity = get_string(input, "SourceIdentity");
    return read_tags(input, session);
  }();
  if (read) return {};
  return fail(ErrorCode::InvalidArgument, "InvalidIdentityToken",
              fmt::format("The token's tags or source identity: {}", read.error().message()));
}

Result<json::Object> assume_role(Call& call) {
  const auto& web = call.caller.principal.web;
  if (!web) {
    // A signed request proves somebody else.
    return denied(fmt::format(
        "User: {} is not authorized to perform: sts:AssumeRoleWithWebIdentity on resource: {}",
        call.caller.principal.arn, get_string(call.input, "RoleArn")));
  }
  auto role = find_role(call, get_string(call.input, "RoleArn"));
  if (!role && role.error().reason() != "AccessDenied") return std::unexpected(role.error());
  if (!role) return not_authorised();
  identity::Session session{.kind = identity::SessionKind::Role,
                            .account_id = role->account_id,
                            .issuer_id = role->id,
                            .name = get_string(call.input, "RoleSessionName")};
  session.provider = web->provider_arn;
  TRY(read_session(web->session_input, session));
  TRY_ASSIGN(auto keys, session_keys(call, *role, session));
  for (const auto& [name, value] : web->keys) keys.add(name, value);
  const auto allowed = authorise_on_role(
      call, *role, session_actions("sts:AssumeRoleWithWebIdentity", session), keys, session);
  if (!allowed && allowed.error().reason() != "AccessDenied")
    return std::unexpected(allowed.error());
  if (!allowed) return not_authorised();
  TRY(limit_session(call, *role, session));
  auto out = issue_for_role(call, *role, session);
  out["SubjectFromWebIdentityToken"] = web->subject;
  out["Provider"] = web->provider_arn;
  out["Audience"] = web->audience;
  if (!session.source_identity.empty()) out["SourceIdentity"] = session.source_identity;
  return out;
}

}  // namespace

std::span<const Binding> web_identity_bindings() {
  static const std::array bindings{
      Binding{.operation = &kAssumeRole, .run = assume_role, .authorised = Authorised::InRun}};
  return bindings;
}

}  // namespace traccia::api::sts
