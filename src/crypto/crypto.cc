// OpenSSL 3 behind values. Failures of the library itself (out of memory, broken provider) are
// assertions: no caller could go on.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "crypto/mac.h"
#include "crypto/openssl.h"

namespace traccia::crypto {
namespace {

constexpr size_t kKeyBytes = 32;
constexpr size_t kNonceBytes = 12;
constexpr size_t kTagBytes = 16;

const EVP_MD* method(Hasher::Algorithm algorithm) {
  switch (algorithm) {
    case Hasher::Algorithm::Sha256:
      return EVP_sha256();
    case Hasher::Algorithm::Sha1:
      return EVP_sha1();
    case Hasher::Algorithm::Md5:
      return EVP_md5();
  }
  return nullptr;
}

std::string hash(const EVP_MD* algorithm, std::string_view bytes) {
  std::string out(static_cast<size_t>(EVP_MD_get_size(algorithm)), '\0');
  TRACCIA_ASSERT(
      EVP_Digest(bytes.data(), bytes.size(), data_of(out), nullptr, algorithm, nullptr) == 1);
  return out;
}

EVP_PKEY* as_key(void* key) {
  return static_cast<EVP_PKEY*>(key);
}

}  // namespace

Key read_private_key(std::string_view der) {
  const auto* at = data_of(der);
  Key key(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der.size())));
  return at == data_of(der) + der.size() ? std::move(key) : nullptr;
}

std::string write_private_key(const EVP_PKEY* key) {
  const std::unique_ptr<PKCS8_PRIV_KEY_INFO, Freer<PKCS8_PRIV_KEY_INFO_free>> info(
      EVP_PKEY2PKCS8(key));
  TRACCIA_ASSERT(info != nullptr);
  unsigned char* der = nullptr;
  const int length = i2d_PKCS8_PRIV_KEY_INFO(info.get(), &der);
  TRACCIA_ASSERT(length > 0);
  std::string out(reinterpret_cast<char*>(der), static_cast<size_t>(length));
  OPENSSL_clear_free(der, static_cast<size_t>(length));
  return out;
}

std::string sha256(std::string_view bytes) {
  // Looking the algorithm up each time costs more than hashing a short text.
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  thread_local const DigestContext context(EVP_MD_CTX_new());
  std::string out(32, '\0');
  TRACCIA_ASSERT(EVP_DigestInit_ex2(context.get(), algorithm, nullptr) == 1 &&
                 EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1 &&
                 EVP_DigestFinal_ex(context.get(), data_of(out), nullptr) == 1);
  return out;
}
std::string sha256_hex(std::string_view bytes) {
  return hex_encode(sha256(bytes));
}
std::string sha1(std::string_view bytes) {
  return hash(EVP_sha1(), bytes);
}
std::string md5(std::string_view bytes) {
  return hash(EVP_md5(), bytes);
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  return hmac(MacHash::Sha256, key, bytes);
}

std::string scrypt(std::string_view password, std::string_view salt, ScryptCost cost,
                   size_t bytes) {
  std::string out(bytes, '\0');
  TRACCIA_ASSERT(EVP_PBE_scrypt(password.data(), password.size(), data_of(salt), salt.size(),
                                cost.n, cost.r, cost.p, kScryptBytesMax, data_of(out),
                                out.size()) == 1);
  return out;
}

Hasher::Hasher(Algorithm algorithm) : context_(EVP_MD_CTX_new()) {
  TRACCIA_ASSERT(
      EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), method(algorithm), nullptr) == 1);
}
Hasher::~Hasher() {
  EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_));
}
Hasher::Hasher(Hasher&& other) noexcept : context_(std::exchange(other.context_, nullptr)) {}
Hasher& Hasher::operator=(Hasher&& other) noexcept {
  std::swap(context_, other.context_);
  return *this;
}

void Hasher::update(std::string_view bytes) {
  TRACCIA_ASSERT(EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), bytes.data(), bytes.size()) ==
                 1);
}

std::string Hasher::finish() {
  auto* context = static_cast<EVP_MD_CTX*>(context_);
  std::string out(static_cast<size_t>(EVP_MD_CTX_get_size(context)), '\0');
  TRACCIA_ASSERT(EVP_DigestFinal_ex(context, data_of(out), nullptr) == 1);
  return out;
}

std::string seal(std::string_view key, std::string_view plaintext, std::string_view context) {
  TRACCIA_ASSERT(key.size() == kKeyBytes);
  std::string nonce(kNonceBytes, '\0');
  TRACCIA_ASSERT(RAND_bytes(data_of(nonce), static_cast<int>(kNonceBytes)) == 1);
  const CipherContext cipher(EVP_CIPHER_CTX_new());
  auto* ctx = cipher.get();
  TRACCIA_ASSERT(
      EVP_EncryptInit_ex2(ctx, EVP_aes_256_gcm(), data_of(key), data_of(nonce), nullptr) == 1);
  int count = 0;
  TRACCIA_ASSERT(EVP_EncryptUpdate(ctx, nullptr, &count, data_of(context),
                                   static_cast<int>(context.size())) == 1);
  std::string ciphertext(plaintext.size(), '\0');
  TRACCIA_ASSERT(EVP_EncryptUpdate(ctx, data_of(ciphertext), &count, data_of(plaintext),
                                   static_cast<int>(plaintext.size())) == 1);
  TRACCIA_ASSERT(EVP_EncryptFinal_ex(ctx, data_of(ciphertext) + count, &count) == 1);
  std::string tag(kTagBytes, '\0');
  TRACCIA_ASSERT(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, kTagBytes, tag.data()) == 1);
  return nonce + ciphertext + tag;
}

