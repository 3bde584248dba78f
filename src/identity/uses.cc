// Notes uses and stores them.
// SPDX-License-Identifier: Apache-2.0
#include "identity/uses.h"

namespace traccia::identity {

void Uses::note(std::string_view id, std::string_view service, std::string_view region) {
  const auto now = clock_.now();
  const MutexLock lock(mutex_);
  auto at = noted_.find(id);
  if (at == noted_.end()) {
    if (noted_.size() >= kNotedMax) {
      std::erase_if(noted_, [](const auto& entry) { return entry.second.stored; });
    }
    if (noted_.size() >= kNotedMax) return;
    at = noted_.emplace(id, Noted{}).first;
  }
  auto& [use, stored] = at->second;
  const bool same = use.service == service && use.region == region;
  if (same && floor_seconds(use.time) == floor_seconds(now)) return;
  use.time = now;
  if (!same) {
    use.service = service;
    use.region = region;
  }
  stored = false;
}

Result<> Uses::store(meta::Database& database) {
  std::map<std::string, Use, std::less<>> uses;
  {
    const MutexLock lock(mutex_);
    for (const auto& [id, noted] : noted_) {
      if (!noted.stored) uses.emplace(id, noted.use);
    }
  }
  if (uses.empty()) return {};
  TRY(database.write([&](meta::Transaction& transaction) -> Result<> {
    for (const auto& [id, use] : uses) {
      TRY(transaction.execute(sql_, {id, to_unix_nanoseconds(use.time), use.service, use.region}));
    }
    return {};
  }));
  const MutexLock lock(mutex_);
  for (const auto& [id, use] : uses) {
    const auto at = noted_.find(id);
    if (at != noted_.end() && at->second.use.time == use.time) at->second.stored = true;
  }
  return {};
}

std::optional<Use> Uses::find(std::string_view id) const {
  const MutexLock lock(mutex_);
  const auto at = noted_.find(id);
  if (at == noted_.end()) return std::nullopt;
  return at->second.use;
}

}  // namespace traccia::identity
