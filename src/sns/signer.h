// The key that signs what subscribers get, and its certificates.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/mutex.h"
#include "base/time.h"
#include "crypto/crypto.h"
#include "meta/database.h"
#include "os/os.h"

namespace traccia::sns {

// Seals and opens private keys; bound to the place by `context`.
struct Sealer {
  std::function<std::string(std::string_view plaintext, std::string_view context)> seal;
  std::function<Result<std::string>(std::string_view sealed, std::string_view context)> open;
};

// Thread-safe. Keys are made when they are first needed and kept, sealed, in the database; their
// certificates stay readable for who checks old messages.
class Signer {
 public:
  static constexpr unsigned kKeyBits = 2048;
  static constexpr std::chrono::hours kValidity{365 * 24};
  static constexpr std::chrono::hours kRenewal{30 * 24};  // before its end a key gets a successor

  Signer(os::Os os, meta::Database& database, Sealer sealer)
      : os_(os), database_(database), sealer_(std::move(sealer)) {}

  struct Signed {
    std::string base64;
    std::string path;  // of the certificate: "/SimpleNotificationService-….pem"
  };
  // `version` is "1" (SHA-1) or "2" (SHA-256). Not to be called inside a transaction.
  Result<Signed> sign(std::string_view text, std::string_view version);
  // The certificate under that path, in PEM; nullopt: there is none. Not inside a transaction.
  Result<std::optional<std::string>> certificate(std::string_view path);
  // Whether a path is one of certificates.
  static bool is_certificate(std::string_view path);

 private:
  struct Key {
    std::string name;
    crypto::RsaPrivateKey key;
    Time valid_to;
  };
  Result<std::shared_ptr<const Key>> current();
  Result<std::optional<Key>> load(meta::Transaction& transaction, Time now);
  Result<Key> make(meta::Transaction& transaction, Time now);

  os::Os os_;
  meta::Database& database_;
  Sealer sealer_;
  Mutex mutex_;
  std::shared_ptr<const Key> key_ GUARDED_BY(mutex_);
};

}  // namespace traccia::sns
