// Pairs of keys as OpenSSL 3 knows them.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/key_pair.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>

#include "base/assert.h"
#include "crypto/openssl.h"

namespace traccia::crypto {
namespace {

struct KindEntry {
  PairKind kind;
  unsigned rsa_bits;
  const char* group;  // of elliptic curves, as OpenSSL calls it
};
constexpr KindEntry kKinds[] = {
    {PairKind::Rsa2048, 2048, nullptr},   {PairKind::Rsa3072, 3072, nullptr},
    {PairKind::Rsa4096, 4096, nullptr},   {PairKind::P256, 0, "prime256v1"},
    {PairKind::P384, 0, "secp384r1"},     {PairKind::P521, 0, "secp521r1"},
    {PairKind::Secp256k1, 0, "secp256k1"}};

const KindEntry& entry_of(PairKind kind) {
  const auto* at = std::ranges::find(kKinds, kind, &KindEntry::kind);
  TRACCIA_ASSERT(at != std::end(kKinds));
  return *at;
}

// The kind of a key that was read; nullopt for one of no kind.
std::optional<PairKind> kind_of(const EVP_PKEY* key) {
  const int type = EVP_PKEY_get_base_id(key);
  std::array<char, 64> group{};
  if (type == EVP_PKEY_EC &&
      EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size(),
                                     nullptr) != 1) {
    return std::nullopt;  // a curve that has no name
  }
  for (const auto& one : kKinds) {
    const bool same =
        one.group == nullptr
            ? type == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) == static_cast<int>(one.rsa_bits)
            : type == EVP_PKEY_EC && std::string_view(group.data()) == one.group;
    if (same) return one.kind;
  }
  return std::nullopt;
}

const EVP_MD* method(SignatureHash hash) {
  switch (hash) {
    case SignatureHash::Sha256:
      return EVP_sha256();
    case SignatureHash::Sha384:
      return EVP_sha384();
    case SignatureHash::Sha512:
      return EVP_sha512();
  }
  return nullptr;
}

const EVP_MD* method(OaepHash hash) {
  return hash == OaepHash::Sha1 ? EVP_sha1() : EVP_sha256();
}

KeyContext context_of(const std::shared_ptr<void>& key) {
  KeyContext context(EVP_PKEY_CTX_new(static_cast<EVP_PKEY*>(key.get()), nullptr));
  TRACCIA_ASSERT(context != nullptr);
  return context;
}

void choose(EVP_PKEY_CTX* context, SignatureAlgorithm algorithm) {
  TRACCIA_ASSERT(EVP_PKEY_CTX_set_signature_md(context, method(algorithm.hash)) == 1);
  if (algorithm.scheme == SignatureScheme::Ecdsa) return;
  const bool pss = algorithm.scheme == SignatureScheme::RsaPss;
  TRACCIA_ASSERT(
      EVP_PKEY_CTX_set_rsa_padding(context, pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) == 1);
  if (pss) {
    TRACCIA_ASSERT(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1);
  }
}

void choose(EVP_PKEY_CTX* context, OaepHash hash) {
  TRACCIA_ASSERT(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1);
  TRACCIA_ASSERT(EVP_PKEY_CTX_set_rsa_oaep_md(context, method(hash)) == 1);
  TRACCIA_ASSERT(EVP_PKEY_CTX_set_rsa_mgf1_md(context, method(hash)) == 1);
}

std::shared_ptr<void> share(Key key) {
  return {key.release(), [](void* made) { EVP_PKEY_free(static_cast<EVP_PKEY*>(made)); }};
}

}  // namespace

bool is_rsa(PairKind kind) {
  return entry_of(kind).group == nullptr;
}

size_t digest_bytes(SignatureHash hash) {
  return static_cast<size_t>(EVP_MD_get_size(method(hash)));
}

std::string digest(SignatureHash hash, std::string_view message) {
  std::string out(digest_bytes(hash), '\0');
  TRACCIA_ASSERT(EVP_Digest(message.data(), message.size(), data_of(out), nullptr, method(hash),
                            nullptr) == 1);
  return out;
}

size_t oaep_bytes_max(PairKind kind, OaepHash hash) {
  const auto hash_bytes = static_cast<size_t>(EVP_MD_get_size(method(hash)));
  return entry_of(kind).rsa_bits / 8 - 2 * hash_bytes - 2;  // RFC 8017, 7.1.1
}

KeyPair KeyPair::generate(PairKind kind) {
  const auto& entry = entry_of(kind);
  Key key(entry.group == nullptr ? EVP_RSA_gen(entry.rsa_bits) : EVP_EC_gen(entry.group));
  TRACCIA_ASSERT(key != nullptr);
  return {share(std::move(key)), kind};
}

