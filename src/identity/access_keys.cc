// Access keys in the control-plane store.
// SPDX-License-Identifier: Apache-2.0
#include "identity/access_keys.h"

#include <fmt/format.h>

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

Result<KeyLastUsed> AccessKeys::last_used(meta::Transaction& transaction, std::string_view key_id) {
  std::optional<KeyLastUsed> found;
  TRY(transaction.query(
      "SELECT e.account, e.name, k.used, k.used_service, k.used_region FROM access_keys k JOIN "
      "entities e ON e.id = k.user WHERE k.id = ?",
      {key_id}, [&](const meta::Row& row) -> Result<> {
        found = KeyLastUsed{row.text(0), row.text(1), {}};
        if (!row.is_null(2)) {
          found->use = Use{from_unix_nanoseconds(row.integer(2)), row.text(3), row.text(4)};
        }
        return {};
      }));
  if (!found) return no_key(key_id);
  if (auto newer = uses_.find(key_id)) found->use = std::move(newer);
  return std::move(*found);
}

}  // namespace traccia::identity
