// Organizations Enable-, DisableAWSServiceAccess, ListAWSServiceAccessForOrganization, Register-,
// DeregisterDelegatedAdministrator, ListDelegatedAdministrators, ListDelegatedServicesForAccount.
// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "api/organizations_call.h"

namespace traccia::api::organizations {
namespace {

constexpr Member kServiceInput[] = {{"ServicePrincipal", &kString, Presence::Required}};
constexpr Shape kServiceRequest = aws::structure_shape(kServiceInput);
constexpr std::string_view kServiceErrors[] = {kAccessDenied, kNotInUse, kConstraint,
                                               kInvalidInput};
constexpr auto kEnable = change("organizations:EnableAWSServiceAccess", kServiceRequest,
                                aws::kEmptyStructure, kServiceErrors, with(kServiceKeys));
constexpr auto kDisable = change("organizations:DisableAWSServiceAccess", kServiceRequest,
                                 aws::kEmptyStructure, kServiceErrors, with(kServiceKeys));

constexpr Member kEnabledMembers[] = {{"ServicePrincipal", &kString}, {"DateEnabled", &kTimestamp}};
constexpr Shape kEnabled = aws::structure_shape(kEnabledMembers);
constexpr Shape kEnabledList = aws::list_shape(kEnabled);
constexpr Member kListInput[] = {kNextToken, kMaxResults};
constexpr Shape kListRequest = aws::structure_shape(kListInput);
constexpr Member kListOutput[] = {{"EnabledServicePrincipals", &kEnabledList}, kNextToken};
constexpr Shape kListAnswer = aws::structure_shape(kListOutput);
constexpr auto kList = query("organizations:ListAWSServiceAccessForOrganization", kListRequest,
                             kListAnswer, kServiceErrors);

constexpr Member kDelegateInput[] = {{"AccountId", &kString, Presence::Required},
                                     {"ServicePrincipal", &kString, Presence::Required}};
constexpr Shape kDelegateRequest = aws::structure_shape(kDelegateInput);
constexpr std::string_view kRegisterErrors[] = {
    kAccessDenied, kNotInUse,        kConstraint,
    kInvalidInput, kAccountNotFound, "AccountAlreadyRegisteredException"};
constexpr auto kRegister =
    change("organizations:RegisterDelegatedAdministrator", kDelegateRequest, aws::kEmptyStructure,
           kRegisterErrors, on("AccountId", kServiceKeys));
constexpr std::string_view kDeregisterErrors[] = {
    kAccessDenied, kNotInUse,        kConstraint,
    kInvalidInput, kAccountNotFound, "AccountNotRegisteredException"};
constexpr auto kDeregister =
    change("organizations:DeregisterDelegatedAdministrator", kDelegateRequest, aws::kEmptyStructure,
           kDeregisterErrors, on("AccountId", kServiceKeys));

constexpr Member kAdministratorMembers[] = {
    {"Id", &kString},
    {"Arn", &kString},
    {"Email", &kString, Presence::Optional, Sensitivity::Masked},
    {"Name", &kString, Presence::Optional, Sensitivity::Masked},
    {"Status", &kString},
    {"State", &kString},
    {"JoinedMethod", &kString},
    {"JoinedTimestamp", &kTimestamp},
    {"DelegationEnabledDate", &kTimestamp}};
constexpr Shape kAdministrator = aws::structure_shape(kAdministratorMembers);
constexpr Shape kAdministrators = aws::list_shape(kAdministrator);
constexpr Member kAdministratorsInput[] = {{"ServicePrincipal", &kString}, kNextToken, kMaxResults};
constexpr Shape kAdministratorsRequest = aws::structure_shape(kAdministratorsInput);
constexpr Member kAdministratorsOutput[] = {{"DelegatedAdministrators", &kAdministrators},
                                            kNextToken};
constexpr Shape kAdministratorsAnswer = aws::structure_shape(kAdministratorsOutput);
constexpr auto kListAdministrators =
    query("organizations:ListDelegatedAdministrators", kAdministratorsRequest,
          kAdministratorsAnswer, kServiceErrors, with(kServiceKeys));

constexpr Member kDelegatedMembers[] = {{"ServicePrincipal", &kString},
                                        {"DelegationEnabledDate", &kTimestamp}};
constexpr Shape kDelegated = aws::structure_shape(kDelegatedMembers);
constexpr Shape kDelegatedList = aws::list_shape(kDelegated);
constexpr Member kServicesInput[] = {
    {"AccountId", &kString, Presence::Required}, kNextToken, kMaxResults};
constexpr Shape kServicesRequest = aws::structure_shape(kServicesInput);
constexpr Member kServicesOutput[] = {{"DelegatedServices", &kDelegatedList}, kNextToken};
constexpr Shape kServicesAnswer = aws::structure_shape(kServicesOutput);
constexpr auto kListServices =
    query("organizations:ListDelegatedServicesForAccount", kServicesRequest, kServicesAnswer,
          kDeregisterErrors, on("AccountId"));

// "cloudtrail.amazonaws.com": any service may be named, since this server does not know all.
Result<std::string> read_service(const json::Object& input) {
  const auto name = get_string(input, "ServicePrincipal");
  if (!is_service(name)) return invalid_pattern();
  if (name.ends_with(".amazonaws.com")) return name;
  return fail(ErrorCode::InvalidArgument, "InvalidInput/UNRECOGNIZED_SERVICE_PRINCIPAL",
              "You specified an unrecognized service principal.");
}

// Trust needs all features ("EnableAWSServiceAccess").
Result<Organization> trusting_organization(Call& call) {
  TRY_ASSIGN(auto organization, managed_organization(call));
  if (organization.features == organization::FeatureSet::All) return organization;
  return fail(ErrorCode::FailedPrecondition,
              "ConstraintViolation/ORGANIZATION_NOT_IN_ALL_FEATURES_MODE",
              "This operation requires that all features are enabled in the organization.");
}

Result<json::Object> enable(Call& call) {
  TRY_ASSIGN(const auto organization, trusting_organization(call));
  TRY_ASSIGN(const auto service, read_service(call.input));
  TRY(organization::trust_service(call.transaction, organization, service, call.now));
  return json::Object{};
}

Result<json::Object> disable(Call& call) {
  TRY_ASSIGN(const auto organization, managed_organization(call));
  TRY_ASSIGN(const auto service, read_service(call.input));
  TRY(organization::distrust_service(call.transaction, organization, service));
  return json::Object{};
}

json::Object render(const identity::Page<organization::Dated>& page, std::string_view list,
                    std::string_view date) {
  json::Array services;
  for (const auto& [service, since] : page.items) {
    services.push_back(
        json::Object{{"ServicePrincipal", service}, {date, organizations::render(since)}});
  }
  json::Object out{{list, std::move(services)}};
  write_page(out, page.more, page.items.empty() ? "" : page.items.back().what);
  return out;
}

Result<json::Object> list(Call& call) {
  TRY_ASSIGN(const auto organization, readable_organization(call));
  TRY_ASSIGN(const auto cursor, read_cursor(call.input));
  TRY_ASSIGN(const auto page, organization::list_trusted(call.transaction, organization, cursor));
  return render(page, "EnabledServicePrincipals", "DateEnabled");
}

// The account of the organization that the request names.
Result<organization::Member> named_member(Call& call, const Organization& organization) {
  TRY_ASSIGN(const auto account, read_text(call.input, "AccountId", is_account_id));
  return tree(call).get_member(call.transaction, organization, account);
}

Result<json::Object> register_administrator(Call& call) {
  TRY_ASSIGN(const auto organization, trusting_organization(call));
  TRY_ASSIGN(const auto member, named_member(call, organization));
  TRY_ASSIGN(const auto service, read_service(call.input));
  TRY_ASSIGN(const bool trusted,
             organization::trusts_service(call.transaction, organization, service));
  if (!trusted) {
    return fail(ErrorCode::FailedPrecondition, "ConstraintViolation/SERVICE_ACCESS_NOT_ENABLED",
                "You attempted to register a delegated administrator before you enabled service "
                "access.");
  }
  if (member.account.state == identity::AccountState::Closed) {
    return fail(ErrorCode::FailedPrecondition,
                "ConstraintViolation/CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR",
                "You cannot register a suspended account as a delegated administrator.");
  }
  TRY(organization::delegate(call.transaction, organization, {member.account.id, service},
                             call.now));
  return json::Object{};
}

Result<json::Object> deregister_administrator(Call& call) {
  TRY_ASSIGN(const auto organization, managed_organization(call));
  TRY_ASSIGN(const auto member, named_member(call, organization));
  TRY_ASSIGN(const auto service, read_service(call.input));
  TRY(organization::end_delegation(call.transaction, organization, {member.account.id, service}));
  return json::Object{};
}

Result<json::Object> list_administrators(Call& call) {
  TRY_ASSIGN(const auto organization, readable_organization(call));
  TRY_ASSIGN(const auto cursor, read_cursor(call.input));
  std::optional<std::string> service;
  if (optional_string(call.input, "ServicePrincipal")) {
    TRY_ASSIGN(service, read_service(call.input));
  }
  TRY_ASSIGN(const auto page,
             organization::list_delegated(call.transaction, organization, service, cursor));
  json::Array administrators;
  for (const auto& [account, since] : page.items) {
    TRY_ASSIGN(const auto member, tree(call).get_member(call.transaction, organization, account));
    TRY_ASSIGN(auto rendered, organizations::render(call, organization, member));
    rendered.erase("Paths");
    rendered["DelegationEnabledDate"] = organizations::render(since);
    administrators.push_back(std::move(rendered));
  }
  json::Object out{{"DelegatedAdministrators", std::move(administrators)}};
  write_page(out, page.more, page.items.empty() ? "" : page.items.back().what);
  return out;
}

Result<json::Object> list_services(Call& call) {
  TRY_ASSIGN(const auto organization, readable_organization(call));
  TRY_ASSIGN(const auto member, named_member(call, organization));
  TRY_ASSIGN(const auto cursor, read_cursor(call.input));
  TRY_ASSIGN(const bool delegated,
             organization::is_delegated(call.transaction, organization, member.account.id));
  if (!delegated) {
    return fail(ErrorCode::NotFound, "AccountNotRegistered",
                "The provided account is not a registered delegated administrator for your "
                "organization.");
  }
  TRY_ASSIGN(const auto page, organization::list_delegated_services(call.transaction, organization,
                                                                    member.account.id, cursor));
  return render(page, "DelegatedServices", "DelegationEnabledDate");
}

}  // namespace

std::span<const Binding> service_bindings() {
  static const std::array bindings{Binding{&kEnable, enable},
                                   Binding{&kDisable, disable},
                                   Binding{&kList, list},
                                   Binding{&kRegister, register_administrator},
                                   Binding{&kDeregister, deregister_administrator},
                                   Binding{&kListAdministrators, list_administrators},
                                   Binding{&kListServices, list_services}};
  return bindings;
}

}  // namespace traccia::api::organizations
