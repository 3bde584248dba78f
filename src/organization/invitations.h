// Invitations to join an organization: AWS calls them handshakes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "identity/page.h"
#include "organization/organizations.h"
#include "organization/tree.h"

namespace traccia::organization {

// The values are stored; Expired is what an open one is when its time is over.
enum class InvitationState : uint8_t { Open, Canceled, Accepted, Declined, Expired };

struct Invitation {
  std::string id = {};  // h-…
  std::string organization = {};
  std::string account = {};
  std::string email = {};  // the account's
  bool by_email = false;   // how the inviting account named it
  std::string notes = {};
  InvitationState state = InvitationState::Open;
  Time requested = {};
  Time expires = {};
};

// Whose invitations: those that an organization sent, or that an account received.
enum class InvitationSide : uint8_t { Organization, Account };

// Thread-safe; state lives in the caller's transaction. Reasons of errors: HandshakeNotFound,
// HandshakeAlreadyInState, InvalidHandshakeTransition, DuplicateHandshake,
// HandshakeConstraintViolation/….
class Invitations {
 public:
  static constexpr std::chrono::hours kLifetime{15 * 24};
  static constexpr std::chrono::hours kShownAfterEnd{30 * 24};

  Invitations(os::Os os, Organizations& organizations, Tree& tree)
      : os_(os), organizations_(organizations), tree_(tree) {}

  // Takes account, by_email and notes of `wanted`.
  Result<Invitation> create(meta::Transaction& transaction, const Organization& organization,
                            Invitation wanted);
  // Of those that the account sent as management account, or received.
  Result<Invitation> get(meta::Transaction& transaction, std::string_view account,
                         std::string_view id);
  // By id.
  Result<identity::Page<Invitation>> list(meta::Transaction& transaction, InvitationSide side,
                                          std::string_view owner, const identity::Cursor& cursor);
  // Ends an open one. Accepting makes the account a member.
  Result<Invitation> end(meta::Transaction& transaction, Invitation invitation,
                         InvitationState state);

 private:
  Result<> accept(meta::Transaction& transaction, const Invitation& invitation);

  os::Os os_;
  Organizations& organizations_;
  Tree& tree_;
};

}  // namespace traccia::organization
