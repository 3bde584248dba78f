// IAM GetAccountAuthorizationDetails: every identity of the account and every policy they use.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "api/iam_call.h"

namespace traccia::api::iam {
namespace {

constexpr std::string_view kFilterNames[] = {"User", "Role", "Group", "LocalManagedPolicy",
                                             "AWSManagedPolicy"};
constexpr Shape kFilterName = aws::enum_shape(kFilterNames);
constexpr Shape kFilter = aws::list_shape(kFilterName);
constexpr Member kInput[] = {{"Filter", &kFilter}, {"MaxItems", &kMaxItems}, {"Marker", &kMarker}};
constexpr Shape kRequest = aws::structure_shape(kInput);

constexpr Member kInlineMembers[] = {{"PolicyName", &kString}, {"PolicyDocument", &kString}};
constexpr Shape kInline = aws::structure_shape(kInlineMembers);
constexpr Shape kInlines = aws::list_shape(kInline);
constexpr Member kAttachedMembers[] = {{"PolicyName", &kString}, {"PolicyArn", &kString}};
constexpr Shape kAttached = aws::structure_shape(kAttachedMembers);
constexpr Shape kAttachedList = aws::list_shape(kAttached);
constexpr Shape kNames = aws::list_shape(kString);
constexpr Member kUserDetailMembers[] = {{"Path", &kString},
                                         {"UserName", &kString},
                                         {"UserId", &kString},
                                         {"Arn", &kString},
                                         {"CreateDate", &kTimestamp},
                                         {"UserPolicyList", &kInlines},
                                         {"GroupList", &kNames},
                                         {"AttachedManagedPolicies", &kAttachedList},
                                         {"PermissionsBoundary", &kBoundary},
                                         {"Tags", &kTags}};
constexpr Shape kUserDetail = aws::structure_shape(kUserDetailMembers);
constexpr Shape kUserDetails = aws::list_shape(kUserDetail);
constexpr Member kGroupDetailMembers[] = {{"Path", &kString},
                                          {"GroupName", &kString},
                                          {"GroupId", &kString},
                                          {"Arn", &kString},
                                          {"CreateDate", &kTimestamp},
                                          {"GroupPolicyList", &kInlines},
                                          {"AttachedManagedPolicies", &kAttachedList}};
constexpr Shape kGroupDetail = aws::structure_shape(kGroupDetailMembers);
constexpr Shape kGroupDetails = aws::list_shape(kGroupDetail);
// There are none here; the list is always empty.
constexpr Member kProfileMembers[] = {{"Path", &kString, Presence::Required},
                                      {"InstanceProfileName", &kString, Presence::Required},
                                      {"InstanceProfileId", &kString, Presence::Required},
                                      {"Arn", &kString, Presence::Required},
                                      {"CreateDate", &kTimestamp, Presence::Required},
                                      {"Roles", &kRoles, Presence::Required},
                                      {"Tags", &kTags}};
constexpr Shape kProfile = aws::structure_shape(kProfileMembers);
constexpr Shape kProfiles = aws::list_shape(kProfile);
constexpr Member kRoleDetailMembers[] = {{"Path", &kString},
                                         {"RoleName", &kString},
                                         {"RoleId", &kString},
                                         {"Arn", &kString},
                                         {"CreateDate", &kTimestamp},
                                         {"AssumeRolePolicyDocument", &kString},
                                         {"InstanceProfileList", &kProfiles},
                                         {"RolePolicyList", &kInlines},
                                         {"AttachedManagedPolicies", &kAttachedList},
                                         {"PermissionsBoundary", &kBoundary},
                                         {"Tags", &kTags},
                                         {"RoleLastUsed", &kUsed}};
constexpr Shape kRoleDetail = aws::structure_shape(kRoleDetailMembers);
constexpr Shape kRoleDetails = aws::list_shape(kRoleDetail);
constexpr Member kPolicyDetailMembers[] = {{"PolicyName", &kString},
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
                                           {"PolicyVersionList", &kVersions}};
constexpr Shape kPolicyDetail = aws::structure_shape(kPolicyDetailMembers);
constexpr Shape kPolicyDetails = aws::list_shape(kPolicyDetail);
constexpr Member kOutput[] = {
    {"UserDetailList", &kUserDetails}, {"GroupDetailList", &kGroupDetails},
    {"RoleDetailList", &kRoleDetails}, {"Policies", &kPolicyDetails},
    {"IsTruncated", &kBoolean},        {"Marker", &kString}};
constexpr Shape kAnswer = aws::structure_shape(kOutput);
constexpr auto kOperation = query("iam:GetAccountAuthorizationDetails", kOnAll, kRequest, kAnswer);

// Nothing of an identity has more than this of anything.
const identity::Cursor kEverything{.items_max = 1000};

Result<json::Array> inline_policies(Call& call, const identity::Entity& entity) {
  auto& attachments = call.services.identity.attachments();
  TRY_ASSIGN(const auto names, attachments.list_inline(call.transaction, entity, kEverything));
  json::Array out;
  for (const auto& name : names.items) {
    TRY_ASSIGN(const auto document, attachments.get_inline(call.transaction, entity, name));
    out.push_back(
        json::Object{{"PolicyName", name}, {"PolicyDocument", encode_document(document)}});
  }
  return out;
}

Result<json::Array> attached_policies(Call& call, const identity::Entity& entity) {
  TRY_ASSIGN(const auto attached, call.services.identity.attachments().list_attached(
                                      call.transaction, entity, "/", kEverything));
  json::Array out;
  for (const auto& policy : attached.items) {
    out.push_back(json::Object{{"PolicyName", policy.name}, {"PolicyArn", policy.arn}});
  }
  return out;
}

Result<json::Object> detail(Call& call, const identity::Entity& entity) {
  TRY_ASSIGN(auto out, render_in_full(call, entity));
  TRY_ASSIGN(out[pick(entity.kind, "UserPolicyList", "GroupPolicyList", "RolePolicyList")],
             inline_policies(call, entity));
  TRY_ASSIGN(out["AttachedManagedPolicies"], attached_policies(call, entity));
  if (entity.kind == EntityKind::Role) out["InstanceProfileList"] = json::Array{};
  if (entity.kind != EntityKind::User) return out;
  TRY_ASSIGN(const auto groups,
             call.services.identity.entities().groups_of(call.transaction, entity, kEverything));
  json::Array names;
  for (const auto& group : groups.items) names.emplace_back(group.name);
  out["GroupList"] = std::move(names);
  return out;
}

Result<json::Object> detail(Call& call, const identity::ManagedPolicy& policy) {
  auto& policies = call.services.identity.policies();
  const identity::PolicyName name{call.caller.principal.account_id, policy.arn};
  auto out = render(policy);
  if (!policy.description.empty()) out["Description"] = policy.description;
  TRY_ASSIGN(const auto all, policies.list_versions(call.transaction, name));
  json::Array versions;
  for (const auto& one : all) {
    TRY_ASSIGN(const auto version, policies.get_version(call.transaction, name, version_id(one)));
    auto rendered = render(version);
    rendered["Document"] = encode_document(version.document);
    versions.push_back(std::move(rendered));
  }
  out["PolicyVersionList"] = std::move(versions);
  return out;
}

// A page of one kind of things: rendered, with where it ended.
struct Found {
  json::Array items = {};
  std::string last = {};
  bool more = false;
};

template <EntityKind kind>
Result<Found> find_entities(Call& call, const identity::Cursor& cursor) {
  TRY_ASSIGN(const auto page,
             call.services.identity.entities().list(
                 call.transaction, call.caller.principal.account_id, kind, "/", cursor));
  Found out{.more = page.more};
  for (const auto& entity : page.items) {
    TRY_ASSIGN(auto rendered, detail(call, entity));
    out.items.push_back(std::move(rendered));
    out.last = entity.name;
  }
  return out;
}

// Of AWS's policies those that are in use.
template <identity::PolicyScope scope>
Result<Found> find_policies(Call& call, const identity::Cursor& cursor) {
  const identity::PolicyFilter filter{.scope = scope,
                                      .only_attached = scope == identity::PolicyScope::Aws};
  TRY_ASSIGN(const auto page,
             call.services.identity.policies().list(
                 call.transaction, call.caller.principal.account_id, filter, cursor));
  Found out{.more = page.more};
  for (const auto& policy : page.items) {
    TRY_ASSIGN(auto rendered, detail(call, policy));
    out.items.push_back(std::move(rendered));
    out.last = policy.arn;
  }
  return out;
}

// In the order of pages.
struct Section {
  std::string_view filter;
  std::string_view list;
  Result<Found> (*find)(Call& call, const identity::Cursor& cursor);
};
constexpr Section kSections[] = {
    {"User", "UserDetailList", find_entities<EntityKind::User>},
    {"Group", "GroupDetailList", find_entities<EntityKind::Group>},
    {"Role", "RoleDetailList", find_entities<EntityKind::Role>},
    {"LocalManagedPolicy", "Policies", find_policies<identity::PolicyScope::Local>},
    {"AWSManagedPolicy", "Policies", find_policies<identity::PolicyScope::Aws>}};

bool wanted(const json::Object& input, std::string_view filter) {
  const auto* filters = json::find(input, "Filter");
  if (filters == nullptr || !filters->is_array() || filters->get_array().empty()) return true;
  return std::ranges::any_of(filters->get_array(),
                             [&](const json::Value& one) { return one.as_string() == filter; });
}

// "SECTION:AFTER" of a marker; a first page has none.
Result<size_t> take_section(identity::Cursor& cursor) {
  size_t section = 0;
  if (cursor.after.empty()) return section;
  const auto* end = cursor.after.data() + cursor.after.size();
  const auto [rest, error] = std::from_chars(cursor.after.data(), end, section);
  if (error != std::errc{} || rest == end || *rest != ':' || section >= std::size(kSections)) {
    return fail(ErrorCode::InvalidArgument, "ValidationException", "Invalid Marker.");
  }
  cursor.after.erase(0, static_cast<size_t>(rest - cursor.after.data()) + 1);
  return section;
}

Result<json::Object> run(Call& call) {
  TRY_ASSIGN(auto cursor, read_cursor(call.input));
  TRY_ASSIGN(auto section, take_section(cursor));
  json::Object out;
  for (const auto& one : kSections) out[one.list] = json::Array{};
  for (; section < std::size(kSections); ++section) {
    const auto& [filter, list, find] = kSections[section];
    if (!wanted(call.input, filter)) continue;
    if (cursor.items_max == 0) break;
    TRY_ASSIGN(auto found, find(call, cursor));
    cursor.items_max -= found.items.size();
    cursor.after = found.more ? found.last : "";
    auto& items = out[list].as_array();
    items.insert(items.end(), found.items.begin(), found.items.end());
    if (found.more) break;
  }
  write_page(out, section < std::size(kSections), fmt::format("{}:{}", section, cursor.after));
  return out;
}

}  // namespace

std::span<const Binding> account_details_bindings() {
  static const std::array bindings{Binding{&kOperation, run}};
  return bindings;
}

}  // namespace traccia::api::iam
