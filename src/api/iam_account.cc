// IAM CreateAccountAlias, DeleteAccountAlias, ListAccountAliases, GetAccountSummary.
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "api/iam_call.h"

namespace traccia::api::iam {
namespace {

// Lower-case letters, digits and single hyphens, none of these at an end.
constexpr bool is_alias(std::string_view text) {
  return aws::only_characters(text, "a-z0-9-") && !text.starts_with('-') && !text.ends_with('-') &&
         text.find("--") == text.npos;
}

constexpr Shape kAlias =
    aws::string_shape(3, 63, {"^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$", is_alias});
constexpr Shape kAliases = aws::list_shape(kString);
constexpr Member kAliasInput[] = {{"AccountAlias", &kAlias, Presence::Required}};
constexpr Shape kAliasRequest = aws::structure_shape(kAliasInput);
constexpr std::string_view kCreateErrors[] = {kAlreadyExists};
constexpr auto kCreate =
    change("iam:CreateAccountAlias", kOnAll, kAliasRequest, aws::kEmptyStructure, kCreateErrors);
constexpr auto kDelete =
    change("iam:DeleteAccountAlias", kOnAll, kAliasRequest, aws::kEmptyStructure, kReadErrors);

constexpr Member kListInput[] = {{"Marker", &kMarker}, {"MaxItems", &kMaxItems}};
constexpr Shape kListRequest = aws::structure_shape(kListInput);
constexpr Member kListOutput[] = {{"AccountAliases", &kAliases, Presence::Required},
                                  {"IsTruncated", &kBoolean},
                                  {"Marker", &kString}};
constexpr Shape kListAnswer = aws::structure_shape(kListOutput);
constexpr auto kList = query("iam:ListAccountAliases", kOnAll, kListRequest, kListAnswer);

constexpr Shape kSummaryMap = aws::map_shape(kString, kInteger);
constexpr Member kSummaryOutput[] = {{"SummaryMap", &kSummaryMap}};
constexpr Shape kSummaryAnswer = aws::structure_shape(kSummaryOutput);
constexpr auto kSummary =
    query("iam:GetAccountSummary", kOnAll, aws::kEmptyStructure, kSummaryAnswer);

Result<json::Object> create(Call& call) {
  TRY(call.services.identity.set_account_alias(call.transaction, call.caller.principal.account_id,
                                               get_string(call.input, "AccountAlias")));
  return json::Object{};
}

Result<json::Object> remove(Call& call) {
  TRY(call.services.identity.remove_account_alias(
      call.transaction, call.caller.principal.account_id, get_string(call.input, "AccountAlias")));
  return json::Object{};
}

Result<json::Object> list(Call& call) {
  TRY_ASSIGN(const auto alias, call.services.identity.account_alias(
                                   call.transaction, call.caller.principal.account_id));
  json::Array aliases;
  if (!alias.empty()) aliases.emplace_back(alias);
  json::Object out{{"AccountAliases", std::move(aliases)}};
  write_page(out, false, "");
  return out;
}

// What this server does not have (certificates, instance profiles) counts 0.
Result<json::Object> summarize(Call& call) {
  using identity::Quotas;
  auto& identity = call.services.identity;
  const auto& account = call.caller.principal.account_id;
  json::Object map;
  for (const auto kind : {EntityKind::User, EntityKind::Group, EntityKind::Role}) {
    TRY_ASSIGN(const auto count, identity.entities().count(call.transaction, account, kind));
    map[pick(kind, "Users", "Groups", "Roles")] = count;
    map[pick(kind, "UsersQuota", "GroupsQuota", "RolesQuota")] = identity::entities_max(kind);
    map[pick(kind, "UserPolicySizeQuota", "GroupPolicySizeQuota", "RolePolicySizeQuota")] =
        identity::inline_policy_size_max(kind);
    map[pick(kind, "AttachedPoliciesPerUserQuota", "AttachedPoliciesPerGroupQuota",
             "AttachedPoliciesPerRoleQuota")] = identity::attached_policies_max(kind);
  }
  TRY_ASSIGN(const auto policies, identity.policies().count(call.transaction, account));
  TRY_ASSIGN(const auto versions, identity.policies().count_versions(call.transaction, account));
  map["Policies"] = policies;
  map["PoliciesQuota"] = Quotas::kPolicies;
  map["PolicySizeQuota"] = Quotas::kManagedPolicySize;
  map["PolicyVersionsInUse"] = versions;
  map["PolicyVersionsInUseQuota"] = Quotas::kPolicies * Quotas::kVersionsPerPolicy;
  map["VersionsPerPolicyQuota"] = Quotas::kVersionsPerPolicy;
  map["GroupsPerUserQuota"] = Quotas::kGroupsPerUser;
  map["AccessKeysPerUserQuota"] = Quotas::kKeysPerUser;
  map["AssumeRolePolicySizeQuota"] = Quotas::kTrustPolicySize;
  const identity::Entity root{.id = account, .kind = EntityKind::Root, .account_id = account};
  TRY_ASSIGN(const auto password, identity.passwords().find(call.transaction, root.id));
  TRY_ASSIGN(const auto keys, identity.keys().list(call.transaction, root, {}));
  TRY_ASSIGN(const auto devices, identity.mfa().list_of(call.transaction, root, {}));
  map["AccountMFAEnabled"] = int{!devices.items.empty()};
  map["AccountPasswordPresent"] = int{password.has_value()};
  map["AccountAccessKeysPresent"] = int{!keys.items.empty()};
  TRY_ASSIGN(map["MFADevices"],
             identity.mfa().count(call.transaction, account, identity::MfaAssignment::Any));
  TRY_ASSIGN(map["MFADevicesInUse"],
             identity.mfa().count(call.transaction, account, identity::MfaAssignment::Assigned));
  TRY_ASSIGN(const auto providers, identity.oidc().list(call.transaction, account));
  map["Providers"] = static_cast<int64_t>(providers.size());
  for (const auto* absent :
       {"AccountSigningCertificatesPresent", "ServerCertificates", "ServerCertificatesQuota",
        "SigningCertificatesPerUserQuota", "InstanceProfiles", "InstanceProfilesQuota"}) {
    map[absent] = 0;
  }
  return json::Object{{"SummaryMap", std::move(map)}};
}

}  // namespace

std::span<const Binding> account_bindings() {
  static const std::array bindings{Binding{&kCreate, create}, Binding{&kDelete, remove},
                                   Binding{&kList, list}, Binding{&kSummary, summarize}};
  return bindings;
}

}  // namespace traccia::api::iam
