// Asymmetric key pairs over OpenSSL 3: RSA, and elliptic curves in short Weierstrass form.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace traccia::crypto {

enum class PairKind : uint8_t { Rsa2048, Rsa3072, Rsa4096, P256, P384, P521, Secp256k1 };
bool is_rsa(PairKind kind);

// PSS with a salt as long as the digest, PKCS#1 v1.5, ECDSA with its numbers in DER (RFC 3279).
enum class SignatureScheme : uint8_t { RsaPss, RsaPkcs1, Ecdsa };
enum class SignatureHash : uint8_t { Sha256, Sha384, Sha512 };
struct SignatureAlgorithm {
  SignatureScheme scheme;
  SignatureHash hash;
};
size_t digest_bytes(SignatureHash hash);
std::string digest(SignatureHash hash, std::string_view message);

// Of RSAES-OAEP; MGF1 takes the same hash.
enum class OaepHash : uint8_t { Sha1, Sha256 };
// The largest plaintext of an RSA pair.
size_t oaep_bytes_max(PairKind kind, OaepHash hash);

// Immutable and thread-safe.
class KeyPair {
 public:
  // RSA pairs take from a tenth of a second to some seconds.
  static KeyPair generate(PairKind kind);
  // PKCS#8. InvalidArgument for what is no private key of one of the kinds.
  static Result<KeyPair> from_der(std::string_view der);

  PairKind kind() const { return kind_; }
  std::string to_der() const;      // PKCS#8, unencrypted: seal it before storing
  std::string public_der() const;  // SubjectPublicKeyInfo

  // The scheme is one of the pair's kind; `digest` is as long as the hash.
  std::string sign(SignatureAlgorithm algorithm, std::string_view digest) const;
  bool verifies(SignatureAlgorithm algorithm, std::string_view digest,
                std::string_view signature) const;
  // Of RSA pairs; the plaintext has oaep_bytes_max() bytes at most.
  std::string encrypt(OaepHash hash, std::string_view plaintext) const;
  // InvalidArgument for what was not encrypted to this pair by this algorithm.
  Result<std::string> decrypt(OaepHash hash, std::string_view ciphertext) const;
  // ECDH: the x coordinate of the point that this pair and the peer's public key, in
  // SubjectPublicKeyInfo, have in common. InvalidArgument when the peer's is not of this curve.
  Result<std::string> agree(std::string_view peer_public_der) const;

 private:
  KeyPair(std::shared_ptr<void> key, PairKind kind) : key_(std::move(key)), kind_(kind) {}

  std::shared_ptr<void> key_;
  PairKind kind_;
};

}  // namespace traccia::crypto
