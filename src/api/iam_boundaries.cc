// IAM Put and Delete of the permissions boundary of users and roles.
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "api/iam_call.h"

namespace traccia::api::iam {
namespace {

template <EntityKind kind>
constexpr Member kOwner{name_member(kind), &kName64, Presence::Required};
template <EntityKind kind>
constexpr Member kPutInput[] = {kOwner<kind>, {"PermissionsBoundary", &kArn, Presence::Required}};
template <EntityKind kind>
constexpr Shape kPutRequest = aws::structure_shape(kPutInput<kind>);
constexpr std::string_view kPutNames[] = {kNoSuchEntity, kInvalidInput, kNotAttachable, kProtected};
template <EntityKind kind>
constexpr auto kPut = change(
    pick(kind, "iam:PutUserPermissionsBoundary", {}, "iam:PutRolePermissionsBoundary"),
    on(kind, kBoundaryKeys), kPutRequest<kind>, aws::kEmptyStructure, of_kind(kind, kPutNames));

template <EntityKind kind>
constexpr Member kDeleteInput[] = {kOwner<kind>};
template <EntityKind kind>
constexpr Shape kDeleteRequest = aws::structure_shape(kDeleteInput<kind>);
template <EntityKind kind>
constexpr auto kDelete =
    change(pick(kind, "iam:DeleteUserPermissionsBoundary", {}, "iam:DeleteRolePermissionsBoundary"),
           on(kind, kBoundaryKeys), kDeleteRequest<kind>, aws::kEmptyStructure,
           of_kind(kind, kChangeErrors));

template <EntityKind kind>
Result<json::Object> put(Call& call) {
  TRY_ASSIGN(const auto entity, named_entity(call, kind));
  TRY(call.services.identity.attachments().set_boundary(
      call.transaction, entity, get_string(call.input, "PermissionsBoundary")));
  return json::Object{};
}

template <EntityKind kind>
Result<json::Object> remove(Call& call) {
  TRY_ASSIGN(const auto entity, named_entity(call, kind));
  TRY(call.services.identity.attachments().remove_boundary(call.transaction, entity));
  return json::Object{};
}

}  // namespace

std::span<const Binding> boundary_bindings() {
  static const std::array bindings{Binding{&kPut<EntityKind::User>, put<EntityKind::User>},
                                   Binding{&kDelete<EntityKind::User>, remove<EntityKind::User>},
                                   Binding{&kPut<EntityKind::Role>, put<EntityKind::Role>},
                                   Binding{&kDelete<EntityKind::Role>, remove<EntityKind::Role>}};
  return bindings;
}

}  // namespace traccia::api::iam
