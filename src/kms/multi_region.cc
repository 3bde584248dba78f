// Related keys in the store, and what they share.
// SPDX-License-Identifier: Apache-2.0
#include "kms/multi_region.h"

#include <fmt/format.h>

#include "kms/key_row.h"

namespace traccia::kms {

Result<std::vector<Key>> related_keys(meta::Transaction& transaction, const Key& key, Time now) {
  std::vector<Key> related;
  TRY(transaction.query(std::string(kSelectKey) +
                            "account = ? AND id = ? AND primary_region <> '' AND (deletion IS NULL "
                            "OR deletion > ?) ORDER BY region",
                        {key.place.account, key.id, to_unix_nanoseconds(now)},
                        [&](const meta::Row& row) -> Result<> {
                          related.push_back(read_key(row));
                          return {};
                        }));
  return related;
}

Result<> set_primary(meta::Transaction& transaction, const Key& primary, const Key& replica) {
  TRY(
      transaction.execute("UPDATE kms_keys SET primary_region = ? WHERE account = ? AND id = ? AND "
                          "primary_region <> ''",
                          {replica.place.region, primary.place.account, primary.id}));
  TRY(transaction.execute("UPDATE kms_rotations SET key = ? WHERE key = ?",
                          {replica.arn, primary.arn}));
  return {};
}

Result<Key> Keys::replicate(meta::Transaction& transaction, const Key& primary, NewReplica wanted) {
  Key replica = primary;
  replica.place.region = std::move(wanted.region);
  replica.arn = key_arn(replica.place, replica.id);
  replica.description = std::move(wanted.description);
  replica.policy = std::move(wanted.policy);
  replica.created = os_.clock.now();
  replica.valid_to.reset();
  const bool imported = primary.origin == kExternal;
  replica.state = imported ? KeyState::PendingImport : KeyState::Enabled;
  TRY(insert(transaction, replica));
  if (imported) {
    // Its own import gives it the material, which must be the same ("Importing key material into
    // multi-Region keys").
    TRY(transaction.execute(
        "INSERT INTO kms_material (key, version, id, origin, created, sealed) SELECT ?, version, "
        "id, origin, created, x'' FROM kms_material WHERE key = ?",
        {replica.arn, primary.arn}));
    return replica;
  }
  TRY_ASSIGN(const auto versions, list_material(transaction, primary));
  for (const auto& version : versions) {
    TRY_ASSIGN(const auto bytes, open_sealed(transaction, primary, version.version));
    if (bytes) TRY(insert_material(transaction, replica, version, bytes->bytes));
  }
  return replica;
}

Result<> Keys::share_material(meta::Transaction& transaction, const Key& key,
                              const MaterialVersion& version, std::string_view bytes) {
  if (!key.is_multi_region()) return {};
  TRY_ASSIGN(const auto related, related_keys(transaction, key, os_.clock.now()));
  for (const auto& replica : related) {
    if (replica.arn == key.arn) continue;
    TRY(insert_material(transaction, replica, version, bytes));
    TRY(transaction.execute("UPDATE kms_keys SET material = ? WHERE arn = ?",
                            {version.version, replica.arn}));
  }
  return {};
}

// "Deleting multi-Region keys": the window of a primary key that waits for its replicas begins when
// the last of them is gone.
Result<> Keys::start_window(meta::Transaction& transaction, const Key& removed) {
  const auto now = os_.clock.now();
  TRY_ASSIGN(const auto left, related_keys(transaction, removed, now));
  if (left.size() != 1 || left.front().state != KeyState::PendingReplicaDeletion) return {};
  auto primary = left.front();
  primary.state = KeyState::PendingDeletion;
  primary.deletion = now + std::chrono::days(primary.window_days);
  primary.window_days = 0;
  return update(transaction, primary);
}

}  // namespace traccia::kms
