// Organizations InviteAccountToOrganization, Accept-, Decline-, Cancel-, DescribeHandshake,
// ListHandshakesForAccount, ListHandshakesForOrganization.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "api/organizations_call.h"

namespace traccia::api::organizations {
namespace {

constexpr std::string_view kNotFound = "HandshakeNotFoundException";
constexpr std::string_view kAlreadyInState = "HandshakeAlreadyInStateException";
constexpr std::string_view kTransition = "InvalidHandshakeTransitionException";
constexpr std::string_view kHandshakeConstraint = "HandshakeConstraintViolationException";
constexpr size_t kNotesMax = 1024;

// What the model nests without end, to the depth that handshakes of this server have.
constexpr Member kInnerMembers[] = {{"Value", &kString, Presence::Optional, Sensitivity::Masked},
                                    {"Type", &kString}};
constexpr Shape kInner = aws::structure_shape(kInnerMembers);
constexpr Shape kInners = aws::list_shape(kInner);
constexpr Member kResourceMembers[] = {{"Value", &kString, Presence::Optional, Sensitivity::Masked},
                                       {"Type", &kString},
                                       {"Resources", &kInners}};
constexpr Shape kResource = aws::structure_shape(kResourceMembers);
constexpr Shape kResources = aws::list_shape(kResource);
constexpr std::string_view kPartyTypes[] = {"ACCOUNT", "ORGANIZATION", "EMAIL"};
constexpr Shape kPartyType = aws::enum_shape(kPartyTypes);
constexpr Member kPartyMembers[] = {{"Id", &kString, Presence::Required},
                                    {"Type", &kPartyType, Presence::Required}};
constexpr Shape kParty = aws::structure_shape(kPartyMembers);
constexpr Shape kParties = aws::list_shape(kParty);
constexpr Member kHandshakeMembers[] = {{"Id", &kString},
                                        {"Arn", &kString},
                                        {"Parties", &kParties},
                                        {"State", &kString},
                                        {"RequestedTimestamp", &kTimestamp},
                                        {"ExpirationTimestamp", &kTimestamp},
                                        {"Action", &kString},
                                        {"Resources", &kResources}};
constexpr Shape kHandshake = aws::structure_shape(kHandshakeMembers);
constexpr Shape kHandshakes = aws::list_shape(kHandshake);
constexpr Member kHandshakeOutput[] = {{"Handshake", &kHandshake}};
constexpr Shape kHandshakeAnswer = aws::structure_shape(kHandshakeOutput);

constexpr Member kInviteInput[] = {{"Target", &kParty, Presence::Required},
                                   {"Notes", &kString, Presence::Optional, Sensitivity::Masked},
                                   {"Tags", &kTags}};
constexpr Shape kInviteRequest = aws::structure_shape(kInviteInput);
constexpr std::string_view kInviteErrors[] = {
    kAccessDenied,       kNotInUse, kConstraint, kInvalidInput, "DuplicateHandshakeException",
    kHandshakeConstraint};
constexpr auto kInvite = change("organizations:InviteAccountToOrganization", kInviteRequest,
                                kHandshakeAnswer, kInviteErrors, with(kTagKeys, kTagging));

constexpr Member kHandshakeInput[] = {{"HandshakeId", &kString, Presence::Required}};
constexpr Shape kHandshakeRequest = aws::structure_shape(kHandshakeInput);
constexpr std::string_view kAcceptErrors[] = {kAccessDenied, kHandshakeConstraint, kNotFound,
                                              kTransition,   kAlreadyInState,      kInvalidInput,
                                              kConstraint};
constexpr auto kAccept = change("organizations:AcceptHandshake", kHandshakeRequest,
                                kHandshakeAnswer, kAcceptErrors, on("HandshakeId"));
constexpr std::string_view kEndErrors[] = {kAccessDenied, kNotFound, kTransition, kAlreadyInState,
                                           kInvalidInput};
constexpr auto kDecline = change("organizations:DeclineHandshake", kHandshakeRequest,
                                 kHandshakeAnswer, kEndErrors, on("HandshakeId"));
constexpr auto kCancel = change("organizations:CancelHandshake", kHandshakeRequest,
                                kHandshakeAnswer, kEndErrors, on("HandshakeId"));
constexpr std::string_view kDescribeErrors[] = {kAccessDenied, kNotFound, kInvalidInput};
constexpr auto kDescribe = query("organizations:DescribeHandshake", kHandshakeRequest,
                                 kHandshakeAnswer, kDescribeErrors, on("HandshakeId"));

constexpr Member kFilterMembers[] = {{"ActionType", &kString}, {"ParentHandshakeId", &kString}};
constexpr Shape kFilter = aws::structure_shape(kFilterMembers);
constexpr Member kListInput[] = {{"Filter", &kFilter}, kNextToken, kMaxResults};
constexpr Shape kListRequest = aws::structure_shape(kListInput);
constexpr Member kListOutput[] = {{"Handshakes", &kHandshakes}, kNextToken};
constexpr Shape kListAnswer = aws::structure_shape(kListOutput);
constexpr std::string_view kListForAccountErrors[] = {kAccessDenied, kInvalidInput};
constexpr auto kListForAccount = query("organizations:ListHandshakesForAccount", kListRequest,
                                       kListAnswer, kListForAccountErrors);
constexpr std::string_view kListForOrganizationErrors[] = {kAccessDenied, kNotInUse, kInvalidInput};
constexpr auto kListForOrganization = query("organizations:ListHandshakesForOrganization",
                                            kListRequest, kListAnswer, kListForOrganizationErrors);

using organization::Invitation;
using organization::InvitationState;

struct Invitations {
  explicit Invitations(Call& call)
      : tree(organizations::tree(call)),
        store(call.services.os, call.services.organizations, tree) {}
  organization::Tree tree;
  organization::Invitations store;
};

std::string_view state_name(InvitationState state) {
  switch (state) {
    case InvitationState::Open:
      return "OPEN";
    case InvitationState::Canceled:
      return "CANCELED";
    case InvitationState::Accepted:
      return "ACCEPTED";
    case InvitationState::Declined:
      return "DECLINED";
    case InvitationState::Expired:
      return "EXPIRED";
  }
  return "";
}

json::Object party(std::string_view id, std::string_view type) {
  return {{"Id", id}, {"Type", type}};
}
json::Object resource(std::string_view value, std::string_view type) {
  return {{"Value", value}, {"Type", type}};
}

Result<json::Object> render(Call& call, const Invitation& invitation) {
  TRY_ASSIGN(const auto organization,
             call.services.organizations.get_by_id(call.transaction, invitation.organization));
  TRY_ASSIGN(const auto management, call.services.identity.accounts().get(
                                        call.transaction, organization.management_account));
  const bool all = organization.features == organization::FeatureSet::All;
  auto inviting = resource(organization.id, "ORGANIZATION");
  inviting["Resources"] = json::Array{
      resource(management.email, "MASTER_EMAIL"), resource(management.name, "MASTER_NAME"),
      resource(all ? "ALL" : "CONSOLIDATED_BILLING", "ORGANIZATION_FEATURE_SET")};
  const auto& target = invitation.by_email ? invitation.email : invitation.account;
  const std::string_view type = invitation.by_email ? "EMAIL" : "ACCOUNT";
  json::Array resources{std::move(inviting), resource(target, type)};
  if (!invitation.notes.empty()) resources.push_back(resource(invitation.notes, "NOTES"));
  return json::Object{
      {"Id", invitation.id},
      {"Arn", organization.arn_of("handshake", "invite/" + invitation.id)},
      {"Parties", json::Array{party(organization.id, "ORGANIZATION"), party(target, type)}},
      {"State", state_name(invitation.state)},
      {"RequestedTimestamp", organizations::render(invitation.requested)},
      {"ExpirationTimestamp", organizations::render(invitation.expires)},
      {"Action", "INVITE"},
      {"Resources", std::move(resources)}};
}

Result<json::Object> answer(Call& call, const Invitation& invitation) {
  TRY_ASSIGN(auto rendered, render(call, invitation));
  return json::Object{{"Handshake", std::move(rendered)}};
}

// The account that the request's target names, which has to be one of this server.
Result<Invitation> read_target(Call& call) {
  const auto& target = call.input.at("Target").as_object();
  const auto id = get_string(target, "Id");
  const auto type = get_string(target, "Type");
  Invitation out;
  if (type == "ORGANIZATION") {
    return fail(ErrorCode::InvalidArgument, "InvalidInput/INVALID_PARTY_TYPE_TARGET",
                "You specified the wrong type of entity (account, organization, or email) as a "
                "party.");
  }
  auto& accounts = call.services.identity.accounts();
  out.by_email = type == "EMAIL";
  if (!out.by_email && !is_account_id(id)) return invalid_pattern();
  const auto found = out.by_email ? accounts.get_by_email(call.transaction, id)
                                  : accounts.get(call.transaction, id);
  if (found) {
    out.account = found->id;
    return out;
  }
  if (found.error().reason() != "AccountNotFound") return std::unexpected(found.error());
  if (out.by_email) {
    return fail(ErrorCode::InvalidArgument, "InvalidInput/INVALID_EMAIL_ADDRESS_TARGET",
                "You specified an invalid email address for the invited account owner.");
  }
  return fail(ErrorCode::InvalidArgument, "InvalidInput/INVALID_PATTERN_TARGET_ID",
              "You specified an account that doesn't exist.");
}

Result<json::Object> invite(Call& call) {
  TRY_ASSIGN(const auto organization, managed_organization(call));
  TRY_ASSIGN(auto wanted, read_target(call));
  if (!get_string(call.input, "Notes").empty()) {
    TRY_ASSIGN(wanted.notes, read_name(call.input, "Notes", kNotesMax));
  }
  TRY_ASSIGN(const auto made,
             Invitations(call).store.create(call.transaction, organization, std::move(wanted)));
  // They become the account's when it accepts.
  TRY_ASSIGN(const auto tags, read_tags(call.input));
  TRY(organization::set_tags(call.transaction, organization, made.account, tags));
  return answer(call, made);
}

// Who may end an invitation how: the account that received it, or the one that sent it.
enum class Side : uint8_t { Receiver, Sender };

Result<json::Object> end(Call& call, Side side, InvitationState state) {
  Invitations invitations(call);
  const auto& account = call.caller.principal.account_id;
  TRY_ASSIGN(const auto id, read_text(call.input, "HandshakeId", is_handshake_id));
  TRY_ASSIGN(auto invitation, invitations.store.get(call.transaction, account, id));
  if ((side == Side::Receiver) != (invitation.account == account)) {
    return fail(ErrorCode::PermissionDenied, "AccessDenied",
                "You don't have permissions to access this resource.");
  }
  TRY_ASSIGN(const auto ended,
             invitations.store.end(call.transaction, std::move(invitation), state));
  return answer(call, ended);
}

Result<json::Object> accept(Call& call) {
  TRY_ASSIGN(auto out, end(call, Side::Receiver, InvitationState::Accepted));
  TRY_ASSIGN(const auto organization, own_organization(call));
  TRY(tell_joined(call, organization, call.caller.principal.account_id,
                  organization::JoinedMethod::Invited));
  return out;
}
Result<json::Object> decline(Call& call) {
  return end(call, Side::Receiver, InvitationState::Declined);
}
Result<json::Object> cancel(Call& call) {
  return end(call, Side::Sender, InvitationState::Canceled);
}

Result<json::Object> describe(Call& call) {
  TRY_ASSIGN(const auto id, read_text(call.input, "HandshakeId", is_handshake_id));
  TRY_ASSIGN(const auto invitation,
             Invitations(call).store.get(call.transaction, call.caller.principal.account_id, id));
  return answer(call, invitation);
}

Result<json::Object> list(Call& call, organization::InvitationSide side, std::string_view owner) {
  TRY_ASSIGN(const auto cursor, read_cursor(call.input));
  const auto* filter = json::find(call.input, "Filter");
  const auto action = filter != nullptr && filter->is_object()
                          ? get_string(filter->get_object(), "ActionType")
                          : "";
  json::Array handshakes;
  json::Object out;
  // There are no handshakes of another kind.
  if (action.empty() || action == "INVITE") {
    TRY_ASSIGN(const auto page,
               Invitations(call).store.list(call.transaction, side, owner, cursor));
    for (const auto& invitation : page.items) {
      TRY_ASSIGN(auto rendered, render(call, invitation));
      handshakes.push_back(std::move(rendered));
    }
    write_page(out, page.more, page.items.empty() ? "" : page.items.back().id);
  }
  out["Handshakes"] = std::move(handshakes);
  return out;
}

Result<json::Object> list_for_account(Call& call) {
  return list(call, organization::InvitationSide::Account, call.caller.principal.account_id);
}

Result<json::Object> list_for_organization(Call& call) {
  TRY_ASSIGN(const auto organization, readable_organization(call));
  return list(call, organization::InvitationSide::Organization, organization.id);
}

}  // namespace

std::span<const Binding> handshake_bindings() {
  static const std::array bindings{Binding{&kInvite, invite},
                                   Binding{&kAccept, accept},
                                   Binding{&kDecline, decline},
                                   Binding{&kCancel, cancel},
                                   Binding{&kDescribe, describe},
                                   Binding{&kListForAccount, list_for_account},
                                   Binding{&kListForOrganization, list_for_organization}};
  return bindings;
}

}  // namespace traccia::api::organizations
