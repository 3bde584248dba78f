// Public keys as JSON Web Keys bring them (RFC 7517, 7518), and the signatures of JSON Web Tokens.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "base/error.h"

namespace traccia::crypto {

// Immutable and thread-safe.
class JwkPublicKey {
 public:
  static constexpr size_t kRsaBytesMin = 256;  // RFC 7518, 3.3: 2048 bits at least
  static constexpr size_t kRsaBytesMax = 1024;

  // Numbers are big-endian bytes. InvalidArgument: a size out of bounds, a point not on the curve.
  static Result<JwkPublicKey> rsa(std::string_view modulus, std::string_view exponent);
  static Result<JwkPublicKey> p256(std::string_view x, std::string_view y);

  // RS256 (PKCS#1 v1.5) with RSA keys, ES256 (r and s of 32 bytes each) with P-256 keys.
  bool verifies_sha256(std::string_view message, std::string_view signature) const;
  bool is_rsa() const { return is_rsa_; }

 private:
  JwkPublicKey(std::shared_ptr<void> key, bool is_rsa) : key_(std::move(key)), is_rsa_(is_rsa) {}

  std::shared_ptr<void> key_;
  bool is_rsa_;
};

}  // namespace traccia::crypto
