// Organizations CreateOrganization, DescribeOrganization, DeleteOrganization, ListRoots.
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "api/organizations_call.h"

namespace traccia::api::organizations {
namespace {

constexpr Member kOrganizationOutput[] = {{"Organization", &kOrganization}};
constexpr Shape kOrganizationAnswer = aws::structure_shape(kOrganizationOutput);

constexpr std::string_view kFeatureSets[] = {"ALL", "CONSOLIDATED_BILLING"};
constexpr Shape kFeatureSet = aws::enum_shape(kFeatureSets);
constexpr Member kCreateInput[] = {{"FeatureSet", &kFeatureSet}};
constexpr Shape kCreateRequest = aws::structure_shape(kCreateInput);
constexpr std::string_view kCreateErrors[] = {kAccessDenied, "AlreadyInOrganizationException",
                                              kInvalidInput};
constexpr auto kCreate =
    change("organizations:CreateOrganization", kCreateRequest, kOrganizationAnswer, kCreateErrors);

constexpr std::string_view kDescribeErrors[] = {kAccessDenied, kNotInUse};
constexpr auto kDescribe = query("organizations:DescribeOrganization", aws::kEmptyStructure,
                                 kOrganizationAnswer, kDescribeErrors);

constexpr std::string_view kDeleteErrors[] = {kAccessDenied, kNotInUse,
                                              "OrganizationNotEmptyException"};
constexpr auto kDelete = change("organizations:DeleteOrganization", aws::kEmptyStructure,
                                aws::kEmptyStructure, kDeleteErrors);

constexpr Member kRootsInput[] = {kNextToken, kMaxResults};
constexpr Shape kRootsRequest = aws::structure_shape(kRootsInput);
constexpr Member kRootsOutput[] = {{"Roots", &kRoots}, kNextToken};
constexpr Shape kRootsAnswer = aws::structure_shape(kRootsOutput);
constexpr std::string_view kRootsErrors[] = {kAccessDenied, kNotInUse, kInvalidInput};
constexpr auto kListRoots =
    query("organizations:ListRoots", kRootsRequest, kRootsAnswer, kRootsErrors);

Result<json::Object> answer(Call& call, const Organization& organization) {
  TRY_ASSIGN(const auto management, call.services.identity.accounts().get(
                                        call.transaction, organization.management_account));
  return json::Object{{"Organization", render(organization, management.email)}};
}

Result<json::Object> create(Call& call) {
  const auto features = optional_string(call.input, "FeatureSet").value_or(std::string("ALL"));
  TRY_ASSIGN(const auto made,
             call.services.organizations.create(
                 call.transaction, call.caller.principal.account_id,
                 features == "ALL" ? organization::FeatureSet::All
                                   : organization::FeatureSet::ConsolidatedBilling));
  TRY(tell_joined(call, made, made.management_account, organization::JoinedMethod::Invited));
  return answer(call, made);
}

Result<json::Object> describe(Call& call) {
  TRY_ASSIGN(const auto organization, own_organization(call));
  return answer(call, organization);
}

Result<json::Object> remove(Call& call) {
  TRY_ASSIGN(const auto organization, managed_organization(call));
  TRY(call.services.organizations.remove(call.transaction, organization));
  TRY(tell_departed(call, organization, organization.management_account, Departure::Left));
  return json::Object{};
}

Result<json::Object> list_roots(Call& call) {
  TRY_ASSIGN(const auto organization, readable_organization(call));
  TRY_ASSIGN(const auto cursor, read_cursor(call.input));
  json::Array roots;
  if (cursor.after.empty()) roots.push_back(render_root(organization));
  return json::Object{{"Roots", std::move(roots)}};
}

}  // namespace

std::span<const Binding> organization_bindings() {
  static const std::array bindings{Binding{&kCreate, create}, Binding{&kDescribe, describe},
                                   Binding{&kDelete, remove}, Binding{&kListRoots, list_roots}};
  return bindings;
}

}  // namespace traccia::api::organizations
