// IAM Put, Get, List and Delete of the inline policies of users, groups and roles.
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "api/iam_call.h"

namespace traccia::api::iam {
namespace {

template <EntityKind kind>
constexpr Member kOwner{name_member(kind), kind == EntityKind::Role ? &kName64 : &kName128,
                        Presence::Required};
constexpr Member kPolicyName{"PolicyName", &kName128, Presence::Required};
constexpr Member kPolicyDocument{"PolicyDocument", &kDocument, Presence::Required};

// Of changes.
template <EntityKind kind>
constexpr std::span<const std::string_view> kKeys = kBoundaryKeys;
template <>
constexpr std::span<const std::string_view> kKeys<EntityKind::Group> = {};

template <EntityKind kind>
constexpr Member kPutInput[] = {kOwner<kind>, kPolicyName, kPolicyDocument};
template <EntityKind kind>
constexpr Shape kPutRequest = aws::structure_shape(kPutInput<kind>);
constexpr std::string_view kPutNames[] = {kLimitExceeded, kMalformedDocument, kNoSuchEntity,
                                          kProtected};
template <EntityKind kind>
constexpr auto kPut = change(
    pick(kind, "iam:PutUserPolicy", "iam:PutGroupPolicy", "iam:PutRolePolicy"),
    on(kind, kKeys<kind>), kPutRequest<kind>, aws::kEmptyStructure, of_kind(kind, kPutNames));

template <EntityKind kind>
constexpr Member kNameInput[] = {kOwner<kind>, kPolicyName};
template <EntityKind kind>
constexpr Shape kNameRequest = aws::structure_shape(kNameInput<kind>);
template <EntityKind kind>
constexpr Member kGetOutput[] = {{name_member(kind), &kString, Presence::Required},
                                 {"PolicyName", &kString, Presence::Required},
                                 {"PolicyDocument", &kString, Presence::Required}};
template <EntityKind kind>
constexpr Shape kGetAnswer = aws::structure_shape(kGetOutput<kind>);
template <EntityKind kind>
constexpr auto kGet =
    query(pick(kind, "iam:GetUserPolicy", "iam:GetGroupPolicy", "iam:GetRolePolicy"), on(kind),
          kNameRequest<kind>, kGetAnswer<kind>, kReadErrors);

template <EntityKind kind>
constexpr Member kListInput[] = {kOwner<kind>, {"Marker", &kMarker}, {"MaxItems", &kMaxItems}};
template <EntityKind kind>
constexpr Shape kListRequest = aws::structure_shape(kListInput<kind>);
constexpr Shape kNames = aws::list_shape(kString);
constexpr Member kListOutput[] = {
    {"PolicyNames", &kNames, Presence::Required}, {"IsTruncated", &kBoolean}, {"Marker", &kString}};
constexpr Shape kListAnswer = aws::structure_shape(kListOutput);
template <EntityKind kind>
constexpr auto kList =
    query(pick(kind, "iam:ListUserPolicies", "iam:ListGroupPolicies", "iam:ListRolePolicies"),
          on(kind), kListRequest<kind>, kListAnswer, kReadErrors);

template <EntityKind kind>
constexpr auto kDelete =
    change(pick(kind, "iam:DeleteUserPolicy", "iam:DeleteGroupPolicy", "iam:DeleteRolePolicy"),
           on(kind, kKeys<kind>), kNameRequest<kind>, aws::kEmptyStructure, kReadErrors);

template <EntityKind kind>
Result<json::Object> put(Call& call) {
  TRY_ASSIGN(const auto entity, named_entity(call, kind));
  TRY(call.services.identity.attachments().put_inline(call.transaction, entity,
                                                      get_string(call.input, "PolicyName"),
                                                      get_string(call.input, "PolicyDocument")));
  return json::Object{};
}

template <EntityKind kind>
Result<json::Object> get(Call& call) {
  TRY_ASSIGN(const auto entity, named_entity(call, kind));
  const auto name = get_string(call.input, "PolicyName");
  TRY_ASSIGN(const auto document,
             call.services.identity.attachments().get_inline(call.transaction, entity, name));
  return json::Object{{name_member(kind), entity.name},
                      {"PolicyName", name},
                      {"PolicyDocument", encode_document(document)}};
}

template <EntityKind kind>
Result<json::Object> list(Call& call) {
  TRY_ASSIGN(const auto entity, named_entity(call, kind));
  TRY_ASSIGN(const auto cursor, read_cursor(call.input));
  TRY_ASSIGN(const auto page,
             call.services.identity.attachments().list_inline(call.transaction, entity, cursor));
  json::Array names;
  for (const auto& name : page.items) names.emplace_back(name);
  json::Object out{{"PolicyNames", std::move(names)}};
  write_page(out, page.more, page.items.empty() ? "" : page.items.back());
  return out;
}

template <EntityKind kind>
Result<json::Object> remove(Call& call) {
  TRY_ASSIGN(const auto entity, named_entity(call, kind));
  TRY(call.services.identity.attachments().remove_inline(call.transaction, entity,
                                                         get_string(call.input, "PolicyName")));
  return json::Object{};
}

template <EntityKind kind>
constexpr std::array kBindings{Binding{&kPut<kind>, put<kind>}, Binding{&kGet<kind>, get<kind>},
                               Binding{&kList<kind>, list<kind>},
                               Binding{&kDelete<kind>, remove<kind>}};

}  // namespace

std::span<const Binding> inline_policy_bindings() {
  static const auto bindings = [] {
    std::vector<Binding> out;
    for (const auto& some :
         {kBindings<EntityKind::User>, kBindings<EntityKind::Group>, kBindings<EntityKind::Role>}) {
      out.insert(out.end(), some.begin(), some.end());
    }
    return out;
  }();
  return bindings;
}

}  // namespace traccia::api::iam
