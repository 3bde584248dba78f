// Signing keys in the control plane's store.
// SPDX-License-Identifier: Apache-2.0
#include "sns/signer.h"

#include <fmt/format.h>

#include "base/bytes.h"

namespace traccia::sns {
namespace {

constexpr std::string_view kPrefix = "/SimpleNotificationService-";
constexpr std::string_view kSuffix = ".pem";
constexpr std::string_view kCommonName = "sns.amazonaws.com";  // as on AWS's
constexpr size_t kNameBytes = 16;

std::string seal_context(std::string_view name) {
  return fmt::format("sns-key/{}", name);
}

}  // namespace

bool Signer::is_certificate(std::string_view path) {
  return path.starts_with(kPrefix) && path.ends_with(kSuffix) &&
         path.size() > kPrefix.size() + kSuffix.size();
}

Result<std::optional<Signer::Key>> Signer::load(meta::Transaction& transaction, Time now) {
  std::optional<Key> found;
  TRY(transaction.query(
      "SELECT name, private, valid_to FROM topic_signing_keys WHERE valid_to > ? ORDER BY valid_to "
      "DESC LIMIT 1",
      {to_unix_nanoseconds(now + kRenewal)}, [&](const meta::Row& row) -> Result<> {
        auto name = row.text(0);
        TRY_ASSIGN(const auto der, sealer_.open(row.view(1), seal_context(name)));
        TRY_ASSIGN(auto key, crypto::RsaPrivateKey::from_der(der));
        found.emplace(Key{std::move(name), std::move(key), from_unix_nanoseconds(row.integer(2))});
        return {};
      }));
  return found;
}

Result<Signer::Key> Signer::make(meta::Transaction& transaction, Time now) {
  auto key = crypto::RsaPrivateKey::generate(kKeyBits);
  auto name = hex_encode(os_.random.bytes(kNameBytes));
  // Clocks of subscribers may be a little behind.
  const auto from = floor_seconds(now) - std::chrono::hours(24);
  const auto certificate = key.certificate_pem(kCommonName, from, from + kValidity);
  const auto sealed = sealer_.seal(key.to_der(), seal_context(name));
  TRY(transaction.execute(
      "INSERT INTO topic_signing_keys (name, private, certificate, valid_to) VALUES (?, ?, ?, ?)",
      {name, meta::Blob{sealed}, certificate, to_unix_nanoseconds(from + kValidity)}));
  return Key{std::move(name), std::move(key), from + kValidity};
}

Result<std::shared_ptr<const Signer::Key>> Signer::current() {
  const MutexLock lock(mutex_);
  const auto now = os_.clock.now();
  if (key_ && key_->valid_to > now + kRenewal) return key_;
  std::shared_ptr<const Key> made;
  TRY(database_.write([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(auto found, load(transaction, now));
    if (!found) {
      TRY_ASSIGN(found, make(transaction, now));
    }
    made = std::make_shared<const Key>(std::move(*found));
    return {};
  }));
  key_ = made;
  return made;
}

Result<Signer::Signed> Signer::sign(std::string_view text, std::string_view version) {
  TRY_ASSIGN(const auto key, current());
  const auto signature = version == "2" ? key->key.sign_sha256(text) : key->key.sign_sha1(text);
  return Signed{base64_encode(signature), fmt::format("{}{}{}", kPrefix, key->name, kSuffix)};
}

Result<std::optional<std::string>> Signer::certificate(std::string_view path) {
  std::optional<std::string> found;
  if (!is_certificate(path)) return found;
  const auto name = path.substr(kPrefix.size(), path.size() - kPrefix.size() - kSuffix.size());
  TRY(database_.read([&](meta::Transaction& transaction) {
    return transaction.query("SELECT certificate FROM topic_signing_keys WHERE name = ?", {name},
                             [&](const meta::Row& row) -> Result<> {
                               found = row.text(0);
                               return {};
                             });
  }));
  return found;
}

}  // namespace traccia::sns
