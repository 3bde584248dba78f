// IAM Attach, Detach and ListAttached of users, groups and roles; ListEntitiesForPolicy.
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "api/iam_call.h"

namespace traccia::api::iam {
namespace {

template <EntityKind kind>
constexpr Member kOwner{name_member(kind), kind == EntityKind::Group ? &kName128 : &kName64,
                        Presence::Required};

template <EntityKind kind>
constexpr std::span<const std::string_view> kKeys = kAttachKeys;
template <>
constexpr std::span<const std::string_view> kKeys<EntityKind::Group> = kPolicyKeys;

template <EntityKind kind>
constexpr Member kAttachInput[] = {kOwner<kind>, {"PolicyArn", &kArn, Presence::Required}};
template <EntityKind kind>
constexpr Shape kAttachRequest = aws::structure_shape(kAttachInput<kind>);
constexpr std::string_view kAttachNames[] = {kNoSuchEntity, kLimitExceeded, kInvalidInput,
                                             kNotAttachable, kProtected};
template <EntityKind kind>
constexpr auto kAttach = change(
    pick(kind, "iam:AttachUserPolicy", "iam:AttachGroupPolicy", "iam:AttachRolePolicy"),
    on(kind, kKeys<kind>), kAttachRequest<kind>, aws::kEmptyStructure, of_kind(kind, kAttachNames));
constexpr std::string_view kDetachNames[] = {kNoSuchEntity, kInvalidInput, kProtected};
template <EntityKind kind>
constexpr auto kDetach = change(
    pick(kind, "iam:DetachUserPolicy", "iam:DetachGroupPolicy", "iam:DetachRolePolicy"),
    on(kind, kKeys<kind>), kAttachRequest<kind>, aws::kEmptyStructure, of_kind(kind, kDetachNames));

template <EntityKind kind>
constexpr Member kListInput[] = {
    kOwner<kind>, {"PathPrefix", &kPolicyPath}, {"Marker", &kMarker}, {"MaxItems", &kMaxItems}};
template <EntityKind kind>
constexpr Shape kListRequest = aws::structure_shape(kListInput<kind>);
constexpr Member kAttachedMembers[] = {{"PolicyName", &kString}, {"PolicyArn", &kString}};
constexpr Shape kAttached = aws::structure_shape(kAttachedMembers);
constexpr Shape kAttachedList = aws::list_shape(kAttached);
constexpr Member kListOutput[] = {
    {"AttachedPolicies", &kAttachedList}, {"IsTruncated", &kBoolean}, {"Marker", &kString}};
constexpr Shape kListAnswer = aws::structure_shape(kListOutput);
template <EntityKind kind>
constexpr auto kList = query(pick(kind, "iam:ListAttachedUserPolicies",
                                  "iam:ListAttachedGroupPolicies", "iam:ListAttachedRolePolicies"),
                             on(kind), kListRequest<kind>, kListAnswer, kReadErrors);

constexpr std::string_view kFilterNames[] = {"User", "Role", "Group", "LocalManagedPolicy",
                                             "AWSManagedPolicy"};
constexpr Shape kFilter = aws::enum_shape(kFilterNames);
constexpr std::string_view kUsageNames[] = {"PermissionsPolicy", "PermissionsBoundary"};
constexpr Shape kUsage = aws::enum_shape(kUsageNames);
constexpr Member kUsersInput[] = {
    {"PolicyArn", &kArn, Presence::Required}, {"EntityFilter", &kFilter}, {"PathPrefix", &kPath},
    {"PolicyUsageFilter", &kUsage},           {"Marker", &kMarker},       {"MaxItems", &kMaxItems}};
constexpr Shape kUsersRequest = aws::structure_shape(kUsersInput);
constexpr Member kPolicyGroupMembers[] = {{"GroupName", &kString}, {"GroupId", &kString}};
constexpr Shape kPolicyGroup = aws::structure_shape(kPolicyGroupMembers);
constexpr Shape kPolicyGroups = aws::list_shape(kPolicyGroup);
constexpr Member kPolicyUserMembers[] = {{"UserName", &kString}, {"UserId", &kString}};
constexpr Shape kPolicyUser = aws::structure_shape(kPolicyUserMembers);
constexpr Shape kPolicyUsers = aws::list_shape(kPolicyUser);
constexpr Member kPolicyRoleMembers[] = {{"RoleName", &kString}, {"RoleId", &kString}};
constexpr Shape kPolicyRole = aws::structure_shape(kPolicyRoleMembers);
constexpr Shape kPolicyRoles = aws::list_shape(kPolicyRole);
constexpr Member kUsersOutput[] = {{"PolicyGroups", &kPolicyGroups},
                                   {"PolicyUsers", &kPolicyUsers},
                                   {"PolicyRoles", &kPolicyRoles},
                                   {"IsTruncated", &kBoolean},
                                   {"Marker", &kString}};
constexpr Shape kUsersAnswer = aws::structure_shape(kUsersOutput);
constexpr std::string_view kUsersErrors[] = {kNoSuchEntity, kInvalidInput};
constexpr auto kListUsers =
    query("iam:ListEntitiesForPolicy", on_policy(), kUsersRequest, kUsersAnswer, kUsersErrors);

template <EntityKind kind>
Result<json::Object> attach(Call& call) {
  TRY_ASSIGN(const auto entity, named_entity(call, kind));
  TRY(call.services.identity.attachments().attach(call.transaction, entity,
                                                  get_string(call.input, "PolicyArn")));
  return json::Object{};
}

template <EntityKind kind>
Result<json::Object> detach(Call& call) {
  TRY_ASSIGN(const auto entity, named_entity(call, kind));
  TRY(call.services.identity.attachments().detach(call.transaction, entity,
                                                  get_string(call.input, "PolicyArn")));
  return json::Object{};
}

template <EntityKind kind>
Result<json::Object> list(Call& call) {
  TRY_ASSIGN(const auto entity, named_entity(call, kind));
  TRY_ASSIGN(const auto cursor, read_cursor(call.input));
  const auto prefix = optional_string(call.input, "PathPrefix").value_or("/");
  TRY_ASSIGN(const auto page, call.services.identity.attachments().list_attached(
                                  call.transaction, entity, prefix, cursor));
  json::Array policies;
  for (const auto& policy : page.items) {
    policies.push_back(json::Object{{"PolicyName", policy.name}, {"PolicyArn", policy.arn}});
  }
  json::Object out{{"AttachedPolicies", std::move(policies)}};
  write_page(out, page.more, page.items.empty() ? "" : page.items.back().arn);
  return out;
}

// LocalManagedPolicy and AWSManagedPolicy are in the model and name no entities.
Result<identity::UserFilter> read_filter(const json::Object& input, std::string_view prefix) {
  identity::UserFilter filter{.path_prefix = prefix};
  const auto kind = get_string(input, "EntityFilter");
  if (kind == "User") filter.kind = EntityKind::User;
  if (kind == "Group") filter.kind = EntityKind::Group;
  if (kind == "Role") filter.kind = EntityKind::Role;
  if (!kind.empty() && !filter.kind) {
    return fail(ErrorCode::InvalidArgument, "InvalidInput",
                "EntityFilter can be User, Role or Group.");
  }
  const auto usage = get_string(input, "PolicyUsageFilter");
  if (usage == kUsageNames[0]) filter.usage = identity::PolicyUsage::Permissions;
  if (usage == kUsageNames[1]) filter.usage = identity::PolicyUsage::Boundary;
  return filter;
}

Result<json::Object> list_users(Call& call) {
  TRY_ASSIGN(const auto cursor, read_cursor(call.input));
  const auto prefix = optional_string(call.input, "PathPrefix").value_or("/");
  TRY_ASSIGN(const auto filter, read_filter(call.input, prefix));
  const auto arn = get_string(call.input, "PolicyArn");
  TRY_ASSIGN(const auto page,
             call.services.identity.attachments().users_of(
                 call.transaction, {call.caller.principal.account_id, arn}, filter, cursor));
  json::Array groups, users, roles;
  for (const auto& entity : page.items) {
    json::Object shown{{name_member(entity.kind), entity.name},
                       {pick(entity.kind, "UserId", "GroupId", "RoleId"), entity.id}};
    auto& list = entity.kind == EntityKind::User    ? users
                 : entity.kind == EntityKind::Group ? groups
                                                    : roles;
    list.push_back(std::move(shown));
  }
  json::Object out{{"PolicyGroups", std::move(groups)},
                   {"PolicyUsers", std::move(users)},
                   {"PolicyRoles", std::move(roles)}};
  write_page(out, page.more, page.items.empty() ? "" : page.items.back().id);
  return out;
}

template <EntityKind kind>
constexpr std::array kBindings{Binding{&kAttach<kind>, attach<kind>},
                               Binding{&kDetach<kind>, detach<kind>},
                               Binding{&kList<kind>, list<kind>}};

}  // namespace

std::span<const Binding> attached_policy_bindings() {
  static const auto bindings = [] {
    std::vector<Binding> out{Binding{&kListUsers, list_users}};
    for (const auto& some :
         {kBindings<EntityKind::User>, kBindings<EntityKind::Group>, kBindings<EntityKind::Role>}) {
      out.insert(out.end(), some.begin(), some.end());
    }
    return out;
  }();
  return bindings;
}

}  // namespace traccia::api::iam
