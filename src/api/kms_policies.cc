// KMS GetKeyPolicy, PutKeyPolicy, ListKeyPolicies.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "api/kms_call.h"
#include "api/kms_policy.h"
#include "kms/key_policy.h"

namespace traccia::api::kms_service {
namespace {

constexpr std::string_view kPut = "kms:PutKeyPolicy";
constexpr size_t kNamesMax = 1000;

constexpr Member kGetInput[] = {kKeyIdMember, {"PolicyName", &kPolicyName}};
constexpr Shape kGetRequest = aws::structure_shape(kGetInput);
constexpr Member kGetOutput[] = {{"Policy", &kPolicy}, {"PolicyName", &kPolicyName}};
constexpr Shape kGetAnswer = aws::structure_shape(kGetOutput);
constexpr std::string_view kGetErrors[] = {kNotFound, kInvalidArn};
constexpr auto kGetPolicy =
    query("kms:GetKeyPolicy", kGetRequest, kGetAnswer, kGetErrors, on_key());

constexpr Member kPutInput[] = {kKeyIdMember,
                                {"PolicyName", &kPolicyName},
                                {"Policy", &kPolicy, Presence::Required},
                                {"BypassPolicyLockoutSafetyCheck", &kBoolean}};
constexpr Shape kPutRequest = aws::structure_shape(kPutInput);
constexpr std::string_view kPutErrors[] = {kNotFound, kInvalidArn, kMalformedPolicy,
                                           kLimitExceeded};
constexpr std::string_view kPutKeys[] = {kBypassKey};
constexpr auto kPutPolicy =
    change(kPut, kPutRequest, aws::kEmptyStructure, kPutErrors, on_key(kPutKeys));

constexpr Member kListInput[] = {kKeyIdMember, kLimitMember, kMarkerMember};
constexpr Shape kListRequest = aws::structure_shape(kListInput);
constexpr Shape kNames = aws::list_shape(kPolicyName);
constexpr Member kListOutput[] = {{"PolicyNames", &kNames}, kNextMarkerMember, kTruncatedMember};
constexpr Shape kListAnswer = aws::structure_shape(kListOutput);
constexpr auto kListPolicies =
    query("kms:ListKeyPolicies", kListRequest, kListAnswer, kGetErrors, on_key());

Result<> check_name(const json::Object& input) {
  if (optional_string(input, "PolicyName").value_or(std::string(kms::kPolicyName)) ==
      kms::kPolicyName) {
    return {};
  }
  return fail(ErrorCode::NotFound, "NotFound", "No such policy exists");
}

Result<json::Object> get(Call& call) {
  TRY_ASSIGN(const auto key, find_key(call, "KeyId"));
  TRY(check_name(call.input));
  TRY_ASSIGN(const auto policy, kms::show_policy(call.transaction, key.policy));
  return json::Object{{"Policy", policy}, {"PolicyName", kms::kPolicyName}};
}

Result<json::Object> put(Call& call) {
  TRY_ASSIGN(auto key, find_key(call, "KeyId"));
  TRY(check_name(call.input));
  TRY_ASSIGN(key.policy, kms::bind_policy(call.transaction, get_string(call.input, "Policy")));
  TRY(check_lockout(call, key));
  TRY(call.services.keys.update(call.transaction, key));
  return json::Object{};
}

Result<json::Object> list(Call& call) {
  TRY(find_key(call, "KeyId"));
  TRY(read_cursor(call.input, kNamesMax, kNamesMax));
  return json::Object{{"PolicyNames", json::Array{json::Value(kms::kPolicyName)}},
                      {"Truncated", false}};
}

// The account's root user, who has a say wherever a policy leaves it to the account.
Caller root_of(const Caller& caller, std::string_view account) {
  Caller out = caller;
  out.principal = {};
  out.principal.type = identity::PrincipalType::Root;
  out.principal.account_id = account;
  out.principal.arn = fmt::format("arn:aws:iam::{}:root", account);
  out.principal.principal_id = account;
  return out;
}

}  // namespace

Result<> check_lockout(Call& call, const kms::Key& key) {
  if (optional_bool(call.input, "BypassPolicyLockoutSafetyCheck").value_or(false)) return {};
  const ContextKey keys[] = {{"kms:CallerAccount", key.place.account}};
  for (const auto& caller : {call.caller, root_of(call.caller, key.place.account)}) {
    const auto allowed = call.services.authoriser.authorise_on_key(
        call.transaction, {.caller = caller, .action = kPut, .resource = key.arn, .keys = keys},
        {.account = key.place.account, .policy = key.policy});
    if (allowed) return {};
    if (allowed.error().code() != ErrorCode::PermissionDenied) return allowed;
  }
  return fail(ErrorCode::InvalidArgument, "MalformedPolicyDocument",
              "The new key policy will not allow you to update the key policy in the future.");
}

std::span<const Binding> policy_bindings() {
  static const std::array bindings{Binding{&kGetPolicy, get}, Binding{&kPutPolicy, put},
                                   Binding{&kListPolicies, list}};
  return bindings;
}

}  // namespace traccia::api::kms_service
