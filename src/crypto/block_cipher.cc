// Over OpenSSL 3. Failures of the library itself are assertions, as in crypto.cc.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/block_cipher.h"

#include <openssl/evp.h>

#include <array>

#include "base/assert.h"

namespace traccia::crypto {
namespace {

using Nonce = std::array<unsigned char, 12>;

Nonce nonce_of(uint64_t number) {
  Nonce out{};
  for (size_t i = 0; i < sizeof(number); ++i) {
    out[i] = static_cast<unsigned char>(number >> (8 * i));
  }
  return out;
}

EVP_CIPHER_CTX* as_context(void* cipher) {
  return static_cast<EVP_CIPHER_CTX*>(cipher);
}
const unsigned char* data_of(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* target(std::span<char> bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

const EVP_CIPHER* algorithm() {
  // Looking it up each time costs more than a short block.
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return cipher;
}

}  // namespace

BlockCipher::BlockCipher(std::string_view key)
    : key_(std::string(key)), cipher_(EVP_CIPHER_CTX_new()) {
  TRACCIA_ASSERT(key.size() == kKeyBytes && cipher_ != nullptr);
}

BlockCipher::~BlockCipher() {
  EVP_CIPHER_CTX_free(as_context(cipher_));
}

void BlockCipher::seal(uint64_t number, std::string_view plaintext, std::string_view context,
                       std::string& out) {
  auto* ctx = as_context(cipher_);
  const auto nonce = nonce_of(number);
  TRACCIA_ASSERT(
      EVP_EncryptInit_ex2(ctx, algorithm(), data_of(key_.view()), nonce.data(), nullptr) == 1);
  int count = 0;
  TRACCIA_ASSERT(EVP_EncryptUpdate(ctx, nullptr, &count, data_of(context),
                                   static_cast<int>(context.size())) == 1);
  const auto start = out.size();
  out.resize(start + plaintext.size() + kTagBytes);
  const auto sealed = std::span(out).subspan(start);
  TRACCIA_ASSERT(EVP_EncryptUpdate(ctx, target(sealed), &count, data_of(plaintext),
                                   static_cast<int>(plaintext.size())) == 1);
  TRACCIA_ASSERT(EVP_EncryptFinal_ex(ctx, target(sealed) + count, &count) == 1);
  TRACCIA_ASSERT(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, kTagBytes,
                                     sealed.subspan(plaintext.size()).data()) == 1);
}

Result<> BlockCipher::open(uint64_t number, std::span<char> ciphertext, std::string_view tag,
                           std::string_view context) {
  TRACCIA_ASSERT(tag.size() == kTagBytes);
  auto* ctx = as_context(cipher_);
  const auto nonce = nonce_of(number);
  TRACCIA_ASSERT(
      EVP_DecryptInit_ex2(ctx, algorithm(), data_of(key_.view()), nonce.data(), nullptr) == 1);
  int count = 0;
  TRACCIA_ASSERT(EVP_DecryptUpdate(ctx, nullptr, &count, data_of(context),
                                   static_cast<int>(context.size())) == 1);
  TRACCIA_ASSERT(EVP_DecryptUpdate(ctx, target(ciphertext), &count, target(ciphertext),
                                   static_cast<int>(ciphertext.size())) == 1);
  std::string expected(tag);
  TRACCIA_ASSERT(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, kTagBytes, expected.data()) == 1);
  if (EVP_DecryptFinal_ex(ctx, target(ciphertext) + count, &count) == 1) return {};
  return fail(ErrorCode::DataLoss, "the encrypted block was changed, or another key encrypted it");
}

}  // namespace traccia::crypto
