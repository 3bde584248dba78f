// Access keys in the control-plane store.
// SPDX-License-Identifier: Apache-2.0
#include "identity/access_keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "identity/ids.h"
#include "identity/sql.h"

namespace traccia::identity {
namespace {

std::unexpected<Error> no_key(std::string_view key_id) {
  return fail(ErrorCode::NotFound, "NoSuchEntity",
              fmt::format("The Access Key with id {} cannot be found.", key_id));
}

}  // namespace

std::string access_key_context(std::string_view key_id) {
  return fmt::format("access-key/{}", key_id);
}

Result<NewKey> AccessKeys::create(meta::Transaction& transaction, const Entity& user) {
  TRY_ASSIGN(
      const auto others,
      select_number(transaction, "SELECT count(*) FROM access_keys WHERE user = ?", {user.id}));
  if (others >= Quotas::kKeysPerUser) {
    return fail(ErrorCode::FailedPrecondition, "LimitExceeded",
                fmt::format("Cannot exceed quota for AccessKeysPerUser: {}", Quotas::kKeysPerUser));
  }
  NewKey made;
  made.metadata.id = "AKIA" + os_.random.characters(16, kIdLetters);
  made.metadata.user_name = user.name;
  made.metadata.created = os_.clock.now();
  made.secret = os_.random.characters(40, kSecretLetters);
  const auto sealed = master_key_.seal(made.secret, access_key_context(made.metadata.id));
  TRY(transaction.execute(
      "INSERT INTO access_keys (id, user, secret, active, created) VALUES (?, ?, ?, 1, ?)",
      {made.metadata.id, user.id, meta::Blob{sealed}, to_unix_nanoseconds(made.metadata.created)}));
  return made;
}

Result<Page<KeyMetadata>> AccessKeys::list(meta::Transaction& transaction, const Entity& user,
                                           const Cursor& cursor) {
  Page<KeyMetadata> page;
  TRY(transaction.query(
      "SELECT id, active, created FROM access_keys WHERE user = ? AND id > ? ORDER BY id LIMIT ?",
      {user.id, cursor.after, cursor.rows_max()}, [&](const meta::Row& row) -> Result<> {
        page.items.push_back(
            {row.text(0), user.name, row.integer(1) != 0, from_unix_nanoseconds(row.integer(2))});
        return {};
      }));
  page.cut(cursor);
  return page;
}

Result<> AccessKeys::set_status(meta::Transaction& transaction, const Entity& user,
                                std::string_view key_id, KeyStatus status) {
  TRY_ASSIGN(const auto changed,
             transaction.execute("UPDATE access_keys SET active = ? WHERE id = ? AND user = ?",
                                 {static_cast<int64_t>(status), key_id, user.id}));
  if (changed == 0) return no_key(key_id);
  return {};
}

Result<> AccessKeys::remove(meta::Transaction& transaction, const Entity& user,
                            std::string_view key_id) {
  TRY_ASSIGN(
      const auto removed,
      transaction.execute("DELETE FROM access_keys WHERE id = ? AND user = ?", {key_id, user.id}));
  if (removed == 0) return no_key(key_id);
  return {};
}

void AccessKeys::note_use(std::string_view key_id, std::string_view service,
                          std::string_view region) {
  const auto now = os_.clock.now();
  const MutexLock lock(mutex_);
  auto at = noted_.find(key_id);
  if (at == noted_.end()) {
    if (noted_.size() >= kUsesMax) {
      std::erase_if(noted_, [](const auto& entry) { return entry.second.stored; });
    }
    if (noted_.size() >= kUsesMax) return;
    at = noted_.emplace(key_id, Noted{}).first;
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

Result<> AccessKeys::store_uses(meta::Database& database) {
  std::map<std::string, KeyUse, std::less<>> uses;
  {
    const MutexLock lock(mutex_);
    for (const auto& [id, noted] : noted_) {
      if (!noted.stored) uses.emplace(id, noted.use);
    }
  }
  if (uses.empty()) return {};
  TRY(database.write([&](meta::Transaction& transaction) -> Result<> {
    for (const auto& [id, use] : uses) {
      TRY(transaction.execute(
          "UPDATE access_keys SET used = ?, used_service = ?, used_region = ? WHERE id = ?",
          {to_unix_nanoseconds(use.time), use.service, use.region, id}));
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

Result<KeyLastUsed> AccessKeys::last_used(meta::Transaction& transaction, std::string_view key_id) {
  std::optional<KeyLastUsed> found;
  TRY(transaction.query(
      "SELECT e.account, e.name, k.used, k.used_service, k.used_region FROM access_keys k JOIN "
      "entities e ON e.id = k.user WHERE k.id = ?",
      {key_id}, [&](const meta::Row& row) -> Result<> {
        found = KeyLastUsed{row.text(0), row.text(1), {}};
        if (!row.is_null(2)) {
          found->use = KeyUse{from_unix_nanoseconds(row.integer(2)), row.text(3), row.text(4)};
        }
        return {};
      }));
  if (!found) return no_key(key_id);
  const MutexLock lock(mutex_);
  const auto at = noted_.find(key_id);
  if (at != noted_.end()) found->use = at->second.use;
  return std::move(*found);
}

}  // namespace traccia::identity
