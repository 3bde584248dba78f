// STS about keys: GetCallerIdentity, GetAccessKeyInfo.
// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <vector>

#include "api/sts_call.h"

namespace traccia::api {
namespace sts {
namespace {

constexpr Member kOutput[] = {{"UserId", &kString}, {"Account", &kString}, {"Arn", &kString}};
constexpr Shape kAnswer = aws::structure_shape(kOutput);
constexpr auto kGetCallerIdentity = [] {
  auto out = operation("sts:GetCallerIdentity", aws::kEmptyStructure, kAnswer);
  out.read_only = true;
  return out;
}();

constexpr Member kInfoInput[] = {{"AccessKeyId", &iam::kKeyId, Presence::Required}};
constexpr Shape kInfoRequest = aws::structure_shape(kInfoInput);
constexpr Member kInfoOutput[] = {{"Account", &kString}};
constexpr Shape kInfoAnswer = aws::structure_shape(kInfoOutput);
constexpr auto kGetAccessKeyInfo = [] {
  auto out = operation("sts:GetAccessKeyInfo", kInfoRequest, kInfoAnswer);
  out.read_only = true;
  return out;
}();

// Of any account's key, also one that was switched off ("GetAccessKeyInfo").
Result<json::Object> get_access_key_info(Call& call) {
  TRY_ASSIGN(const auto account, call.services.identity.account_of_key(
                                     call.transaction, get_string(call.input, "AccessKeyId")));
  if (!account) return invalid("The access key ID is not valid.");
  return json::Object{{"Account", *account}};
}

Result<json::Object> get_caller_identity(Call& call) {
  const auto& principal = call.caller.principal;
  return json::Object{{"UserId", principal.principal_id},
                      {"Account", principal.account_id},
                      {"Arn", principal.arn}};
}

}  // namespace

std::span<const Binding> identity_bindings() {
  static const std::array bindings{Binding{&kGetCallerIdentity, get_caller_identity},
                                   Binding{&kGetAccessKeyInfo, get_access_key_info}};
  return bindings;
}

}  // namespace sts

std::span<const Binding> sts_bindings() {
  static const auto bindings = [] {
    std::vector<Binding> all;
    for (const auto family : {sts::identity_bindings(), sts::assume_role_bindings(),
                              sts::session_token_bindings(), sts::web_identity_bindings()}) {
      all.insert(all.end(), family.begin(), family.end());
    }
    return all;
  }();
  return bindings;
}

}  // namespace traccia::api
