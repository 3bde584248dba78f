// The Principal and NotPrincipal elements.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/request.h"

namespace traccia::policy {

// How a Principal element means the caller; the later, the more it gives ("Policy evaluation
// logic", resource-based policies in the same account).
enum class Grant : uint8_t {
  None,
  Account,  // the caller's account: identity policies must allow as well
  Issuer,   // the role or user behind a session: its boundary and session policies still limit
  Direct,   // the caller itself, or everybody: stands alone
};

// One entry of a Principal element. Immutable.
class PrincipalPattern {
 public:
  enum class Kind : uint8_t {
    Everyone,  // "*", {"AWS": "*"}
    Account,   // 12 digits or arn:aws:iam::A:root; value() is the 12 digits
    Arn,       // a user, role, assumed-role session or federated user
    UniqueId,  // AIDA…, AROA…: what is left of an ARN whose principal was deleted
    Service,
    Federated,
    CanonicalUser,
  };

  // `type` is "AWS", "Service", "Federated" or "CanonicalUser"; nullopt for what is none of the
  // forms of that type (wildcards in an ARN, groups, …).
  static std::optional<PrincipalPattern> parse(std::string_view type, std::string_view text);

  Grant matches(const Principal& principal) const;
  Kind kind() const { return kind_; }
  const std::string& value() const { return value_; }

 private:
  PrincipalPattern(Kind kind, std::string_view value) : kind_(kind), value_(value) {}

  Kind kind_;
  std::string value_;
};

// The best of what the entries grant.
Grant matches_principal(const std::vector<PrincipalPattern>& patterns, const Principal& principal);

// A Deny with NotPrincipal spares only a caller all of whose identities are listed: account and
// user; account, role and session ("AWS JSON policy elements: NotPrincipal").
bool spares(const std::vector<PrincipalPattern>& not_principals, const Principal& principal);

}  // namespace traccia::policy