Result<std::string> open_sealed(std::string_view key, std::string_view sealed,
                                std::string_view context) {
  TRACCIA_ASSERT(key.size() == kKeyBytes);
  const auto broken = [] {
    return fail(ErrorCode::DataLoss,
                "the sealed bytes were changed, or another master key sealed them");
  };
  if (sealed.size() < kNonceBytes + kTagBytes) return broken();
  const auto nonce = sealed.substr(0, kNonceBytes);
  const auto ciphertext = sealed.substr(kNonceBytes, sealed.size() - kNonceBytes - kTagBytes);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  const CipherContext cipher(EVP_CIPHER_CTX_new());
  auto* ctx = cipher.get();
  TRACCIA_ASSERT(
      EVP_DecryptInit_ex2(ctx, EVP_aes_256_gcm(), data_of(key), data_of(nonce), nullptr) == 1);
  int count = 0;
  TRACCIA_ASSERT(EVP_DecryptUpdate(ctx, nullptr, &count, data_of(context),
                                   static_cast<int>(context.size())) == 1);
  std::string plaintext(ciphertext.size(), '\0');
  TRACCIA_ASSERT(EVP_DecryptUpdate(ctx, data_of(plaintext), &count, data_of(ciphertext),
                                   static_cast<int>(ciphertext.size())) == 1);
  TRACCIA_ASSERT(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()) == 1);
  if (EVP_DecryptFinal_ex(ctx, data_of(plaintext) + count, &count) != 1) return broken();
  return plaintext;
}

RsaPrivateKey RsaPrivateKey::generate(unsigned bits) {
  auto* key = EVP_RSA_gen(bits);
  TRACCIA_ASSERT(key != nullptr);
  return RsaPrivateKey(key);
}

Result<RsaPrivateKey> RsaPrivateKey::from_der(std::string_view pkcs8_der) {
  auto key = read_private_key(pkcs8_der);
  if (key == nullptr || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) {
    return fail(ErrorCode::DataLoss, "not an RSA private key in PKCS#8 DER");
  }
  return RsaPrivateKey(key.release());
}

RsaPrivateKey::~RsaPrivateKey() {
  EVP_PKEY_free(as_key(key_));
}
RsaPrivateKey::RsaPrivateKey(RsaPrivateKey&& other) noexcept
    : key_(std::exchange(other.key_, nullptr)) {}
RsaPrivateKey& RsaPrivateKey::operator=(RsaPrivateKey&& other) noexcept {
  std::swap(key_, other.key_);
  return *this;
}

std::string RsaPrivateKey::to_der() const {
  return write_private_key(as_key(key_));
}

std::string RsaPrivateKey::public_pkcs1_der() const {
  unsigned char* der = nullptr;
  const int length = i2d_PublicKey(as_key(key_), &der);
  TRACCIA_ASSERT(length > 0);
  std::string out(reinterpret_cast<char*>(der), static_cast<size_t>(length));
  OPENSSL_free(der);
  return out;
}

namespace {

std::string sign(EVP_PKEY* key, const EVP_MD* hash, std::string_view message) {
  const DigestContext context(EVP_MD_CTX_new());
  auto* ctx = context.get();
  TRACCIA_ASSERT(EVP_DigestSignInit(ctx, nullptr, hash, nullptr, key) == 1);
  size_t length = 0;
  TRACCIA_ASSERT(EVP_DigestSign(ctx, nullptr, &length, data_of(message), message.size()) == 1);
  std::string out(length, '\0');
  TRACCIA_ASSERT(EVP_DigestSign(ctx, data_of(out), &length, data_of(message), message.size()) == 1);
  out.resize(length);
  return out;
}

}  // namespace

std::string RsaPrivateKey::sign_sha256(std::string_view message) const {
  return sign(as_key(key_), EVP_sha256(), message);
}

std::string RsaPrivateKey::sign_sha1(std::string_view message) const {
  return sign(as_key(key_), EVP_sha1(), message);
}

Result<bool> rsa_verify_sha256(std::string_view public_pkcs1_der, std::string_view message,
                               std::string_view signature) {
  const auto* at = data_of(public_pkcs1_der);
  const Key key(
      d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, static_cast<long>(public_pkcs1_der.size())));
  if (!key || at != data_of(public_pkcs1_der) + public_pkcs1_der.size()) {
    return fail(ErrorCode::InvalidArgument, "not an RSA public key in PKCS#1 DER");
  }
  const DigestContext context(EVP_MD_CTX_new());
  TRACCIA_ASSERT(EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) ==
                 1);
  return EVP_DigestVerify(context.get(), data_of(signature), signature.size(), data_of(message),
                          message.size()) == 1;
}

}  // namespace traccia::crypto
