// Compiled policies by entity.
// SPDX-License-Identifier: Apache-2.0
#include "identity/policy_cache.h"

namespace traccia::identity {

uint64_t PolicyCache::version_of(std::string_view account_id) const {
  const auto at = versions_.find(account_id);
  return at == versions_.end() ? 0 : at->second;
}

Result<PolicyCache::Found> PolicyCache::find(meta::Transaction& transaction,
                                             std::string_view account_id,
                                             std::string_view entity_id, const Load& load) {
  uint64_t version = 0;
  {
    const MutexLock lock(mutex_);
    version = version_of(account_id);
    const auto at = entries_.find(entity_id);
    if (at != entries_.end() && at->second.version == version) return at->second.policies;
  }
  TRY_ASSIGN(auto loaded, load());
  auto found = std::make_shared<const PrincipalPolicies>(std::move(loaded));
  if (transaction.wrote()) return found;
  const MutexLock lock(mutex_);
  if (entries_.size() >= kEntriesMax) entries_.clear();
  entries_.insert_or_assign(std::string(entity_id), Entry{found, version});
  return found;
}

void PolicyCache::forget(std::string_view account_id) {
  const MutexLock lock(mutex_);
  const auto at = versions_.find(account_id);
  if (at == versions_.end()) {
    versions_.emplace(account_id, 1);
  } else {
    ++at->second;
  }
}

}  // namespace traccia::identity
