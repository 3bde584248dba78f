// The policies of who asks, compiled, so that a decision needs neither the store nor a parser.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"
#include "identity/tags.h"
#include "meta/database.h"
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

// Thread-safe. Every change of an account's identities or policies calls forget() inside its
// transaction, before that commits: what others read while the change is under way is from before
// it, and what they read afterwards is not found here. A transaction that wrote may see what is
// rolled back later, so nothing it reads is kept.
class PolicyCache {
 public:
  static constexpr size_t kEntriesMax = 4096;
  using Found = std::shared_ptr<const PrincipalPolicies>;
  using Load = std::function<Result<PrincipalPolicies>()>;

  // The policies of the entity with this id, from `load` when they are not here.
  Result<Found> find(meta::Transaction& transaction, std::string_view account_id,
                     std::string_view entity_id, const Load& load);
  void forget(std::string_view account_id);

 private:
  struct Entry {
    Found policies;
    uint64_t version = 0;  // the account's when it was read
  };

  uint64_t version_of(std::string_view account_id) const REQUIRES(mutex_);

  Mutex mutex_;
  std::map<std::string, uint64_t, std::less<>> versions_ GUARDED_BY(mutex_);  // by account
  std::map<std::string, Entry, std::less<>> entries_ GUARDED_BY(mutex_);      // by entity
};

}  // namespace traccia::identity
