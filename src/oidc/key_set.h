// The public keys of an issuer (RFC 7517).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "crypto/jwk.h"
#include "oidc/jwt.h"

namespace traccia::oidc {

// Immutable.
class KeySet {
 public:
  static constexpr size_t kKeysMax = 100;  // "Quotas": keys of a provider

  // Keys for encryption, of other types and unreadable ones are left out. InvalidArgument for what
  // is no key set.
  static Result<KeySet> parse(std::string_view text);

  // Whether a key with this id is there; any key when the id is empty.
  bool has(std::string_view key_id) const;
  // Whether the token was signed by a key of this set: the one it names, or any when it names none.
  bool verifies(const Token& token) const;
  size_t size() const { return keys_.size(); }

 private:
  struct Key {
    std::string id;
    crypto::JwkPublicKey key;
  };

  std::vector<Key> keys_;
};

}  // namespace traccia::oidc
