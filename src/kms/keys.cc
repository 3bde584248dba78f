// Stores keys, seals and opens their material.
// SPDX-License-Identifier: Apache-2.0
#include "kms/keys.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "identity/sql.h"
#include "kms/key_row.h"

namespace traccia::kms {
namespace {

constexpr size_t kMaterialIdBytes = 32;

// Binds sealed material to its place.
std::string seal_context(const Key& key, int64_t version) {
  return fmt::format("kms/{}/{}", key.arn, version);
}

std::string new_id(os::Random& random, Regions regions) {
  auto id = random.uuid();
  if (regions == Regions::One) return id;
  std::erase(id, '-');
  return "mrk-" + id;
}

meta::Argument optional_time(const std::optional<Time>& time) {
  return time ? meta::Argument(to_unix_nanoseconds(*time)) : meta::Argument(nullptr);
}

}  // namespace

Key read_key(const meta::Row& row) {
  Key key{.arn = row.text(0),
          .place = {row.text(1), row.text(2)},
          .id = row.text(3),
          .spec = row.text(4),
          .usage = row.text(5),
          .description = row.text(6),
          .state = static_cast<KeyState>(row.integer(7)),
          .created = from_unix_nanoseconds(row.integer(8)),
          .policy = row.text(10),
          .material = row.integer(11),
          .manager = static_cast<KeyManager>(row.integer(12)),
          .primary_region = row.text(13),
          .window_days = row.integer(14),
          .origin = row.text(15)};
  if (!row.is_null(9)) key.deletion = from_unix_nanoseconds(row.integer(9));
  if (!row.is_null(16)) key.valid_to = from_unix_nanoseconds(row.integer(16));
  key.version = row.integer(17);
  return key;
}

std::string make_material(os::Random& random, const KeyKind& kind) {
  return kind.pair ? crypto::KeyPair::generate(*kind.pair).to_der()
                   : random.bytes(kind.material_bytes);
}

Result<Key> Keys::create(meta::Transaction& transaction, NewKey wanted) {
  const auto& place = wanted.place;
  Key key{.place = place,
          .id = new_id(os_.random, wanted.regions),
          .spec = std::move(wanted.spec),
          .usage = std::move(wanted.usage),
          .description = std::move(wanted.description),
          .created = os_.clock.now(),
          .policy = std::move(wanted.policy),
          .manager = wanted.manager,
          .origin = std::move(wanted.origin)};
  if (wanted.regions == Regions::Many) key.primary_region = place.region;
  key.arn = key_arn(place, key.id);
  if (key.origin == kExternal) key.state = KeyState::PendingImport;
  TRY(insert(transaction, key));
  if (key.origin == kExternal) return key;
  const auto material =
      wanted.material.empty() ? make_material(os_.random, key.kind()) : std::move(wanted.material);
  TRY(add_material(transaction, key, MaterialOrigin::Created, material));
  return key;
}

Result<> Keys::insert(meta::Transaction& transaction, const Key& key) {
  TRY_ASSIGN(
      const auto others,
      identity::select_number(
          transaction,
          "SELECT count(*) FROM kms_keys WHERE account = ? AND region = ? AND manager = ?",
          {key.place.account, key.place.region, static_cast<int64_t>(KeyManager::Customer)}));
  if (others >= Quotas::kKeys) {
    return fail(ErrorCode::FailedPrecondition, "LimitExceeded",
                fmt::format("The account has {} keys in this Region already.", Quotas::kKeys));
  }
  TRY(transaction.execute(
      "INSERT INTO kms_keys (arn, account, region, id, spec, usage, description, state, created, "
      "policy, material, manager, primary_region, origin) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
      "?, ?, ?)",
      {key.arn, key.place.account, key.place.region, key.id, key.spec, key.usage, key.description,
       static_cast<int64_t>(key.state), to_unix_nanoseconds(key.created), key.policy, key.material,
       static_cast<int64_t>(key.manager), key.primary_region, key.origin}));
  return {};
}

Result<> Keys::add_material(meta::Transaction& transaction, const Key& key, MaterialOrigin origin,
                            std::string_view material) {
  const MaterialVersion version{key.material, hex_encode(os_.random.bytes(kMaterialIdBytes)),
                                origin, os_.clock.now()};
  TRY(insert_material(transaction, key, version, material));
  return share_material(transaction, key, version, material);
}

Result<> Keys::insert_material(meta::Transaction& transaction, const Key& key,
                               const MaterialVersion& version, std::string_view bytes) {
  const auto sealed = master_key_.seal(bytes, seal_context(key, version.version));
  TRY(transaction.execute(
      "INSERT OR REPLACE INTO kms_material (key, version, id, origin, created, sealed) VALUES (?, "
      "?, ?, ?, ?, ?)",
      {key.arn, version.version, version.id, static_cast<int64_t>(version.origin),
       to_unix_nanoseconds(version.created), meta::Blob{sealed}}));
  return {};
}

KeyState Keys::settled(const Key& key) const {
  const bool expired = key.valid_to && *key.valid_to <= os_.clock.now();
  return expired && !is_pending_deletion(key.state) ? KeyState::PendingImport : key.state;
}

Result<std::optional<Key>> Keys::find(meta::Transaction& transaction, const KeyName& name) {
  std::string sql(kSelectKey);
  sql += name.kind == NameKind::Alias ? "arn = (SELECT key FROM kms_aliases WHERE arn = ?1)"
                                      : "arn = ?1";
  sql += " AND (deletion IS NULL OR deletion > ?2)";
  std::optional<Key> found;
  TRY(transaction.query(sql, {name.arn, to_unix_nanoseconds(os_.clock.now())},
                        [&](const meta::Row& row) -> Result<> {
                          found = read_key(row);
                          found->state = settled(*found);
                          return {};
                        }));
  return found;
}

Result<Key> Keys::get(meta::Transaction& transaction, const KeyName& name) {
  TRY_ASSIGN(auto found, find(transaction, name));
  if (!found) return not_found(name);
  return std::move(*found);
}

Result<identity::Page<Key>> Keys::list(meta::Transaction& transaction, const Place& place,
                                       const identity::Cursor& cursor) {
  identity::Page<Key> page;
  TRY(transaction.query(std::string(kSelectKey) +
                            "account = ? AND region = ? AND id > ? AND (deletion IS NULL OR "
                            "deletion > ?) ORDER BY id LIMIT ?",
                        {place.account, place.region, cursor.after,
                         to_unix_nanoseconds(os_.clock.now()), cursor.rows_max()},
                        [&](const meta::Row& row) -> Result<> {
                          auto& key = page.items.emplace_back(read_key(row));
                          key.state = settled(key);
                          return {};
                        }));
  page.cut(cursor);
  return page;
}

Result<> Keys::update(meta::Transaction& transaction, const Key& key) {
  TRY(transaction.execute(
      "UPDATE kms_keys SET description = ?, state = ?, deletion = ?, window_days = ?, policy = ? "
      "WHERE arn = ?",
      {key.description, static_cast<int64_t>(key.state), optional_time(key.deletion),
       key.window_days, key.policy, key.arn}));
  return {};
}

Result<bool> Keys::has_due(meta::Transaction& transaction) {
  return identity::has_rows(transaction, "SELECT 1 FROM kms_keys WHERE deletion <= ? LIMIT 1",
                            {to_unix_nanoseconds(os_.clock.now())});
}

Result<std::vector<Key>> Keys::remove_due(meta::Transaction& transaction, size_t keys_max) {
  std::vector<Key> due;
  TRY(transaction.query(std::string(kSelectKey) + "deletion <= ? ORDER BY deletion LIMIT ?",
                        {to_unix_nanoseconds(os_.clock.now()), static_cast<int64_t>(keys_max)},
                        [&](const meta::Row& row) -> Result<> {
                          due.push_back(read_key(row));
                          return {};
                        }));
  for (const auto& key : due) {
    TRY(transaction.execute("DELETE FROM kms_keys WHERE arn = ?", {key.arn}));
    known_.forget(key.arn);
    if (key.is_multi_region()) TRY(start_window(transaction, key));
  }
  return due;
}

Result<std::optional<Keys::Material>> Keys::open_sealed(meta::Transaction& transaction,
                                                        const Key& key, int64_t version) {
  std::optional<Material> found;
  TRY(transaction.query("SELECT id, sealed FROM kms_material WHERE key = ? AND version = ?",
                        {key.arn, version}, [&](const meta::Row& row) -> Result<> {
                          if (row.view(1).empty()) return {};  // forgotten
                          TRY_ASSIGN(auto bytes,
                                     master_key_.open(row.view(1), seal_context(key, version)));
                          found = Material{row.text(0), std::move(bytes)};
                          return {};
                        }));
  return found;
}

Result<Opened> Keys::open_version(meta::Transaction& transaction, const Key& key, int64_t version) {
  if (auto open = known_.find_open(key, version)) return open;
  TRY_ASSIGN(auto material, open_sealed(transaction, key, version));
  if (!material) return nullptr;
  TRY_ASSIGN(auto made,
             OpenKey::make(key, version, std::move(material->id), std::move(material->bytes)));
  auto open = std::make_shared<const OpenKey>(std::move(made));
  known_.keep_open(key, version, open);
  return open;
}

Result<Opened> Keys::open(meta::Transaction& transaction, const Key& key) {
  TRY_ASSIGN(auto open, open_version(transaction, key, key.material));
  if (!open) return fail(ErrorCode::DataLoss, fmt::format("key '{}' has no material", key.arn));
  return open;
}

Result<Opened> Keys::open(meta::Transaction& transaction, const Key& key,
                          const CiphertextView& ciphertext) {
  const bool its = ciphertext.account == key.place.account && ciphertext.key_id == key.id;
  if (!its) return invalid_ciphertext();
  TRY_ASSIGN(auto open, open_version(transaction, key, ciphertext.material));
  if (!open) return invalid_ciphertext();
  return open;
}

Result<bool> Keys::has_material(meta::Transaction& transaction, const Key& key) {
  return identity::has_rows(
      transaction,
      "SELECT 1 FROM kms_material WHERE key = ? AND version = ? AND length(sealed) > 0",
      {key.arn, key.material});
}

Result<std::string> Keys::material_id(meta::Transaction& transaction, const Key& key) {
  std::string id;
  TRY(transaction.query("SELECT id FROM kms_material WHERE key = ? AND version = ?",
                        {key.arn, key.material}, [&](const meta::Row& row) -> Result<> {
                          id = row.text(0);
                          return {};
                        }));
  return id;
}

}  // namespace traccia::kms
