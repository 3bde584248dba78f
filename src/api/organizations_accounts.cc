// Organizations CreateAccount and its statuses, ListAccounts, DescribeAccount, MoveAccount,
// CloseAccount, RemoveAccountFromOrganization, LeaveOrganization, ListAccountsForParent.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "api/organizations_call.h"
#include "identity/aws_managed.h"

namespace traccia::api::organizations {
namespace {

constexpr std::string_view kAccessRole = "OrganizationAccountAccessRole";

constexpr Member kStatusMembers[] = {
    {"Id", &kString},
    {"AccountName", &kString, Presence::Optional, Sensitivity::Masked},
    {"State", &kString},
    {"RequestedTimestamp", &kTimestamp},
    {"CompletedTimestamp", &kTimestamp},
    {"AccountId", &kString},
    {"GovCloudAccountId", &kString},
    {"FailureReason", &kString}};
constexpr Shape kStatus = aws::structure_shape(kStatusMembers);
constexpr Shape kStatuses = aws::list_shape(kStatus);
constexpr Member kStatusOutput[] = {{"CreateAccountStatus", &kStatus}};
constexpr Shape kStatusAnswer = aws::structure_shape(kStatusOutput);

constexpr std::string_view kBilling[] = {"ALLOW", "DENY"};
constexpr Shape kBillingShape = aws::enum_shape(kBilling);
constexpr Member kCreateInput[] = {
    {"Email", &kString, Presence::Required, Sensitivity::Masked},
    {"AccountName", &kString, Presence::Required, Sensitivity::Masked},
    {"RoleName", &kString},
    {"IamUserAccessToBilling", &kBillingShape},
    {"Tags", &kTags}};
constexpr Shape kCreateRequest = aws::structure_shape(kCreateInput);
constexpr std::string_view kCreateErrors[] = {kAccessDenied, kNotInUse, kConstraint, kInvalidInput};
constexpr auto kCreate = change("organizations:CreateAccount", kCreateRequest, kStatusAnswer,
                                kCreateErrors, with(kTagKeys, kTagging));

constexpr Member kDescribeStatusInput[] = {
    {"CreateAccountRequestId", &kString, Presence::Required}};
constexpr Shape kDescribeStatusRequest = aws::structure_shape(kDescribeStatusInput);
constexpr std::string_view kStatusErrors[] = {kAccessDenied, kNotInUse, kInvalidInput,
                                              "CreateAccountStatusNotFoundException"};
constexpr auto kDescribeStatus = query("organizations:DescribeCreateAccountStatus",
                                       kDescribeStatusRequest, kStatusAnswer, kStatusErrors);

constexpr std::string_view kStates[] = {"IN_PROGRESS", "SUCCEEDED", "FAILED"};
constexpr Shape kState = aws::enum_shape(kStates);
constexpr Shape kStateList = aws::list_shape(kState);
constexpr Member kListStatusInput[] = {{"States", &kStateList}, kNextToken, kMaxResults};
constexpr Shape kListStatusRequest = aws::structure_shape(kListStatusInput);
constexpr Member kListStatusOutput[] = {{"CreateAccountStatuses", &kStatuses}, kNextToken};
constexpr Shape kListStatusAnswer = aws::structure_shape(kListStatusOutput);
constexpr std::string_view kListErrors[] = {kAccessDenied, kNotInUse, kInvalidInput};
constexpr auto kListStatus = query("organizations:ListCreateAccountStatus", kListStatusRequest,
                                   kListStatusAnswer, kListErrors);

constexpr Member kListInput[] = {kNextToken, kMaxResults};
constexpr Shape kListRequest = aws::structure_shape(kListInput);
constexpr Member kListOutput[] = {{"Accounts", &kAccounts}, kNextToken};
constexpr Shape kListAnswer = aws::structure_shape(kListOutput);
constexpr auto kList = query("organizations:ListAccounts", kListRequest, kListAnswer, kListErrors);

constexpr Member kListForInput[] = {
    {"ParentId", &kString, Presence::Required}, kNextToken, kMaxResults};
constexpr Shape kListForRequest = aws::structure_shape(kListForInput);
constexpr std::string_view kListForErrors[] = {kAccessDenied, kNotInUse, kInvalidInput,
                                               kParentNotFound};
constexpr auto kListFor = query("organizations:ListAccountsForParent", kListForRequest, kListAnswer,
                                kListForErrors, on("ParentId"));

constexpr Member kAccountInput[] = {{"AccountId", &kString, Presence::Required}};
constexpr Shape kAccountRequest = aws::structure_shape(kAccountInput);
constexpr Member kDescribeOutput[] = {{"Account", &kAccount}};
constexpr Shape kDescribeAnswer = aws::structure_shape(kDescribeOutput);
constexpr std::string_view kDescribeErrors[] = {kAccessDenied, kNotInUse, kInvalidInput,
                                                kAccountNotFound};
constexpr auto kDescribe = query("organizations:DescribeAccount", kAccountRequest, kDescribeAnswer,
                                 kDescribeErrors, on("AccountId"));

constexpr std::string_view kCloseErrors[] = {kAccessDenied,    kNotInUse,
                                             kInvalidInput,    kConstraint,
                                             kAccountNotFound, "AccountAlreadyClosedException"};
constexpr auto kClose = change("organizations:CloseAccount", kAccountRequest, aws::kEmptyStructure,
                               kCloseErrors, on("AccountId"));

constexpr std::string_view kRemoveErrors[] = {
    kAccessDenied, kNotInUse,        kInvalidInput,
    kConstraint,   kAccountNotFound, "MasterCannotLeaveOrganizationException"};
constexpr auto kRemove = change("organizations:RemoveAccountFromOrganization", kAccountRequest,
                                aws::kEmptyStructure, kRemoveErrors, on("AccountId"));
constexpr auto kLeave = change("organizations:LeaveOrganization", aws::kEmptyStructure,
                               aws::kEmptyStructure, kRemoveErrors);

constexpr Member kMoveInput[] = {{"AccountId", &kString, Presence::Required},
                                 {"SourceParentId", &kString, Presence::Required},
                                 {"DestinationParentId", &kString, Presence::Required}};
constexpr Shape kMoveRequest = aws::structure_shape(kMoveInput);
constexpr std::string_view kMoveErrors[] = {kAccessDenied,
                                            kNotInUse,
                                            kInvalidInput,
                                            kAccountNotFound,
                                            "DuplicateAccountException",
                                            "SourceParentNotFoundException",
                                            "DestinationParentNotFoundException"};
constexpr auto kMove = change("organizations:MoveAccount", kMoveRequest, aws::kEmptyStructure,
                              kMoveErrors, on("AccountId"));

// Of the event CloseAccountResult.
constexpr Member kCloseMembers[] = {{"AccountId", &kString},
                                    {"State", &kString},
                                    {"RequestedTimestamp", &kTimestamp},
                                    {"CompletedTimestamp", &kTimestamp}};
constexpr Shape kCloseStatus = aws::structure_shape(kCloseMembers);
constexpr Member kClosedMembers[] = {{"CloseAccountStatus", &kCloseStatus}};
constexpr Shape kClosed = aws::structure_shape(kClosedMembers);

json::Object render(const organization::AccountRequest& request) {
  json::Object out{{"Id", request.id},
                   {"AccountName", request.name},
                   {"State", request.failure.empty() ? "SUCCEEDED" : "FAILED"},
                   {"RequestedTimestamp", organizations::render(request.requested)},
                   {"CompletedTimestamp", organizations::render(request.requested)}};
  if (request.failure.empty()) {
    out["AccountId"] = request.account;
  } else {
    out["FailureReason"] = request.failure;
  }
  return out;
}

// Which administrators of the management account may assume ("Accessing member accounts").
Result<> make_access_role(Call& call, const Organization& organization, std::string_view account,
                          std::string_view name) {
  auto& identity = call.services.identity;
  const auto trust =
      fmt::format(R"({{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":)"
                  R"("arn:aws:iam::{}:root"}},"Action":"sts:AssumeRole"}}]}})",
                  organization.management_account);
  TRY_ASSIGN(const auto role,
             identity.entities().create(call.transaction, {.kind = identity::EntityKind::Role,
                                                           .account_id = std::string(account),
                                                           .name = std::string(name),
                                                           .role = {.trust = trust}}));
  return identity.attachments().attach(call.transaction, role, identity::kAdministratorAccess);
}

Result<std::string> read_role_name(const json::Object& input) {
  const auto name = optional_string(input, "RoleName");
  if (!name) return std::string(kAccessRole);
  const bool plain =
      !name->empty() && name->size() <= 64 && aws::only_characters(*name, "a-zA-Z0-9_+=,.@-");
  if (plain && !name->starts_with("AWSServiceRoleFor")) return *name;
  return fail(ErrorCode::InvalidArgument, "InvalidInput/INVALID_ROLE_NAME",
              "You provided a role name that isn't valid. A role name can't begin with the "
              "reserved prefix AWSServiceRoleFor.");
}

// AWS answers before the account is there and tells a taken address in the status; here the account
// is there as soon as the caller can ask for the status.
// A tenant's organization takes accounts that are there, by invitation: whoever could make accounts
// by leading an organization would be an operator (decision 18).
Result<json::Object> create(Call& call) {
  TRY_ASSIGN(const auto organization, managed_organization(call));
  TRY(call.services.authoriser.authorise_account(
      call.transaction, {call.caller, kCreate.iam_action, "*"}, std::nullopt));
  TRY_ASSIGN(const auto email, read_text(call.input, "Email", is_email));
  TRY_ASSIGN(const auto name, read_text(call.input, "AccountName", is_account_name));
  TRY_ASSIGN(const auto role, read_role_name(call.input));
  TRY_ASSIGN(const auto tags, read_tags(call.input));
  organization::AccountRequest request;
  request.id = "car-" + call.services.os.random.characters(32, organization::kIdLetters);
  request.name = name;
  request.requested = call.now;
  const auto made =
      call.services.identity.accounts().create(call.transaction, {name, email, std::nullopt});
  if (made) {
    request.account = made->id;
    TRY(tree(call).add_member(call.transaction, organization, made->id,
                              organization::JoinedMethod::Created));
    TRY(make_access_role(call, organization, made->id, role));
    TRY(organization::set_tags(call.transaction, organization, made->id, tags));
  } else if (made.error().reason() == "EmailAlreadyExists") {
    request.failure = "EMAIL_ALREADY_EXISTS";
  } else {
    return std::unexpected(made.error());
  }
  TRY(organization::put_request(call.transaction, organization, request));
  TRY(tell(call, organization, "CreateAccountResult", kStatusAnswer,
           {{"CreateAccountStatus", render(request)}}));
  if (request.failure.empty()) {
    TRY(tell_joined(call, organization, request.account, organization::JoinedMethod::Created));
  }
  return json::Object{
      {"CreateAccountStatus",
       json::Object{{"Id", request.id},
                    {"AccountName", request.name},
                    {"State", "IN_PROGRESS"},
                    {"RequestedTimestamp", organizations::render(request.requested)}}}};
}

Result<json::Object> describe_status(Call& call) {
  TRY_ASSIGN(const auto organization, readable_organization(call));
  TRY_ASSIGN(const auto id, read_text(call.input, "CreateAccountRequestId", is_request_id));
  TRY_ASSIGN(const auto request, organization::get_request(call.transaction, organization, id));
  return json::Object{{"CreateAccountStatus", render(request)}};
}

// nullopt: only requests that are under way, of which there are none.
std::optional<organization::Outcome> read_states(const json::Object& input) {
  const auto* states = json::find(input, "States");
  if (states == nullptr || !states->is_array() || states->get_array().empty()) {
    return organization::Outcome::Any;
  }
  bool succeeded = false;
  bool failed = false;
  for (const auto& state : states->get_array()) {
    succeeded = succeeded || state.as_string() == "SUCCEEDED";
    failed = failed || state.as_string() == "FAILED";
  }
  if (succeeded && failed) return organization::Outcome::Any;
  if (succeeded) return organization::Outcome::Succeeded;
  if (failed) return organization::Outcome::Failed;
  return std::nullopt;
}

Result<json::Object> list_status(Call& call) {
  TRY_ASSIGN(const auto organization, readable_organization(call));
  TRY_ASSIGN(const auto cursor, read_cursor(call.input));
  const auto outcome = read_states(call.input);
  identity::Page<organization::AccountRequest> page;
  if (outcome) {
    TRY_ASSIGN(page, organization::list_requests(call.transaction, organization, *outcome, cursor));
  }
  json::Array statuses;
  for (const auto& request : page.items) statuses.push_back(render(request));
  json::Object out{{"CreateAccountStatuses", std::move(statuses)}};
  write_page(out, page.more, page.items.empty() ? "" : page.items.back().id);
  return out;
}

Result<json::Object> list_members(Call& call, const Organization& organization,
                                  std::optional<std::string_view> parent) {
  TRY_ASSIGN(const auto cursor, read_cursor(call.input));
  TRY_ASSIGN(const auto page, tree(call).members(call.transaction, organization, parent, cursor));
  json::Array accounts;
  for (const auto& member : page.items) {
    TRY_ASSIGN(auto rendered, organizations::render(call, organization, member));
    accounts.push_back(std::move(rendered));
  }
  json::Object out{{"Accounts", std::move(accounts)}};
  write_page(out, page.more, page.items.empty() ? "" : page.items.back().account.id);
  return out;
}

Result<json::Object> list(Call& call) {
  TRY_ASSIGN(const auto organization, readable_organization(call));
  return list_members(call, organization, std::nullopt);
}

Result<json::Object> list_for_parent(Call& call) {
  TRY_ASSIGN(const auto organization, readable_organization(call));
  TRY_ASSIGN(const auto parent, read_text(call.input, "ParentId", is_parent_id));
  TRY(tree(call).check_parent(call.transaction, organization, parent));
  return list_members(call, organization, parent);
}

// The member that the request names.
Result<organization::Member> named_member(Call& call, const Organization& organization) {
  TRY_ASSIGN(const auto account, read_text(call.input, "AccountId", is_account_id));
  return tree(call).get_member(call.transaction, organization, account);
}

Result<json::Object> describe(Call& call) {
  TRY_ASSIGN(const auto organization, readable_organization(call));
  TRY_ASSIGN(const auto member, named_member(call, organization));
  TRY_ASSIGN(auto rendered, organizations::render(call, organization, member));
  return json::Object{{"Account", std::move(rendered)}};
}

Result<json::Object> close(Call& call) {
  TRY_ASSIGN(const auto organization, managed_organization(call));
  TRY_ASSIGN(const auto member, named_member(call, organization));
  if (member.account.id == organization.management_account) {
    return fail(ErrorCode::FailedPrecondition,
                "ConstraintViolation/CANNOT_CLOSE_MANAGEMENT_ACCOUNT",
                "You attempted to close the management account.");
  }
  if (member.account.state == identity::AccountState::Closed) {
    return fail(ErrorCode::FailedPrecondition, "AccountAlreadyClosed",
                "The provided account is already closed.");
  }
  TRY(call.services.identity.accounts().close(call.transaction, member.account.id));
  const json::Object status{{"AccountId", member.account.id},
                            {"State", "SUCCEEDED"},
                            {"RequestedTimestamp", organizations::render(call.now)},
                            {"CompletedTimestamp", organizations::render(call.now)}};
  TRY(tell(call, organization, "CloseAccountResult", kClosed, {{"CloseAccountStatus", status}}));
  return json::Object{};
}

std::unexpected<Error> master_stays() {
  return fail(ErrorCode::FailedPrecondition, "MasterCannotLeaveOrganization",
              "You can't remove a management account from an organization.");
}

Result<json::Object> remove(Call& call) {
  TRY_ASSIGN(const auto organization, managed_organization(call));
  TRY_ASSIGN(const auto member, named_member(call, organization));
  if (member.account.id == organization.management_account) return master_stays();
  TRY(tree(call).remove_member(call.transaction, organization, member.account.id));
  TRY(tell_departed(call, organization, member.account.id, Departure::Removed));
  return json::Object{};
}

Result<json::Object> leave(Call& call) {
  TRY_ASSIGN(const auto organization, own_organization(call));
  const auto& account = call.caller.principal.account_id;
  if (account == organization.management_account) return master_stays();
  TRY(tree(call).remove_member(call.transaction, organization, account));
  TRY(tell_departed(call, organization, account, Departure::Left));
  return json::Object{};
}

Result<json::Object> move(Call& call) {
  TRY_ASSIGN(const auto organization, managed_organization(call));
  TRY_ASSIGN(const auto source, read_text(call.input, "SourceParentId", is_parent_id));
  TRY_ASSIGN(const auto destination, read_text(call.input, "DestinationParentId", is_parent_id));
  TRY_ASSIGN(const auto member, named_member(call, organization));
  if (member.parent != source) {
    return fail(ErrorCode::NotFound, "SourceParentNotFound",
                "You specified a source parent that doesn't exist.");
  }
  if (!tree(call).check_parent(call.transaction, organization, destination)) {
    return fail(ErrorCode::NotFound, "DestinationParentNotFound",
                "You specified a destination parent that doesn't exist.");
  }
  if (destination == source) {
    return fail(ErrorCode::AlreadyExists, "DuplicateAccount",
                "That account is already present in the specified destination.");
  }
  TRY(tree(call).move(call.transaction, member, destination));
  return json::Object{};
}

}  // namespace

std::span<const Binding> account_bindings() {
  static const std::array bindings{Binding{&kCreate, create},
                                   Binding{&kDescribeStatus, describe_status},
                                   Binding{&kListStatus, list_status},
                                   Binding{&kList, list},
                                   Binding{&kListFor, list_for_parent},
                                   Binding{&kDescribe, describe},
                                   Binding{&kClose, close},
                                   Binding{&kRemove, remove},
                                   Binding{&kLeave, leave},
                                   Binding{&kMove, move}};
  return bindings;
}

}  // namespace traccia::api::organizations
