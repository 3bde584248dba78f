// Imported key material.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/bytes.h"
#include "identity/sql.h"
#include "kms/key_row.h"
#include "kms/keys.h"

namespace traccia::kms {
namespace {

constexpr std::string_view kImportContext = "kms-import";

std::unexpected<Error> incorrect() {
  return fail(ErrorCode::InvalidArgument, "IncorrectKeyMaterial", "");
}

bool fits(const KeyKind& kind, std::string_view material) {
  if (!kind.pair) return material.size() == kind.material_bytes;
  const auto pair = crypto::KeyPair::from_der(material);
  return pair && pair->kind() == *kind.pair;
}

}  // namespace

Result<Key> Keys::import_material(meta::Transaction& transaction, Key key,
                                  std::string_view material, std::optional<Time> valid_to) {
  if (!fits(key.kind(), material)) return incorrect();
  // The same in every region, so that replicas of a key take what the primary has.
  const auto place = fmt::format("kms/{}/{}", key.place.account, key.id);
  const auto id = hex_encode(master_key_.fingerprint(material, place));
  TRY_ASSIGN(const auto before, material_id(transaction, key));
  if (!before.empty() && before != id) return incorrect();
  const MaterialVersion version{key.material, id, MaterialOrigin::Created, os_.clock.now()};
  TRY(insert_material(transaction, key, version, material));
  if (key.state == KeyState::PendingImport) key.state = KeyState::Enabled;
  key.valid_to = valid_to;
  TRY(transaction.execute(
      "UPDATE kms_keys SET state = ?, valid_to = ? WHERE arn = ?",
      {static_cast<int64_t>(key.state),
       valid_to ? meta::Argument(to_unix_nanoseconds(*valid_to)) : meta::Argument(nullptr),
       key.arn}));
  return key;
}

// Its id stays: only the same material may come back.
Result<Key> Keys::forget_material(meta::Transaction& transaction, Key key) {
  TRY(transaction.execute("UPDATE kms_material SET sealed = x'' WHERE key = ?", {key.arn}));
  known_.forget(key.arn);
  if (!is_pending_deletion(key.state)) key.state = KeyState::PendingImport;
  key.valid_to.reset();
  TRY(transaction.execute("UPDATE kms_keys SET state = ?, valid_to = NULL WHERE arn = ?",
                          {static_cast<int64_t>(key.state), key.arn}));
  return key;
}

Result<bool> Keys::has_expired(meta::Transaction& transaction) {
  return identity::has_rows(transaction, "SELECT 1 FROM kms_keys WHERE valid_to <= ? LIMIT 1",
                            {to_unix_nanoseconds(os_.clock.now())});
}

Result<std::vector<Key>> Keys::forget_expired(meta::Transaction& transaction, size_t keys_max) {
  std::vector<Key> expired;
  TRY(transaction.query(std::string(kSelectKey) + "valid_to <= ? ORDER BY valid_to LIMIT ?",
                        {to_unix_nanoseconds(os_.clock.now()), static_cast<int64_t>(keys_max)},
                        [&](const meta::Row& row) -> Result<> {
                          expired.push_back(read_key(row));
                          return {};
                        }));
  for (auto& key : expired) {
    TRY_ASSIGN(key, forget_material(transaction, std::move(key)));
  }
  return expired;
}

std::string Keys::seal_import(std::string_view bytes) const {
  return master_key_.seal(bytes, kImportContext);
}

Result<std::string> Keys::open_import(std::string_view sealed) const {
  return master_key_.open(sealed, kImportContext);
}

}  // namespace traccia::kms
