// IAM CreatePolicy, GetPolicy, ListPolicies, DeletePolicy: managed policies.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "api/iam_call.h"

namespace traccia::api::iam {
namespace {

constexpr Shape kDescription = aws::string_shape({}, 1000);
constexpr Member kPolicyMembers[] = {{"PolicyName", &kString},
                                     {"PolicyId", &kString},
                                     {"Arn", &kString},
                                     {"Path", &kString},
                                     {"DefaultVersionId", &kString},
                                     {"AttachmentCount", &kInteger},
                                     {"PermissionsBoundaryUsageCount", &kInteger},
                                     {"IsAttachable", &kBoolean},
                                     {"Description", &kString},
                                     {"CreateDate", &kTimestamp},
                                     {"UpdateDate", &kTimestamp},
                                     {"Tags", &kTags}};
constexpr Shape kPolicy = aws::structure_shape(kPolicyMembers);
constexpr Shape kPolicies = aws::list_shape(kPolicy);
constexpr Member kOneOutput[] = {{"Policy", &kPolicy}};
constexpr Shape kOneAnswer = aws::structure_shape(kOneOutput);
constexpr Member kArnInput[] = {{"PolicyArn", &kArn, Presence::Required}};
constexpr Shape kArnRequest = aws::structure_shape(kArnInput);

constexpr Member kCreateInput[] = {{"PolicyName", &kName128, Presence::Required},
                                   {"Path", &kPolicyPath},
                                   {"PolicyDocument", &kDocument, Presence::Required},
                                   {"Description", &kDescription},
                                   {"Tags", &kTags}};
constexpr Shape kCreateRequest = aws::structure_shape(kCreateInput);
constexpr std::string_view kCreateErrors[] = {kInvalidInput, kLimitExceeded, kAlreadyExists,
                                              kMalformedDocument};
constexpr aws::Access kMakeAccess{.resource = "policy",
                                  .named_by = "PolicyName",
                                  .existence = aws::Existence::Made,
                                  .keys = kTagsInRequest,
                                  .tag_action = "iam:TagPolicy"};
constexpr auto kCreate =
    change("iam:CreatePolicy", kMakeAccess, kCreateRequest, kOneAnswer, kCreateErrors);

constexpr std::string_view kGetErrors[] = {kNoSuchEntity, kInvalidInput};
constexpr auto kGet = query("iam:GetPolicy", on_policy(), kArnRequest, kOneAnswer, kGetErrors);

constexpr std::string_view kScopeNames[] = {"All", "AWS", "Local"};
constexpr Shape kScope = aws::enum_shape(kScopeNames);
constexpr std::string_view kUsageNames[] = {"PermissionsPolicy", "PermissionsBoundary"};
constexpr Shape kUsage = aws::enum_shape(kUsageNames);
constexpr Member kListInput[] = {{"Scope", &kScope},           {"OnlyAttached", &kBoolean},
                                 {"PathPrefix", &kPolicyPath}, {"PolicyUsageFilter", &kUsage},
                                 {"Marker", &kMarker},         {"MaxItems", &kMaxItems}};
constexpr Shape kListRequest = aws::structure_shape(kListInput);
constexpr Member kListOutput[] = {
    {"Policies", &kPolicies}, {"IsTruncated", &kBoolean}, {"Marker", &kString}};
constexpr Shape kListAnswer = aws::structure_shape(kListOutput);
constexpr aws::Access kOnPolicyPath{.resource = "policy", .named_by = "PathPrefix"};
constexpr auto kList = query("iam:ListPolicies", kOnPolicyPath, kListRequest, kListAnswer);

constexpr std::string_view kDeleteErrors[] = {kNoSuchEntity, kInvalidInput, kDeleteConflict};
constexpr auto kDelete =
    change("iam:DeletePolicy", on_policy(), kArnRequest, aws::kEmptyStructure, kDeleteErrors);

Result<json::Object> create(Call& call) {
  const auto name = get_string(call.input, "PolicyName");
  const auto path = optional_string(call.input, "Path").value_or("/");
  const auto description = get_string(call.input, "Description");
  const auto document = get_string(call.input, "PolicyDocument");
  TRY_ASSIGN(const auto policy,
             call.services.identity.policies().create(
                 call.transaction, {.account_id = call.caller.principal.account_id,
                                    .name = name,
                                    .path = path,
                                    .description = description,
                                    .document = document}));
  TRY_ASSIGN(const auto tags, read_tags(call.input));
  TRY(identity::set_tags(call.transaction, policy.id, tags));
  auto rendered = render(policy);
  if (!tags.empty()) rendered["Tags"] = iam::render(tags);
  return json::Object{{"Policy", std::move(rendered)}};
}

Result<json::Object> get(Call& call) {
  const auto arn = get_string(call.input, "PolicyArn");
  TRY_ASSIGN(const auto policy, call.services.identity.policies().get(
                                    call.transaction, {call.caller.principal.account_id, arn}));
  TRY_ASSIGN(const auto tags, identity::list_tags(call.transaction, policy.id, {}));
  auto rendered = render(policy);
  if (!policy.description.empty()) rendered["Description"] = policy.description;
  rendered["Tags"] = iam::render(tags.items);
  return json::Object{{"Policy", std::move(rendered)}};
}

Result<json::Object> list(Call& call) {
  TRY_ASSIGN(const auto cursor, read_cursor(call.input));
  const auto prefix = optional_string(call.input, "PathPrefix").value_or("/");
  identity::PolicyFilter filter{
      .only_attached = optional_bool(call.input, "OnlyAttached").value_or(false),
      .path_prefix = prefix};
  const auto scope = get_string(call.input, "Scope");
  if (scope == "AWS") filter.scope = identity::PolicyScope::Aws;
  if (scope == "Local") filter.scope = identity::PolicyScope::Local;
  const auto usage = get_string(call.input, "PolicyUsageFilter");
  if (usage == kUsageNames[0]) filter.usage = identity::PolicyUsage::Permissions;
  if (usage == kUsageNames[1]) filter.usage = identity::PolicyUsage::Boundary;
  TRY_ASSIGN(const auto page,
             call.services.identity.policies().list(
                 call.transaction, call.caller.principal.account_id, filter, cursor));
  json::Array policies;
  for (const auto& policy : page.items) policies.push_back(render(policy));
  json::Object out{{"Policies", std::move(policies)}};
  write_page(out, page.more, page.items.empty() ? "" : page.items.back().arn);
  return out;
}

Result<json::Object> remove(Call& call) {
  const auto arn = get_string(call.input, "PolicyArn");
  TRY(call.services.identity.policies().remove(call.transaction,
                                               {call.caller.principal.account_id, arn}));
  return json::Object{};
}

}  // namespace

std::span<const Binding> policy_bindings() {
  static const std::array bindings{Binding{&kCreate, create}, Binding{&kGet, get},
                                   Binding{&kList, list}, Binding{&kDelete, remove}};
  return bindings;
}

}  // namespace traccia::api::iam
