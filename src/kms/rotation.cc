// Key material by time and on demand.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "identity/sql.h"
#include "kms/keys.h"

namespace traccia::kms {
namespace {

// What is not enabled waits until it is ("Rotating AWS KMS keys").
constexpr std::string_view kDue =
    "FROM kms_rotations JOIN kms_keys ON kms_keys.arn = kms_rotations.key WHERE next <= ?1 AND "
    "state = ?2";

}  // namespace

Result<Key> Keys::rotate(meta::Transaction& transaction, Key key, MaterialOrigin origin) {
  if (origin == MaterialOrigin::OnDemand) {
    TRY_ASSIGN(const auto before,
               identity::select_number(
                   transaction, "SELECT count(*) FROM kms_material WHERE key = ? AND origin = ?",
                   {key.arn, static_cast<int64_t>(origin)}));
    if (before >= Quotas::kOnDemandRotations) {
      return fail(
          ErrorCode::FailedPrecondition, "LimitExceeded",
          fmt::format("The on-demand rotations limit has been reached for the given keyId. No "
                      "more on-demand rotations can be performed for this key: {}",
                      key.arn));
    }
  }
  ++key.material;
  TRY(add_material(transaction, key, origin, make_material(os_.random, key.kind())));
  TRY(transaction.execute("UPDATE kms_keys SET material = ? WHERE arn = ?",
                          {key.material, key.arn}));
  return key;
}

Result<bool> Keys::has_rotation_due(meta::Transaction& transaction) {
  return identity::has_rows(
      transaction, fmt::format("SELECT 1 {} LIMIT 1", kDue),
      {to_unix_nanoseconds(os_.clock.now()), static_cast<int64_t>(KeyState::Enabled)});
}

Result<std::vector<Key>> Keys::rotate_due(meta::Transaction& transaction, size_t keys_max) {
  const auto now = os_.clock.now();
  std::vector<std::string> arns;
  TRY(transaction.query(fmt::format("SELECT arn {} ORDER BY next LIMIT ?3", kDue),
                        {to_unix_nanoseconds(now), static_cast<int64_t>(KeyState::Enabled),
                         static_cast<int64_t>(keys_max)},
                        [&](const meta::Row& row) -> Result<> {
                          arns.push_back(row.text(0));
                          return {};
                        }));
  std::vector<Key> rotated;
  for (const auto& arn : arns) {
    TRY_ASSIGN(auto key, get(transaction, {.arn = arn}));
    TRY_ASSIGN(const auto rotation, find_rotation(transaction, key));
    TRY(set_rotation(transaction, key, {rotation->days, now + std::chrono::days(rotation->days)}));
    TRY_ASSIGN(key, rotate(transaction, std::move(key), MaterialOrigin::Automatic));
    rotated.push_back(std::move(key));
  }
  return rotated;
}

Result<std::optional<Rotation>> find_rotation(meta::Transaction& transaction, const Key& key) {
  std::optional<Rotation> found;
  TRY(transaction.query("SELECT days, next FROM kms_rotations WHERE key = ?", {key.arn},
                        [&](const meta::Row& row) -> Result<> {
                          found = Rotation{row.integer(0), from_unix_nanoseconds(row.integer(1))};
                          return {};
                        }));
  return found;
}

Result<> set_rotation(meta::Transaction& transaction, const Key& key, const Rotation& rotation) {
  TRY(transaction.execute("INSERT OR REPLACE INTO kms_rotations (key, days, next) VALUES (?, ?, ?)",
                          {key.arn, rotation.days, to_unix_nanoseconds(rotation.next)}));
  return {};
}

Result<> end_rotation(meta::Transaction& transaction, const Key& key) {
  TRY(transaction.execute("DELETE FROM kms_rotations WHERE key = ?", {key.arn}));
  return {};
}

Result<std::vector<MaterialVersion>> list_material(meta::Transaction& transaction, const Key& key) {
  std::vector<MaterialVersion> versions;
  TRY(transaction.query(
      "SELECT version, id, origin, created FROM kms_material WHERE key = ? ORDER BY version",
      {key.arn}, [&](const meta::Row& row) -> Result<> {
        versions.push_back({row.integer(0), row.text(1),
                            static_cast<MaterialOrigin>(row.integer(2)),
                            from_unix_nanoseconds(row.integer(3))});
        return {};
      }));
  return versions;
}

}  // namespace traccia::kms
