// Invitations in the control-plane store.
// SPDX-License-Identifier: Apache-2.0
#include "organization/invitations.h"

#include <fmt/format.h>

#include "identity/sql.h"

namespace traccia::organization {
namespace {

constexpr std::string_view kSelect =
    "SELECT i.id, i.organization, i.account, a.email, i.by_email, i.notes, i.state, i.requested, "
    "i.expires FROM invitations i JOIN accounts a ON a.id = i.account JOIN organizations o ON o.id "
    "= i.organization WHERE ";

Invitation read_invitation(const meta::Row& row, Time now) {
  Invitation invitation;
  invitation.id = row.text(0);
  invitation.organization = row.text(1);
  invitation.account = row.text(2);
  invitation.email = row.text(3);
  invitation.by_email = row.integer(4) != 0;
  invitation.notes = row.text(5);
  invitation.state = static_cast<InvitationState>(row.integer(6));
  invitation.requested = from_unix_nanoseconds(row.integer(7));
  invitation.expires = from_unix_nanoseconds(row.integer(8));
  const bool over = invitation.expires <= now;
  if (over && invitation.state == InvitationState::Open) {
    invitation.state = InvitationState::Expired;
  }
  return invitation;
}

int64_t number_of(InvitationState state) {
  return static_cast<int64_t>(state);
}

std::unexpected<Error> already_in_organization() {
  return fail(ErrorCode::FailedPrecondition,
              "HandshakeConstraintViolation/ALREADY_IN_AN_ORGANIZATION",
              "The specified account is already a member of an organization.");
}

}  // namespace

Result<Invitation> Invitations::create(meta::Transaction& transaction,
                                       const Organization& organization, Invitation wanted) {
  TRY_ASSIGN(const auto there, organizations_.find(transaction, wanted.account));
  if (there) return already_in_organization();
  wanted.requested = os_.clock.now();
  wanted.expires = wanted.requested + kLifetime;
  const auto now = to_unix_nanoseconds(wanted.requested);
  const auto open = number_of(InvitationState::Open);
  TRY_ASSIGN(const bool asked,
             identity::has_rows(transaction,
                                "SELECT 1 FROM invitations WHERE organization = ? AND account = ? "
                                "AND state = ? AND expires > ?",
                                {organization.id, wanted.account, open, now}));
  if (asked) {
    return fail(ErrorCode::AlreadyExists, "DuplicateHandshake",
                "A handshake with the same action and target already exists.");
  }
  TRY_ASSIGN(const auto count,
             identity::select_number(transaction,
                                     "SELECT count(*) FROM invitations WHERE organization = ? AND "
                                     "state = ? AND expires > ?",
                                     {organization.id, open, now}));
  if (count >= Quotas::kOpenInvitations) {
    return fail(ErrorCode::FailedPrecondition,
                "HandshakeConstraintViolation/HANDSHAKE_RATE_LIMIT_EXCEEDED",
                "You have exceeded the number of handshakes that you can send in one day.");
  }
  wanted.id = "h-" + os_.random.characters(32, kIdLetters);
  wanted.organization = organization.id;
  TRY(transaction.execute(
      "INSERT INTO invitations (id, organization, account, by_email, notes, state, requested, "
      "expires) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      {wanted.id, organization.id, wanted.account, static_cast<int64_t>(wanted.by_email),
       wanted.notes, open, now, to_unix_nanoseconds(wanted.expires)}));
  return get(transaction, wanted.account, wanted.id);
}

Result<Invitation> Invitations::get(meta::Transaction& transaction, std::string_view account,
                                    std::string_view id) {
  std::optional<Invitation> found;
  TRY(transaction.query(
      fmt::format("{}i.id = ?1 AND (i.account = ?2 OR o.management = ?2)", kSelect), {id, account},
      [&](const meta::Row& row) -> Result<> {
        found = read_invitation(row, os_.clock.now());
        return {};
      }));
  if (found) return std::move(*found);
  return fail(ErrorCode::NotFound, "HandshakeNotFound",
              "We can't find a handshake with the HandshakeId that you specified.");
}

Result<identity::Page<Invitation>> Invitations::list(meta::Transaction& transaction,
                                                     InvitationSide side, std::string_view owner,
                                                     const identity::Cursor& cursor) {
  const auto now = os_.clock.now();
  identity::Page<Invitation> page;
  TRY(transaction.query(
      fmt::format("{}i.{} = ? AND i.id > ? AND coalesce(i.ended, i.expires) > ? ORDER BY i.id "
                  "LIMIT ?",
                  kSelect, side == InvitationSide::Account ? "account" : "organization"),
      {owner, cursor.after, to_unix_nanoseconds(now - kShownAfterEnd), cursor.rows_max()},
      [&](const meta::Row& row) -> Result<> {
        page.items.push_back(read_invitation(row, now));
        return {};
      }));
  page.cut(cursor);
  return page;
}

Result<> Invitations::accept(meta::Transaction& transaction, const Invitation& invitation) {
  TRY_ASSIGN(const auto there, organizations_.find(transaction, invitation.account));
  if (there) return already_in_organization();
  TRY_ASSIGN(const auto organization,
             organizations_.get_by_id(transaction, invitation.organization));
  return tree_.add_member(transaction, organization, invitation.account, JoinedMethod::Invited);
}

Result<Invitation> Invitations::end(meta::Transaction& transaction, Invitation invitation,
                                    InvitationState state) {
  if (invitation.state == state) {
    return fail(ErrorCode::FailedPrecondition, "HandshakeAlreadyInState",
                "The specified handshake is already in the requested state. For example, you "
                "can't accept a handshake that was already accepted.");
  }
  if (invitation.state != InvitationState::Open) {
    return fail(ErrorCode::FailedPrecondition, "InvalidHandshakeTransition",
                "You can't perform the operation on the handshake in its current state. For "
                "example, you can't cancel a handshake that was already accepted or accept a "
                "handshake that was already declined.");
  }
  if (state == InvitationState::Accepted) {
    TRY(accept(transaction, invitation));
  } else {
    // Tags that waited for the account to join.
    TRY(transaction.execute("DELETE FROM organization_tags WHERE organization = ? AND resource = ?",
                            {invitation.organization, invitation.account}));
  }
  TRY(transaction.execute("UPDATE invitations SET state = ?, ended = ? WHERE id = ?",
                          {number_of(state), to_unix_nanoseconds(os_.clock.now()), invitation.id}));
  invitation.state = state;
  return invitation;
}

}  // namespace traccia::organization
