// Hashes, MACs, signatures and authenticated encryption over OpenSSL 3. Binary strings in and out
// unless a name says hex. All functions are thread-safe.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"

namespace traccia::crypto {

std::string sha256(std::string_view bytes);
std::string sha256_hex(std::string_view bytes);
std::string sha1(std::string_view bytes);
std::string md5(std::string_view bytes);
std::string hmac_sha256(std::string_view key, std::string_view bytes);

// scrypt (RFC 7914), for passwords: `n` (a power of two) times `r` times 128 bytes of memory, at
// most kScryptBytesMax, `p` times over.
struct ScryptCost {
  uint64_t n = 1 << 15;
  uint32_t r = 8;
  uint32_t p = 3;
};
inline constexpr uint64_t kScryptBytesMax = 64 << 20;
std::string scrypt(std::string_view password, std::string_view salt, ScryptCost cost, size_t bytes);

// Incremental hashing. owned by one thread.
class Hasher {
 public:
  enum class Algorithm { Sha256, Sha1, Md5 };
  explicit Hasher(Algorithm algorithm);
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  void update(std::string_view bytes);
  // The digest; the hasher must not be used afterwards.
  std::string finish();

 private:
  void* context_;
};

// AES-256-GCM with a random 96-bit nonce: nonce | ciphertext | tag. `key` is 32 bytes; `context` is
// authenticated, not stored. open_sealed fails with DataLoss when anything was changed.
std::string seal(std::string_view key, std::string_view plaintext, std::string_view context);
Result<std::string> open_sealed(std::string_view key, std::string_view sealed,
                                std::string_view context);

// RSA with PKCS#1 v1.5 padding: with SHA-256, as CloudTrail's digests are signed, and with SHA-1,
// as SNS's signature version 1 has it.
class RsaPrivateKey {
 public:
  static RsaPrivateKey generate(unsigned bits);
  static Result<RsaPrivateKey> from_der(std::string_view pkcs8_der);
  ~RsaPrivateKey();
  RsaPrivateKey(RsaPrivateKey&&) noexcept;
  RsaPrivateKey& operator=(RsaPrivateKey&&) noexcept;
  std::string to_der() const;            // PKCS#8, unencrypted: seal it before storing
  std::string public_pkcs1_der() const;  // RSAPublicKey, 270 bytes for 2048 bits
  std::string sign_sha256(std::string_view message) const;
  std::string sign_sha1(std::string_view message) const;
  // A certificate of this key by itself (X.509 version 3, SHA-256), in PEM. `name` is its common
  // name, 64 bytes at most.
  std::string certificate_pem(std::string_view name, Time valid_from, Time valid_to) const;

 private:
  explicit RsaPrivateKey(void* key) : key_(key) {}
  void* key_;
};

// False when the signature does not match; an error when the key cannot be loaded.
Result<bool> rsa_verify_sha256(std::string_view public_pkcs1_der, std::string_view message,
                               std::string_view signature);

}  // namespace traccia::crypto
