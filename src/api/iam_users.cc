// IAM CreateUser, GetUser, ListUsers, UpdateUser, DeleteUser.
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "api/iam_call.h"

namespace traccia::api::iam {
namespace {

constexpr Member kCreateInput[] = {{"Path", &kPath},
                                   {"UserName", &kName64, Presence::Required},
                                   {"PermissionsBoundary", &kArn},
                                   {"Tags", &kTags}};
constexpr Shape kCreateRequest = aws::structure_shape(kCreateInput);
constexpr Member kCreateOutput[] = {{"User", &kUser}};
constexpr Shape kCreateAnswer = aws::structure_shape(kCreateOutput);
constexpr std::string_view kCreateErrors[] = {kLimitExceeded, kAlreadyExists, kNoSuchEntity,
                                              kInvalidInput};
constexpr aws::Access kMakeAccess{.resource = "user",
                                  .named_by = "UserName",
                                  .existence = aws::Existence::Made,
                                  .keys = kMakeKeys,
                                  .tag_action = "iam:TagUser"};
constexpr auto kCreate =
    change("iam:CreateUser", kMakeAccess, kCreateRequest, kCreateAnswer, kCreateErrors);

constexpr Member kGetInput[] = {{"UserName", &kName128}};
constexpr Shape kGetRequest = aws::structure_shape(kGetInput);
constexpr Member kGetOutput[] = {{"User", &kUser, Presence::Required}};
constexpr Shape kGetAnswer = aws::structure_shape(kGetOutput);
constexpr auto kGet =
    query("iam:GetUser", on(EntityKind::User), kGetRequest, kGetAnswer, kReadErrors);

constexpr Member kListInput[] = {
    {"PathPrefix", &kPathPrefix}, {"Marker", &kMarker}, {"MaxItems", &kMaxItems}};
constexpr Shape kListRequest = aws::structure_shape(kListInput);
constexpr Member kListOutput[] = {
    {"Users", &kUsers, Presence::Required}, {"IsTruncated", &kBoolean}, {"Marker", &kString}};
constexpr Shape kListAnswer = aws::structure_shape(kListOutput);
constexpr auto kList = query("iam:ListUsers", on_path(EntityKind::User), kListRequest, kListAnswer);

constexpr Member kUpdateInput[] = {
    {"UserName", &kName128, Presence::Required}, {"NewPath", &kPath}, {"NewUserName", &kName64}};
constexpr Shape kUpdateRequest = aws::structure_shape(kUpdateInput);
constexpr std::string_view kUpdateErrors[] = {kNoSuchEntity, kAlreadyExists};
constexpr auto kUpdate = change("iam:UpdateUser", on(EntityKind::User), kUpdateRequest,
                                aws::kEmptyStructure, kUpdateErrors);

constexpr Member kDeleteInput[] = {{"UserName", &kName128, Presence::Required}};
constexpr Shape kDeleteRequest = aws::structure_shape(kDeleteInput);
constexpr std::string_view kDeleteErrors[] = {kNoSuchEntity, kDeleteConflict};
constexpr auto kDelete = change("iam:DeleteUser", on(EntityKind::User), kDeleteRequest,
                                aws::kEmptyStructure, kDeleteErrors);

Result<json::Object> create(Call& call) {
  auto& identity = call.services.identity;
  TRY_ASSIGN(const auto tags, read_tags(call.input));
  TRY_ASSIGN(auto user,
             identity.entities().create(
                 call.transaction, {.account_id = call.caller.principal.account_id,
                                    .name = get_string(call.input, "UserName"),
                                    .path = optional_string(call.input, "Path").value_or("/")}));
  if (const auto boundary = optional_string(call.input, "PermissionsBoundary")) {
    TRY(identity.attachments().set_boundary(call.transaction, user, *boundary));
    user.boundary = *boundary;
  }
  TRY(identity::set_tags(call.transaction, user.id, tags));
  TRY_ASSIGN(auto rendered, render_in_full(call, user));
  return json::Object{{"User", std::move(rendered)}};
}

// The root user is no entity of IAM, and yet GetUser tells of it; as AWS does, without a name.
Result<json::Object> get_root(Call& call) {
  const auto& principal = call.caller.principal;
  TRY_ASSIGN(const auto created,
             call.services.identity.account_created(call.transaction, principal.account_id));
  return json::Object{{"UserId", principal.account_id},
                      {"Arn", principal.arn},
                      {"CreateDate", aws::encode_timestamp(floor_seconds(created))}};
}

Result<json::Object> get(Call& call) {
  const bool root = call.caller.principal.type == identity::PrincipalType::Root;
  if (root && !optional_string(call.input, "UserName")) {
    TRY_ASSIGN(auto rendered, get_root(call));
    return json::Object{{"User", std::move(rendered)}};
  }
  TRY_ASSIGN(const auto user, named_user_or_caller(call));
  TRY_ASSIGN(auto rendered, render_in_full(call, user));
  return json::Object{{"User", std::move(rendered)}};
}

Result<json::Object> list(Call& call) {
  TRY_ASSIGN(const auto cursor, read_cursor(call.input));
  const auto prefix = optional_string(call.input, "PathPrefix").value_or("/");
  TRY_ASSIGN(const auto page, call.services.identity.entities().list(
                                  call.transaction, call.caller.principal.account_id,
                                  EntityKind::User, prefix, cursor));
  json::Array users;
  for (const auto& user : page.items) {
    auto rendered = render(user);
    TRY(add_last_signin(call, user, rendered));
    users.push_back(std::move(rendered));
  }
  json::Object out{{"Users", std::move(users)}};
  write_page(out, page.more, page.items.empty() ? "" : page.items.back().name);
  return out;
}

Result<json::Object> update(Call& call) {
  TRY_ASSIGN(const auto user, named_entity(call, EntityKind::User));
  TRY(call.services.identity.entities().rename(call.transaction, user,
                                               get_string(call.input, "NewUserName"),
                                               get_string(call.input, "NewPath")));
  return json::Object{};
}

Result<json::Object> remove(Call& call) {
  TRY_ASSIGN(const auto user, named_entity(call, EntityKind::User));
  TRY(call.services.identity.entities().remove(call.transaction, user));
  return json::Object{};
}

}  // namespace

std::span<const Binding> user_bindings() {
  static const std::array bindings{Binding{&kCreate, create}, Binding{&kGet, get},
                                   Binding{&kList, list}, Binding{&kUpdate, update},
                                   Binding{&kDelete, remove}};
  return bindings;
}

}  // namespace traccia::api::iam
