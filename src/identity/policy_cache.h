// The policies of who asks, compiled, so that a decision needs neither the store nor a parser.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "identity/tags.h"
#include "identity/versioned_cache.h"
#include "policy/evaluate.h"

namespace traccia::identity {

// What an identity's own account says of it; fits policy::PoliciesView. Immutable.
struct PrincipalPolicies {
  std::vector<policy::AttachedPolicy> identity;  // a user's with those of its groups
  std::vector<policy::AttachedPolicy> boundary;  // one at most
  std::vector<Tag> tags;                         // of the user or role

  const policy::AttachedPolicy* boundary_or_null() const {
    return boundary.empty() ? nullptr : &boundary.front();
  }
};

// By entity id; the scope is its account, whose every change of identities or policies is told.
using PolicyCache = VersionedCache<PrincipalPolicies>;

}  // namespace traccia::identity
