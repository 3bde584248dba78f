// A key's material, opened to be used.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "crypto/secret.h"
#include "kms/ciphertext.h"
#include "kms/key.h"
#include "os/os.h"

namespace traccia::kms {

// One version of a key's material. Works without the store, which what takes long, as private keys
// do, must not hold. The material itself does not come out, and is wiped with this. Immutable and
// thread-safe; which functions a key has depends on its usage. `algorithm` is one of its kind's.
class OpenKey {
 public:
  // DataLoss when the material is not one of the key's kind.
  static Result<OpenKey> make(const Key& key, int64_t version, std::string id,
                              std::string material);

  // Of the material, 64 hexadecimal digits.
  const std::string& id() const { return id_; }

  // ENCRYPT_DECRYPT. The context is for kSymmetric; the plaintext of a pair has plaintext_max()
  // bytes at most.
  Result<std::string> encrypt(os::Random& random, std::string_view algorithm,
                              std::string_view plaintext, const EncryptionContext& context) const;
  // Reason InvalidCiphertext.
  Result<std::string> decrypt(std::string_view algorithm, std::string_view ciphertext,
                              const EncryptionContext& context) const;
  // SIGN_VERIFY; the digest is as long as digest_of() makes it.
  Result<std::string> sign(std::string_view algorithm, std::string_view digest) const;
  Result<bool> verify(std::string_view algorithm, std::string_view digest,
                      std::string_view signature) const;
  // GENERATE_VERIFY_MAC, by the kind's algorithm.
  std::string mac(std::string_view message) const;
  // KEY_AGREEMENT with another's public key in SubjectPublicKeyInfo. InvalidArgument when that is
  // none of the same curve.
  Result<std::string> agree(std::string_view peer_public_key) const;
  // Of pairs: SubjectPublicKeyInfo.
  Result<std::string> public_key() const;

 private:
  OpenKey(const Key& key, int64_t version, std::string id, std::string material)
      : kind_(&key.kind()),
        account_(key.place.account),
        key_id_(key.id),
        version_(static_cast<uint32_t>(version)),
        id_(std::move(id)),
        material_(std::move(material)) {}
  Result<crypto::KeyPair> pair() const;

  const KeyKind* kind_;
  std::string account_;
  std::string key_id_;
  uint32_t version_;
  std::string id_;
  crypto::Secret material_;
};
using Opened = std::shared_ptr<const OpenKey>;

// The digest that an algorithm of kSignVerify signs of a message, and its size.
std::string digest_of(std::string_view algorithm, std::string_view message);
size_t digest_bytes(std::string_view algorithm);
// The largest plaintext of a pair of this kind.
size_t plaintext_max(const KeyKind& kind, std::string_view algorithm);

}  // namespace traccia::kms
