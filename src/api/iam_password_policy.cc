// IAM UpdateAccountPasswordPolicy, GetAccountPasswordPolicy, DeleteAccountPasswordPolicy.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "api/iam_call.h"

namespace traccia::api::iam {
namespace {

constexpr Shape kLength = aws::integer_shape(6, 128);
constexpr Shape kDays = aws::integer_shape(1, 1095);
constexpr Shape kHistory = aws::integer_shape(1, identity::kPasswordHistoryMax);

constexpr Member kUpdateInput[] = {{"MinimumPasswordLength", &kLength},
                                   {"RequireSymbols", &kBoolean},
                                   {"RequireNumbers", &kBoolean},
                                   {"RequireUppercaseCharacters", &kBoolean},
                                   {"RequireLowercaseCharacters", &kBoolean},
                                   {"AllowUsersToChangePassword", &kBoolean},
                                   {"MaxPasswordAge", &kDays},
                                   {"PasswordReusePrevention", &kHistory},
                                   {"HardExpiry", &kBoolean}};
constexpr Shape kUpdateRequest = aws::structure_shape(kUpdateInput);
constexpr std::string_view kUpdateErrors[] = {kNoSuchEntity, kMalformedDocument, kLimitExceeded};
constexpr auto kUpdate = change("iam:UpdateAccountPasswordPolicy", kOnAll, kUpdateRequest,
                                aws::kEmptyStructure, kUpdateErrors);

constexpr Member kPolicyMembers[] = {{"MinimumPasswordLength", &kLength},
                                     {"RequireSymbols", &kBoolean},
                                     {"RequireNumbers", &kBoolean},
                                     {"RequireUppercaseCharacters", &kBoolean},
                                     {"RequireLowercaseCharacters", &kBoolean},
                                     {"AllowUsersToChangePassword", &kBoolean},
                                     {"ExpirePasswords", &kBoolean},
                                     {"MaxPasswordAge", &kDays},
                                     {"PasswordReusePrevention", &kHistory},
                                     {"HardExpiry", &kBoolean}};
constexpr Shape kPolicy = aws::structure_shape(kPolicyMembers);
constexpr Member kGetOutput[] = {{"PasswordPolicy", &kPolicy, Presence::Required}};
constexpr Shape kGetAnswer = aws::structure_shape(kGetOutput);
constexpr auto kGet =
    query("iam:GetAccountPasswordPolicy", kOnAll, aws::kEmptyStructure, kGetAnswer, kReadErrors);

constexpr std::string_view kDeleteErrors[] = {kNoSuchEntity, kLimitExceeded};
constexpr auto kDelete = change("iam:DeleteAccountPasswordPolicy", kOnAll, aws::kEmptyStructure,
                                aws::kEmptyStructure, kDeleteErrors);

// Members that the request leaves out go back to their defaults, as the API reference says.
Result<json::Object> update(Call& call) {
  const auto flag = [&](std::string_view name) {
    return optional_bool(call.input, name).value_or(false);
  };
  identity::PasswordPolicy policy;
  policy.length_min =
      optional_integer(call.input, "MinimumPasswordLength").value_or(policy.length_min);
  policy.symbols = flag("RequireSymbols");
  policy.numbers = flag("RequireNumbers");
  policy.upper_case = flag("RequireUppercaseCharacters");
  policy.lower_case = flag("RequireLowercaseCharacters");
  policy.users_may_change = flag("AllowUsersToChangePassword");
  policy.days_max = optional_integer(call.input, "MaxPasswordAge");
  policy.not_among_last = optional_integer(call.input, "PasswordReusePrevention");
  policy.hard_expiry = flag("HardExpiry");
  TRY(call.services.identity.passwords().set_policy(call.transaction,
                                                    call.caller.principal.account_id, policy));
  return json::Object{};
}

Result<json::Object> get(Call& call) {
  const auto& account = call.caller.principal.account_id;
  TRY_ASSIGN(const auto policy, identity::find_password_policy(call.transaction, account));
  if (!policy) {
    return fail(ErrorCode::NotFound, "NoSuchEntity",
                fmt::format("The Password Policy with domain name {} cannot be found.", account));
  }
  json::Object out{{"MinimumPasswordLength", policy->length_min},
                   {"RequireSymbols", policy->symbols},
                   {"RequireNumbers", policy->numbers},
                   {"RequireUppercaseCharacters", policy->upper_case},
                   {"RequireLowercaseCharacters", policy->lower_case},
                   {"AllowUsersToChangePassword", policy->users_may_change},
                   {"ExpirePasswords", policy->days_max.has_value()}};
  if (policy->days_max) out["MaxPasswordAge"] = *policy->days_max;
  if (policy->not_among_last) out["PasswordReusePrevention"] = *policy->not_among_last;
  out["HardExpiry"] = policy->hard_expiry;
  return json::Object{{"PasswordPolicy", std::move(out)}};
}

Result<json::Object> remove(Call& call) {
  TRY(call.services.identity.passwords().remove_policy(call.transaction,
                                                       call.caller.principal.account_id));
  return json::Object{};
}

}  // namespace

std::span<const Binding> password_policy_bindings() {
  static const std::array bindings{Binding{&kUpdate, update}, Binding{&kGet, get},
                                   Binding{&kDelete, remove}};
  return bindings;
}

}  // namespace traccia::api::iam
