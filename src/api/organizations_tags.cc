// Organizations TagResource, UntagResource, ListTagsForResource.
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "api/organizations_call.h"

namespace traccia::api::organizations {
namespace {

constexpr std::string_view kErrors[] = {kAccessDenied, kNotInUse, kInvalidInput, kTargetNotFound};
constexpr Member kTagInput[] = {{"ResourceId", &kString, Presence::Required},
                                {"Tags", &kTags, Presence::Required}};
constexpr Shape kTagRequest = aws::structure_shape(kTagInput);
constexpr std::string_view kTagErrors[] = {kAccessDenied, kNotInUse, kInvalidInput, kTargetNotFound,
                                           kConstraint};
constexpr auto kTagResource = change("organizations:TagResource", kTagRequest, aws::kEmptyStructure,
                                     kTagErrors, on("ResourceId", kTagKeys));

constexpr Member kUntagInput[] = {{"ResourceId", &kString, Presence::Required},
                                  {"TagKeys", &kStrings, Presence::Required}};
constexpr Shape kUntagRequest = aws::structure_shape(kUntagInput);
constexpr auto kUntagResource = change("organizations:UntagResource", kUntagRequest,
                                       aws::kEmptyStructure, kErrors, on("ResourceId", kUntagKeys));

constexpr Member kListInput[] = {{"ResourceId", &kString, Presence::Required}, kNextToken};
constexpr Shape kListRequest = aws::structure_shape(kListInput);
constexpr Member kListOutput[] = {{"Tags", &kTags}, kNextToken};
constexpr Shape kListAnswer = aws::structure_shape(kListOutput);
constexpr auto kListTags = query("organizations:ListTagsForResource", kListRequest, kListAnswer,
                                 kErrors, on("ResourceId"));

// The node or policy that the request names; FullAWSAccess is nobody's to tag.
Result<std::string> named_resource(Call& call, const Organization& organization) {
  TRY_ASSIGN(auto id, read_text(call.input, "ResourceId", is_taggable_id));
  if (!is_policy_id(id)) {
    TRY(control_policies(call).get_target(call.transaction, organization, id));
    return id;
  }
  const auto policy = control_policies(call).get(call.transaction, organization, id);
  if (policy && !policy->aws_managed) return id;
  if (!policy && policy.error().code() != ErrorCode::NotFound) {
    return std::unexpected(policy.error());
  }
  return fail(ErrorCode::NotFound, "TargetNotFound", "You specified a target that doesn't exist.");
}

Result<json::Object> tag(Call& call) {
  TRY_ASSIGN(const auto organization, managed_organization(call));
  TRY_ASSIGN(const auto resource, named_resource(call, organization));
  TRY_ASSIGN(const auto tags, read_tags(call.input));
  TRY(organization::set_tags(call.transaction, organization, resource, tags));
  return json::Object{};
}

Result<json::Object> untag(Call& call) {
  TRY_ASSIGN(const auto organization, managed_organization(call));
  TRY_ASSIGN(const auto resource, named_resource(call, organization));
  std::vector<std::string> keys;
  for (const auto& key : call.input.at("TagKeys").as_array()) keys.emplace_back(key.as_string());
  TRY(organization::remove_tags(call.transaction, organization, resource, keys));
  return json::Object{};
}

// At most kTags of them: one page.
Result<json::Object> list(Call& call) {
  TRY_ASSIGN(const auto organization, readable_organization(call));
  TRY_ASSIGN(const auto resource, named_resource(call, organization));
  TRY_ASSIGN(const auto tags, organization::list_tags(call.transaction, organization, resource));
  json::Array out;
  for (const auto& [key, value] : tags) {
    out.push_back(json::Object{{"Key", key}, {"Value", value}});
  }
  return json::Object{{"Tags", std::move(out)}};
}

}  // namespace

std::span<const Binding> tag_bindings() {
  static const std::array bindings{Binding{&kTagResource, tag}, Binding{&kUntagResource, untag},
                                   Binding{&kListTags, list}};
  return bindings;
}

}  // namespace traccia::api::organizations
