// IAM groups: CreateGroup, GetGroup, ListGroups, UpdateGroup, DeleteGroup, and their members.
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "api/iam_call.h"

namespace traccia::api::iam {
namespace {

constexpr Member kCreateInput[] = {{"Path", &kPath}, {"GroupName", &kName128, Presence::Required}};
constexpr Shape kCreateRequest = aws::structure_shape(kCreateInput);
constexpr Member kCreateOutput[] = {{"Group", &kGroup, Presence::Required}};
constexpr Shape kCreateAnswer = aws::structure_shape(kCreateOutput);
constexpr std::string_view kCreateErrors[] = {kLimitExceeded, kAlreadyExists};
constexpr aws::Access kMakeAccess{
    .resource = "group", .named_by = "GroupName", .existence = aws::Existence::Made};
constexpr auto kCreate =
    change("iam:CreateGroup", kMakeAccess, kCreateRequest, kCreateAnswer, kCreateErrors);

constexpr Member kGetInput[] = {
    {"GroupName", &kName128, Presence::Required}, {"Marker", &kMarker}, {"MaxItems", &kMaxItems}};
constexpr Shape kGetRequest = aws::structure_shape(kGetInput);
constexpr Member kGetOutput[] = {{"Group", &kGroup, Presence::Required},
                                 {"Users", &kUsers, Presence::Required},
                                 {"IsTruncated", &kBoolean},
                                 {"Marker", &kString}};
constexpr Shape kGetAnswer = aws::structure_shape(kGetOutput);
constexpr auto kGet =
    query("iam:GetGroup", on(EntityKind::Group), kGetRequest, kGetAnswer, kReadErrors);

constexpr Member kListInput[] = {
    {"PathPrefix", &kPathPrefix}, {"Marker", &kMarker}, {"MaxItems", &kMaxItems}};
constexpr Shape kListRequest = aws::structure_shape(kListInput);
constexpr Member kListOutput[] = {
    {"Groups", &kGroups, Presence::Required}, {"IsTruncated", &kBoolean}, {"Marker", &kString}};
constexpr Shape kListAnswer = aws::structure_shape(kListOutput);
constexpr auto kList =
    query("iam:ListGroups", on_path(EntityKind::Group), kListRequest, kListAnswer);

constexpr Member kUpdateInput[] = {
    {"GroupName", &kName128, Presence::Required}, {"NewPath", &kPath}, {"NewGroupName", &kName128}};
constexpr Shape kUpdateRequest = aws::structure_shape(kUpdateInput);
constexpr std::string_view kUpdateErrors[] = {kNoSuchEntity, kAlreadyExists};
constexpr auto kUpdate = change("iam:UpdateGroup", on(EntityKind::Group), kUpdateRequest,
                                aws::kEmptyStructure, kUpdateErrors);

constexpr Member kDeleteInput[] = {{"GroupName", &kName128, Presence::Required}};
constexpr Shape kDeleteRequest = aws::structure_shape(kDeleteInput);
constexpr std::string_view kDeleteErrors[] = {kNoSuchEntity, kDeleteConflict};
constexpr auto kDelete = change("iam:DeleteGroup", on(EntityKind::Group), kDeleteRequest,
                                aws::kEmptyStructure, kDeleteErrors);

constexpr Member kMemberInput[] = {{"GroupName", &kName128, Presence::Required},
                                   {"UserName", &kName128, Presence::Required}};
constexpr Shape kMemberRequest = aws::structure_shape(kMemberInput);
constexpr std::string_view kMemberErrors[] = {kNoSuchEntity, kLimitExceeded};
constexpr auto kAdd = change("iam:AddUserToGroup", on(EntityKind::Group), kMemberRequest,
                             aws::kEmptyStructure, kMemberErrors);
constexpr auto kRemove = change("iam:RemoveUserFromGroup", on(EntityKind::Group), kMemberRequest,
                                aws::kEmptyStructure, kReadErrors);

constexpr Member kOfUserInput[] = {
    {"UserName", &kName128, Presence::Required}, {"Marker", &kMarker}, {"MaxItems", &kMaxItems}};
constexpr Shape kOfUserRequest = aws::structure_shape(kOfUserInput);
constexpr auto kOfUser =
    query("iam:ListGroupsForUser", on(EntityKind::User), kOfUserRequest, kListAnswer, kReadErrors);

json::Object render_page(std::string_view list, const identity::Page<identity::Entity>& page) {
  json::Array items;
  for (const auto& entity : page.items) items.push_back(render(entity));
  json::Object out{{list, std::move(items)}};
  write_page(out, page.more, page.items.empty() ? "" : page.items.back().name);
  return out;
}

Result<json::Object> create(Call& call) {
  TRY_ASSIGN(const auto group,
             call.services.identity.entities().create(
                 call.transaction, {.kind = EntityKind::Group,
                                    .account_id = call.caller.principal.account_id,
                                    .name = get_string(call.input, "GroupName"),
                                    .path = optional_string(call.input, "Path").value_or("/")}));
  return json::Object{{"Group", render(group)}};
}

Result<json::Object> get(Call& call) {
  TRY_ASSIGN(const auto group, named_entity(call, EntityKind::Group));
  TRY_ASSIGN(const auto cursor, read_cursor(call.input));
  TRY_ASSIGN(const auto page,
             call.services.identity.entities().members(call.transaction, group, cursor));
  auto out = render_page("Users", page);
  out["Group"] = render(group);
  return out;
}

Result<json::Object> list(Call& call) {
  TRY_ASSIGN(const auto cursor, read_cursor(call.input));
  const auto prefix = optional_string(call.input, "PathPrefix").value_or("/");
  TRY_ASSIGN(const auto page, call.services.identity.entities().list(
                                  call.transaction, call.caller.principal.account_id,
                                  EntityKind::Group, prefix, cursor));
  return render_page("Groups", page);
}

Result<json::Object> update(Call& call) {
  TRY_ASSIGN(const auto group, named_entity(call, EntityKind::Group));
  TRY(call.services.identity.entities().rename(call.transaction, group,
                                               get_string(call.input, "NewGroupName"),
                                               get_string(call.input, "NewPath")));
  return json::Object{};
}

Result<json::Object> remove(Call& call) {
  TRY_ASSIGN(const auto group, named_entity(call, EntityKind::Group));
  TRY(call.services.identity.entities().remove(call.transaction, group));
  return json::Object{};
}

Result<json::Object> add_member(Call& call) {
  TRY_ASSIGN(const auto group, named_entity(call, EntityKind::Group));
  TRY_ASSIGN(const auto user, named_entity(call, EntityKind::User));
  TRY(call.services.identity.entities().add_to_group(call.transaction, user, group));
  return json::Object{};
}

Result<json::Object> remove_member(Call& call) {
  TRY_ASSIGN(const auto group, named_entity(call, EntityKind::Group));
  TRY_ASSIGN(const auto user, named_entity(call, EntityKind::User));
  TRY(call.services.identity.entities().remove_from_group(call.transaction, user, group));
  return json::Object{};
}

Result<json::Object> list_for_user(Call& call) {
  TRY_ASSIGN(const auto user, named_entity(call, EntityKind::User));
  TRY_ASSIGN(const auto cursor, read_cursor(call.input));
  TRY_ASSIGN(const auto page,
             call.services.identity.entities().groups_of(call.transaction, user, cursor));
  return render_page("Groups", page);
}

}  // namespace

std::span<const Binding> group_bindings() {
  static const std::array bindings{Binding{&kCreate, create},
                                   Binding{&kGet, get},
                                   Binding{&kList, list},
                                   Binding{&kUpdate, update},
                                   Binding{&kDelete, remove},
                                   Binding{&kAdd, add_member},
                                   Binding{&kRemove, remove_member},
                                   Binding{&kOfUser, list_for_user}};
  return bindings;
}

}  // namespace traccia::api::iam
