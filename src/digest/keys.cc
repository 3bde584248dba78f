// Signing keys in the control-plane store.
// SPDX-License-Identifier: Apache-2.0
#include "digest/keys.h"

#include <fmt/format.h>

#include "digest/format.h"

namespace traccia::digest {

const std::string_view kKeySchema = R"sql(
CREATE TABLE digest_keys (
  fingerprint TEXT PRIMARY KEY,
  region      TEXT NOT NULL,
  private     BLOB NOT NULL,      -- PKCS#8, sealed, context digest-key/REGION/FINGERPRINT
  public      BLOB NOT NULL,      -- PKCS#1
  valid_from  INTEGER NOT NULL,   -- unix nanoseconds
  valid_to    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX digest_keys_by_region ON digest_keys (region, valid_to);
)sql";

namespace {

std::string seal_context(std::string_view region, std::string_view print) {
  return fmt::format("digest-key/{}/{}", region, print);
}

}  // namespace

Result<SigningKey> signing_key(meta::Transaction& transaction, const Sealer& sealer,
                               std::string_view region, Time now) {
  std::optional<SigningKey> found;
  // A key in its last day still verifies; signing has moved to its successor by then.
  TRY(transaction.query(
      "SELECT fingerprint, private FROM digest_keys WHERE region = ? AND valid_to > ? "
      "ORDER BY valid_to DESC LIMIT 1",
      {region, to_unix_nanoseconds(now + kKeyOverlap)}, [&](const meta::Row& row) -> Result<> {
        auto print = row.text(0);
        TRY_ASSIGN(const auto der, sealer.open(row.view(1), seal_context(region, print)));
        TRY_ASSIGN(auto key, crypto::RsaPrivateKey::from_der(der));
        found = SigningKey{std::move(key), std::move(print)};
        return {};
      }));
  if (found) return std::move(*found);
  auto key = crypto::RsaPrivateKey::generate(kKeyBits);
  const auto public_der = key.public_pkcs1_der();
  auto print = fingerprint(public_der);
  const auto sealed = sealer.seal(key.to_der(), seal_context(region, print));
  // A digest may end a little before the moment it is made.
  const auto from = floor_seconds(now - kKeyOverlap);
  TRY(
      transaction.execute("INSERT INTO digest_keys (fingerprint, region, private, public, "
                          "valid_from, valid_to) VALUES (?, ?, ?, ?, ?, ?)",
                          {print, region, meta::Blob{sealed}, meta::Blob{public_der},
                           to_unix_nanoseconds(from), to_unix_nanoseconds(from + kKeyValidity)}));
  return SigningKey{std::move(key), std::move(print)};
}

Result<std::vector<PublicKey>> list_public_keys(meta::Transaction& transaction,
                                                std::string_view region, std::optional<Time> start,
                                                std::optional<Time> end, Time now) {
  std::vector<PublicKey> keys;
  TRY(transaction.query(
      "SELECT public, valid_from, valid_to, fingerprint FROM digest_keys WHERE region = ? AND "
      "valid_to >= ? AND valid_from <= ? ORDER BY valid_from, fingerprint",
      {region, to_unix_nanoseconds(start.value_or(now)),
       to_unix_nanoseconds(start ? end.value_or(now) : now)},
      [&](const meta::Row& row) -> Result<> {
        keys.push_back({row.text(0), from_unix_nanoseconds(row.integer(1)),
                        from_unix_nanoseconds(row.integer(2)), row.text(3)});
        return {};
      }));
  return keys;
}

}  // namespace traccia::digest
