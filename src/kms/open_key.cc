// Algorithms by KMS's names.
// SPDX-License-Identifier: Apache-2.0
#include "kms/open_key.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/assert.h"
#include "crypto/mac.h"

namespace traccia::kms {
namespace {

using crypto::SignatureHash;
using crypto::SignatureScheme;

template <typename T>
using Named = std::pair<std::string_view, T>;

constexpr Named<crypto::SignatureAlgorithm> kSignatures[] = {
    {"RSASSA_PSS_SHA_256", {SignatureScheme::RsaPss, SignatureHash::Sha256}},
    {"RSASSA_PSS_SHA_384", {SignatureScheme::RsaPss, SignatureHash::Sha384}},
    {"RSASSA_PSS_SHA_512", {SignatureScheme::RsaPss, SignatureHash::Sha512}},
    {"RSASSA_PKCS1_V1_5_SHA_256", {SignatureScheme::RsaPkcs1, SignatureHash::Sha256}},
    {"RSASSA_PKCS1_V1_5_SHA_384", {SignatureScheme::RsaPkcs1, SignatureHash::Sha384}},
    {"RSASSA_PKCS1_V1_5_SHA_512", {SignatureScheme::RsaPkcs1, SignatureHash::Sha512}},
    {"ECDSA_SHA_256", {SignatureScheme::Ecdsa, SignatureHash::Sha256}},
    {"ECDSA_SHA_384", {SignatureScheme::Ecdsa, SignatureHash::Sha384}},
    {"ECDSA_SHA_512", {SignatureScheme::Ecdsa, SignatureHash::Sha512}}};
constexpr Named<crypto::OaepHash> kOaeps[] = {{"RSAES_OAEP_SHA_1", crypto::OaepHash::Sha1},
                                              {"RSAES_OAEP_SHA_256", crypto::OaepHash::Sha256}};
constexpr Named<crypto::MacHash> kMacs[] = {{"HMAC_SHA_224", crypto::MacHash::Sha224},
                                            {"HMAC_SHA_256", crypto::MacHash::Sha256},
                                            {"HMAC_SHA_384", crypto::MacHash::Sha384},
                                            {"HMAC_SHA_512", crypto::MacHash::Sha512}};

template <typename T, size_t N>
const T& get_named(const Named<T> (&table)[N], std::string_view name) {
  const auto* at = std::ranges::find(table, name, &Named<T>::first);
  TRACCIA_ASSERT(at != std::end(table));
  return at->second;
}

}  // namespace

Result<OpenKey> OpenKey::make(const Key& key, int64_t version, std::string id,
                              std::string material) {
  const auto& kind = key.kind();
  if (!kind.pair && material.size() != kind.material_bytes) {
    return fail(ErrorCode::DataLoss,
                fmt::format("the material of key '{}' has {} bytes", key.arn, material.size()));
  }
  return OpenKey(key, version, std::move(id), std::move(material));
}

Result<crypto::KeyPair> OpenKey::pair() const {
  auto pair = crypto::KeyPair::from_der(material_.view());
  if (pair && pair->kind() == kind_->pair) return pair;
  return fail(ErrorCode::DataLoss,
              fmt::format("the material of key '{}' is no {}", key_id_, kind_->spec));
}

Result<std::string> OpenKey::encrypt(os::Random& random, std::string_view algorithm,
                                     std::string_view plaintext,
                                     const EncryptionContext& context) const {
  TRACCIA_ASSERT(kind_->usage == kEncryptDecrypt && kind_->has(algorithm));
  if (!kind_->pair) {
    return kms::encrypt(material_.view(), {account_, key_id_, version_}, random.bytes(kSaltBytes),
                        plaintext, context);
  }
  TRY_ASSIGN(const auto opened, pair());
  return opened.encrypt(get_named(kOaeps, algorithm), plaintext);
}

Result<std::string> OpenKey::decrypt(std::string_view algorithm, std::string_view ciphertext,
                                     const EncryptionContext& context) const {
  TRACCIA_ASSERT(kind_->usage == kEncryptDecrypt && kind_->has(algorithm));
  if (!kind_->pair) {
    TRY_ASSIGN(const auto view, decode_ciphertext(ciphertext));
    return kms::decrypt(material_.view(), view, context);
  }
  TRY_ASSIGN(const auto opened, pair());
  auto plaintext = opened.decrypt(get_named(kOaeps, algorithm), ciphertext);
  if (!plaintext) return invalid_ciphertext();
  return plaintext;
}

Result<std::string> OpenKey::sign(std::string_view algorithm, std::string_view digest) const {
  TRACCIA_ASSERT(kind_->usage == kSignVerify && kind_->has(algorithm));
  TRY_ASSIGN(const auto opened, pair());
  return opened.sign(get_named(kSignatures, algorithm), digest);
}

Result<bool> OpenKey::verify(std::string_view algorithm, std::string_view digest,
                             std::string_view signature) const {
  TRACCIA_ASSERT(kind_->usage == kSignVerify && kind_->has(algorithm));
  TRY_ASSIGN(const auto opened, pair());
  return opened.verifies(get_named(kSignatures, algorithm), digest, signature);
}

std::string OpenKey::mac(std::string_view message) const {
  TRACCIA_ASSERT(kind_->usage == kGenerateVerifyMac);
  return crypto::hmac(get_named(kMacs, kind_->algorithms.front()), material_.view(), message);
}

Result<std::string> OpenKey::agree(std::string_view peer_public_key) const {
  TRACCIA_ASSERT(kind_->usage == kKeyAgreement);
  TRY_ASSIGN(const auto opened, pair());
  return opened.agree(peer_public_key);
}

Result<std::string> OpenKey::public_key() const {
  TRY_ASSIGN(const auto opened, pair());
  return opened.public_der();
}

std::string digest_of(std::string_view algorithm, std::string_view message) {
  return crypto::digest(get_named(kSignatures, algorithm).hash, message);
}

size_t digest_bytes(std::string_view algorithm) {
  return crypto::digest_bytes(get_named(kSignatures, algorithm).hash);
}

size_t plaintext_max(const KeyKind& kind, std::string_view algorithm) {
  return crypto::oaep_bytes_max(*kind.pair, get_named(kOaeps, algorithm));
}

}  // namespace traccia::kms