Result<KeyPair> KeyPair::from_der(std::string_view der) {
  auto key = read_private_key(der);
  if (key == nullptr) return fail(ErrorCode::InvalidArgument, "not a private key in PKCS#8 DER");
  const auto kind = kind_of(key.get());
  if (!kind) return fail(ErrorCode::InvalidArgument, "a private key of another kind");
  return KeyPair(share(std::move(key)), *kind);
}

std::string KeyPair::to_der() const {
  return write_private_key(static_cast<const EVP_PKEY*>(key_.get()));
}

std::string KeyPair::public_der() const {
  unsigned char* der = nullptr;
  const int length = i2d_PUBKEY(static_cast<EVP_PKEY*>(key_.get()), &der);
  TRACCIA_ASSERT(length > 0);
  std::string out(reinterpret_cast<char*>(der), static_cast<size_t>(length));
  OPENSSL_free(der);
  return out;
}

std::string KeyPair::sign(SignatureAlgorithm algorithm, std::string_view digest) const {
  TRACCIA_ASSERT(is_rsa(kind_) == (algorithm.scheme != SignatureScheme::Ecdsa) &&
                 digest.size() == digest_bytes(algorithm.hash));
  const auto context = context_of(key_);
  TRACCIA_ASSERT(EVP_PKEY_sign_init(context.get()) == 1);
  choose(context.get(), algorithm);
  size_t length = 0;
  TRACCIA_ASSERT(EVP_PKEY_sign(context.get(), nullptr, &length, data_of(digest), digest.size()) ==
                 1);
  std::string out(length, '\0');
  TRACCIA_ASSERT(
      EVP_PKEY_sign(context.get(), data_of(out), &length, data_of(digest), digest.size()) == 1);
  out.resize(length);
  return out;
}

bool KeyPair::verifies(SignatureAlgorithm algorithm, std::string_view digest,
                       std::string_view signature) const {
  TRACCIA_ASSERT(is_rsa(kind_) == (algorithm.scheme != SignatureScheme::Ecdsa) &&
                 digest.size() == digest_bytes(algorithm.hash));
  const auto context = context_of(key_);
  TRACCIA_ASSERT(EVP_PKEY_verify_init(context.get()) == 1);
  choose(context.get(), algorithm);
  return EVP_PKEY_verify(context.get(), data_of(signature), signature.size(), data_of(digest),
                         digest.size()) == 1;
}

std::string KeyPair::encrypt(OaepHash hash, std::string_view plaintext) const {
  TRACCIA_ASSERT(is_rsa(kind_) && plaintext.size() <= oaep_bytes_max(kind_, hash));
  const auto context = context_of(key_);
  TRACCIA_ASSERT(EVP_PKEY_encrypt_init(context.get()) == 1);
  choose(context.get(), hash);
  size_t length = 0;
  TRACCIA_ASSERT(
      EVP_PKEY_encrypt(context.get(), nullptr, &length, data_of(plaintext), plaintext.size()) == 1);
  std::string out(length, '\0');
  TRACCIA_ASSERT(EVP_PKEY_encrypt(context.get(), data_of(out), &length, data_of(plaintext),
                                  plaintext.size()) == 1);
  out.resize(length);
  return out;
}

Result<std::string> KeyPair::decrypt(OaepHash hash, std::string_view ciphertext) const {
  TRACCIA_ASSERT(is_rsa(kind_));
  const auto context = context_of(key_);
  TRACCIA_ASSERT(EVP_PKEY_decrypt_init(context.get()) == 1);
  choose(context.get(), hash);
  size_t length = entry_of(kind_).rsa_bits / 8;
  std::string out(length, '\0');
  if (EVP_PKEY_decrypt(context.get(), data_of(out), &length, data_of(ciphertext),
                       ciphertext.size()) != 1) {
    return fail(ErrorCode::InvalidArgument, "not encrypted to this key");
  }
  out.resize(length);
  return out;
}

Result<std::string> KeyPair::agree(std::string_view peer_public_der) const {
  TRACCIA_ASSERT(!is_rsa(kind_));
  const auto* at = data_of(peer_public_der);
  const Key peer(d2i_PUBKEY(nullptr, &at, static_cast<long>(peer_public_der.size())));
  const bool whole = at == data_of(peer_public_der) + peer_public_der.size();
  if (peer == nullptr || !whole || kind_of(peer.get()) != kind_) {
    return fail(ErrorCode::InvalidArgument, "not a public key of this curve");
  }
  const auto context = context_of(key_);
  TRACCIA_ASSERT(EVP_PKEY_derive_init(context.get()) == 1);
  size_t length = 0;
  if (EVP_PKEY_derive_set_peer(context.get(), peer.get()) != 1 ||
      EVP_PKEY_derive(context.get(), nullptr, &length) != 1) {
    return fail(ErrorCode::InvalidArgument, "not a point of this curve");
  }
  std::string out(length, '\0');
  TRACCIA_ASSERT(EVP_PKEY_derive(context.get(), data_of(out), &length) == 1);
  out.resize(length);
  return out;
}

}  // namespace traccia::crypto
