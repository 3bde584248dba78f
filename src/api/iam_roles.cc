// IAM roles: CreateRole, GetRole, ListRoles, UpdateRole, UpdateRoleDescription,
// UpdateAssumeRolePolicy, DeleteRole. SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "api/iam_call.h"

namespace traccia::api::iam {
namespace {

constexpr Shape kDescription = aws::string_shape(
    0, 1000, {"[\\u0009\\u000A\\u000D\\u0020-\\u007E\\u00A1-\\u00FF]*", is_latin_text});
constexpr Shape kSession = aws::integer_shape(3600, 43'200);

constexpr Member kOneOutput[] = {{"Role", &kRole, Presence::Required}};
constexpr Shape kOneAnswer = aws::structure_shape(kOneOutput);
constexpr Member kMaybeOutput[] = {{"Role", &kRole}};
constexpr Shape kMaybeAnswer = aws::structure_shape(kMaybeOutput);
constexpr Member kNameInput[] = {{"RoleName", &kName64, Presence::Required}};
constexpr Shape kNameRequest = aws::structure_shape(kNameInput);

constexpr Member kCreateInput[] = {{"Path", &kPath},
                                   {"RoleName", &kName64, Presence::Required},
                                   {"AssumeRolePolicyDocument", &kDocument, Presence::Required},
                                   {"Description", &kDescription},
                                   {"MaxSessionDuration", &kSession},
                                   {"PermissionsBoundary", &kArn},
                                   {"Tags", &kTags}};
constexpr Shape kCreateRequest = aws::structure_shape(kCreateInput);
constexpr std::string_view kCreateErrors[] = {kLimitExceeded, kInvalidInput, kAlreadyExists,
                                              kMalformedDocument};
constexpr aws::Access kMakeAccess{.resource = "role",
                                  .named_by = "RoleName",
                                  .existence = aws::Existence::Made,
                                  .keys = kMakeKeys,
                                  .tag_action = "iam:TagRole"};
constexpr auto kCreate =
    change("iam:CreateRole", kMakeAccess, kCreateRequest, kOneAnswer, kCreateErrors);

constexpr auto kGet = query("iam:GetRole", on(EntityKind::Role, kBoundaryKeys), kNameRequest,
                            kOneAnswer, kReadErrors);

constexpr Member kListInput[] = {
    {"PathPrefix", &kPathPrefix}, {"Marker", &kMarker}, {"MaxItems", &kMaxItems}};
constexpr Shape kListRequest = aws::structure_shape(kListInput);
constexpr Member kListOutput[] = {
    {"Roles", &kRoles, Presence::Required}, {"IsTruncated", &kBoolean}, {"Marker", &kString}};
constexpr Shape kListAnswer = aws::structure_shape(kListOutput);
constexpr auto kList = query("iam:ListRoles", on_path(EntityKind::Role), kListRequest, kListAnswer);

constexpr Member kUpdateInput[] = {{"RoleName", &kName64, Presence::Required},
                                   {"Description", &kDescription},
                                   {"MaxSessionDuration", &kSession}};
constexpr Shape kUpdateRequest = aws::structure_shape(kUpdateInput);
constexpr Shape kUpdateAnswer = aws::structure_shape({});
constexpr auto kUpdate = change("iam:UpdateRole", on(EntityKind::Role, kBoundaryKeys),
                                kUpdateRequest, kUpdateAnswer, kChangeErrors);

constexpr Member kDescribeInput[] = {{"RoleName", &kName64, Presence::Required},
                                     {"Description", &kDescription, Presence::Required}};
constexpr Shape kDescribeRequest = aws::structure_shape(kDescribeInput);
constexpr auto kDescribe = change("iam:UpdateRoleDescription", on(EntityKind::Role, kBoundaryKeys),
                                  kDescribeRequest, kMaybeAnswer, kChangeErrors);

constexpr Member kTrustInput[] = {{"RoleName", &kName64, Presence::Required},
                                  {"PolicyDocument", &kDocument, Presence::Required}};
constexpr Shape kTrustRequest = aws::structure_shape(kTrustInput);
constexpr std::string_view kTrustErrors[] = {kNoSuchEntity, kMalformedDocument, kLimitExceeded,
                                             kProtected};
constexpr auto kTrust = change("iam:UpdateAssumeRolePolicy", on(EntityKind::Role, kBoundaryKeys),
                               kTrustRequest, aws::kEmptyStructure, kTrustErrors);

constexpr std::string_view kDeleteErrors[] = {kNoSuchEntity, kDeleteConflict, kProtected};
constexpr auto kDelete = change("iam:DeleteRole", on(EntityKind::Role, kBoundaryKeys), kNameRequest,
                                aws::kEmptyStructure, kDeleteErrors);

Result<json::Object> answer(Call& call, const identity::Entity& role) {
  TRY_ASSIGN(auto rendered, render_in_full(call, role));
  return json::Object{{"Role", std::move(rendered)}};
}

Result<json::Object> create(Call& call) {
  auto& identity = call.services.identity;
  const auto path = optional_string(call.input, "Path").value_or("/");
  if (path.starts_with(identity::kServiceRolePath)) {
    return fail(ErrorCode::InvalidArgument, "InvalidInput",
                fmt::format("The path {} is reserved for service-linked roles.",
                            identity::kServiceRolePath));
  }
  TRY_ASSIGN(const auto tags, read_tags(call.input));
  identity::RoleDetails details{
      .trust = get_string(call.input, "AssumeRolePolicyDocument"),
      .description = get_string(call.input, "Description"),
      .session_seconds_max = optional_integer(call.input, "MaxSessionDuration").value_or(3600)};
  TRY_ASSIGN(auto role, identity.entities().create(call.transaction,
                                                   {.kind = EntityKind::Role,
                                                    .account_id = call.caller.principal.account_id,
                                                    .name = get_string(call.input, "RoleName"),
                                                    .path = path,
                                                    .role = std::move(details)}));
  if (const auto boundary = optional_string(call.input, "PermissionsBoundary")) {
    TRY(identity.attachments().set_boundary(call.transaction, role, *boundary));
    role.boundary = *boundary;
  }
  TRY(identity::set_tags(call.transaction, role.id, tags));
  return answer(call, role);
}

Result<json::Object> get(Call& call) {
  TRY_ASSIGN(const auto role, named_entity(call, EntityKind::Role));
  return answer(call, role);
}

Result<json::Object> list(Call& call) {
  TRY_ASSIGN(const auto cursor, read_cursor(call.input));
  const auto prefix = optional_string(call.input, "PathPrefix").value_or("/");
  TRY_ASSIGN(const auto page, call.services.identity.entities().list(
                                  call.transaction, call.caller.principal.account_id,
                                  EntityKind::Role, prefix, cursor));
  json::Array roles;
  for (const auto& role : page.items) roles.push_back(render(role));
  json::Object out{{"Roles", std::move(roles)}};
  write_page(out, page.more, page.items.empty() ? "" : page.items.back().name);
  return out;
}

// What the request leaves out stays.
Result<json::Object> update(Call& call) {
  TRY_ASSIGN(auto role, named_entity(call, EntityKind::Role));
  auto& details = role.role;
  if (auto text = optional_string(call.input, "Description")) details.description = *text;
  if (auto seconds = optional_integer(call.input, "MaxSessionDuration")) {
    details.session_seconds_max = *seconds;
  }
  TRY(call.services.identity.entities().update_role(call.transaction, role));
  return json::Object{};
}

Result<json::Object> update_description(Call& call) {
  TRY_ASSIGN(auto role, named_entity(call, EntityKind::Role));
  role.role.description = get_string(call.input, "Description");
  TRY(call.services.identity.entities().update_role(call.transaction, role));
  return answer(call, role);
}

Result<json::Object> update_trust(Call& call) {
  TRY_ASSIGN(const auto role, named_entity(call, EntityKind::Role));
  TRY(call.services.identity.entities().set_trust(call.transaction, role,
                                                  get_string(call.input, "PolicyDocument")));
  return json::Object{};
}

Result<json::Object> remove(Call& call) {
  TRY_ASSIGN(const auto role, named_entity(call, EntityKind::Role));
  TRY(call.services.identity.entities().remove(call.transaction, role));
  return json::Object{};
}

}  // namespace

std::span<const Binding> role_bindings() {
  static const std::array bindings{
      Binding{&kCreate, create},      Binding{&kGet, get},
      Binding{&kList, list},          Binding{&kUpdate, update},
      Binding{&kTrust, update_trust}, Binding{&kDescribe, update_description},
      Binding{&kDelete, remove}};
  return bindings;
}

}  // namespace traccia::api::iam
