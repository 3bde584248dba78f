// Organizations Create-, Describe-, Update-, DeleteOrganizationalUnit,
// ListOrganizationalUnitsForParent, ListParents, ListChildren.
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "api/organizations_call.h"

namespace traccia::api::organizations {
namespace {

constexpr std::string_view kUnitNotFound = "OrganizationalUnitNotFoundException";
constexpr std::string_view kDuplicateUnit = "DuplicateOrganizationalUnitException";

constexpr Member kUnitOutput[] = {{"OrganizationalUnit", &kUnit}};
constexpr Shape kUnitAnswer = aws::structure_shape(kUnitOutput);

constexpr Member kCreateInput[] = {{"ParentId", &kString, Presence::Required},
                                   {"Name", &kString, Presence::Required},
                                   {"Tags", &kTags}};
constexpr Shape kCreateRequest = aws::structure_shape(kCreateInput);
constexpr std::string_view kCreateErrors[] = {kAccessDenied,  kNotInUse,     kConstraint,
                                              kDuplicateUnit, kInvalidInput, kParentNotFound};
constexpr aws::Access kMakeAccess{
    .resource = "resource", .named_by = "ParentId", .keys = kTagKeys, .tag_action = kTagging};
constexpr auto kCreate = change("organizations:CreateOrganizationalUnit", kCreateRequest,
                                kUnitAnswer, kCreateErrors, kMakeAccess);

constexpr Member kUnitInput[] = {{"OrganizationalUnitId", &kString, Presence::Required}};
constexpr Shape kUnitRequest = aws::structure_shape(kUnitInput);
constexpr std::string_view kDescribeErrors[] = {kAccessDenied, kNotInUse, kInvalidInput,
                                                kUnitNotFound};
constexpr auto kDescribe = query("organizations:DescribeOrganizationalUnit", kUnitRequest,
                                 kUnitAnswer, kDescribeErrors, on("OrganizationalUnitId"));
constexpr std::string_view kDeleteErrors[] = {kAccessDenied, kNotInUse, kInvalidInput,
                                              kUnitNotFound, "OrganizationalUnitNotEmptyException"};
constexpr auto kDelete = change("organizations:DeleteOrganizationalUnit", kUnitRequest,
                                aws::kEmptyStructure, kDeleteErrors, on("OrganizationalUnitId"));

constexpr Member kUpdateInput[] = {{"OrganizationalUnitId", &kString, Presence::Required},
                                   {"Name", &kString}};
constexpr Shape kUpdateRequest = aws::structure_shape(kUpdateInput);
constexpr std::string_view kUpdateErrors[] = {kAccessDenied, kNotInUse, kInvalidInput,
                                              kUnitNotFound, kDuplicateUnit};
constexpr auto kUpdate = change("organizations:UpdateOrganizationalUnit", kUpdateRequest,
                                kUnitAnswer, kUpdateErrors, on("OrganizationalUnitId"));

constexpr Member kListInput[] = {
    {"ParentId", &kString, Presence::Required}, kNextToken, kMaxResults};
constexpr Shape kListRequest = aws::structure_shape(kListInput);
constexpr Member kListOutput[] = {{"OrganizationalUnits", &kUnits}, kNextToken};
constexpr Shape kListAnswer = aws::structure_shape(kListOutput);
constexpr std::string_view kListErrors[] = {kAccessDenied, kNotInUse, kInvalidInput,
                                            kParentNotFound};
constexpr auto kList = query("organizations:ListOrganizationalUnitsForParent", kListRequest,
                             kListAnswer, kListErrors, on("ParentId"));

constexpr Member kNodeMembers[] = {{"Id", &kString}, {"Type", &kString}};
constexpr Shape kNode = aws::structure_shape(kNodeMembers);
constexpr Shape kNodes = aws::list_shape(kNode);
constexpr Member kParentsInput[] = {
    {"ChildId", &kString, Presence::Required}, kNextToken, kMaxResults};
constexpr Shape kParentsRequest = aws::structure_shape(kParentsInput);
constexpr Member kParentsOutput[] = {{"Parents", &kNodes}, kNextToken};
constexpr Shape kParentsAnswer = aws::structure_shape(kParentsOutput);
constexpr std::string_view kParentsErrors[] = {kAccessDenied, kNotInUse, kInvalidInput,
                                               "ChildNotFoundException"};
constexpr auto kListParents = query("organizations:ListParents", kParentsRequest, kParentsAnswer,
                                    kParentsErrors, on("ChildId"));

constexpr std::string_view kChildTypes[] = {"ACCOUNT", "ORGANIZATIONAL_UNIT"};
constexpr Shape kChildType = aws::enum_shape(kChildTypes);
constexpr Member kChildrenInput[] = {{"ParentId", &kString, Presence::Required},
                                     {"ChildType", &kChildType, Presence::Required},
                                     kNextToken,
                                     kMaxResults};
constexpr Shape kChildrenRequest = aws::structure_shape(kChildrenInput);
constexpr Member kChildrenOutput[] = {{"Children", &kNodes}, kNextToken};
constexpr Shape kChildrenAnswer = aws::structure_shape(kChildrenOutput);
constexpr auto kListChildren = query("organizations:ListChildren", kChildrenRequest,
                                     kChildrenAnswer, kListErrors, on("ParentId"));

Result<json::Object> answer(Call& call, const Organization& organization,
                            const organization::Unit& unit) {
  TRY_ASSIGN(auto rendered, render(call, organization, unit));
  return json::Object{{"OrganizationalUnit", std::move(rendered)}};
}

Result<json::Object> create(Call& call) {
  TRY_ASSIGN(const auto organization, managed_organization(call));
  TRY_ASSIGN(const auto parent, read_text(call.input, "ParentId", is_parent_id));
  TRY_ASSIGN(const auto name, read_name(call.input, "Name"));
  TRY_ASSIGN(const auto tags, read_tags(call.input));
  TRY_ASSIGN(const auto unit, tree(call).create_unit(call.transaction, organization, parent, name));
  TRY(organization::set_tags(call.transaction, organization, unit.id, tags));
  return answer(call, organization, unit);
}

Result<json::Object> describe(Call& call) {
  TRY_ASSIGN(const auto organization, readable_organization(call));
  TRY_ASSIGN(const auto id, read_text(call.input, "OrganizationalUnitId", is_unit_id));
  TRY_ASSIGN(const auto unit, tree(call).get_unit(call.transaction, organization, id));
  return answer(call, organization, unit);
}

Result<json::Object> update(Call& call) {
  TRY_ASSIGN(const auto organization, managed_organization(call));
  TRY_ASSIGN(const auto id, read_text(call.input, "OrganizationalUnitId", is_unit_id));
  if (!optional_string(call.input, "Name")) {
    TRY_ASSIGN(const auto same, tree(call).get_unit(call.transaction, organization, id));
    return answer(call, organization, same);
  }
  TRY_ASSIGN(const auto name, read_name(call.input, "Name"));
  TRY_ASSIGN(const auto unit, tree(call).rename_unit(call.transaction, organization, id, name));
  return answer(call, organization, unit);
}

Result<json::Object> remove(Call& call) {
  TRY_ASSIGN(const auto organization, managed_organization(call));
  TRY_ASSIGN(const auto id, read_text(call.input, "OrganizationalUnitId", is_unit_id));
  TRY(tree(call).remove_unit(call.transaction, organization, id));
  return json::Object{};
}

// The parent that the request names.
Result<std::string> named_parent(Call& call, const Organization& organization) {
  TRY_ASSIGN(auto parent, read_text(call.input, "ParentId", is_parent_id));
  TRY(tree(call).check_parent(call.transaction, organization, parent));
  return parent;
}

Result<json::Object> list(Call& call) {
  TRY_ASSIGN(const auto organization, readable_organization(call));
  TRY_ASSIGN(const auto parent, named_parent(call, organization));
  TRY_ASSIGN(const auto cursor, read_cursor(call.input));
  TRY_ASSIGN(const auto page, tree(call).units_of(call.transaction, parent, cursor));
  json::Array units;
  for (const auto& unit : page.items) {
    TRY_ASSIGN(auto rendered, render(call, organization, unit));
    units.push_back(std::move(rendered));
  }
  json::Object out{{"OrganizationalUnits", std::move(units)}};
  write_page(out, page.more, page.items.empty() ? "" : page.items.back().id);
  return out;
}

Result<std::string> parent_of(Call& call, const Organization& organization,
                              const std::string& child) {
  if (is_unit_id(child)) {
    TRY_ASSIGN(const auto unit, tree(call).get_unit(call.transaction, organization, child));
    return unit.parent;
  }
  TRY_ASSIGN(const auto member, tree(call).get_member(call.transaction, organization, child));
  return member.parent;
}

Result<json::Object> list_parents(Call& call) {
  TRY_ASSIGN(const auto organization, readable_organization(call));
  TRY_ASSIGN(const auto child, read_text(call.input, "ChildId", is_child_id));
  TRY_ASSIGN(const auto cursor, read_cursor(call.input));
  const auto parent = parent_of(call, organization, child);
  if (!parent && parent.error().code() == ErrorCode::NotFound) {
    return fail(ErrorCode::NotFound, "ChildNotFound", "You specified a child that doesn't exist.");
  }
  if (!parent) return std::unexpected(parent.error());
  json::Array parents;
  if (cursor.after.empty()) {
    const auto* type = is_root_id(*parent) ? "ROOT" : "ORGANIZATIONAL_UNIT";
    parents.push_back(json::Object{{"Id", *parent}, {"Type", type}});
  }
  return json::Object{{"Parents", std::move(parents)}};
}

Result<json::Object> list_children(Call& call) {
  TRY_ASSIGN(const auto organization, readable_organization(call));
  TRY_ASSIGN(const auto parent, named_parent(call, organization));
  TRY_ASSIGN(const auto cursor, read_cursor(call.input));
  const auto type = get_string(call.input, "ChildType");
  std::vector<std::string> ids;
  bool more = false;
  if (type == "ACCOUNT") {
    TRY_ASSIGN(const auto page, tree(call).members(call.transaction, organization, parent, cursor));
    for (const auto& member : page.items) ids.push_back(member.account.id);
    more = page.more;
  } else {
    TRY_ASSIGN(const auto page, tree(call).units_of(call.transaction, parent, cursor));
    for (const auto& unit : page.items) ids.push_back(unit.id);
    more = page.more;
  }
  json::Array children;
  for (const auto& id : ids) children.push_back(json::Object{{"Id", id}, {"Type", type}});
  json::Object out{{"Children", std::move(children)}};
  write_page(out, more, ids.empty() ? "" : ids.back());
  return out;
}

}  // namespace

std::span<const Binding> unit_bindings() {
  static const std::array bindings{Binding{&kCreate, create},
                                   Binding{&kDescribe, describe},
                                   Binding{&kUpdate, update},
                                   Binding{&kDelete, remove},
                                   Binding{&kList, list},
                                   Binding{&kListParents, list_parents},
                                   Binding{&kListChildren, list_children}};
  return bindings;
}

}  // namespace traccia::api::organizations
