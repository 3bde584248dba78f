// OpenSSL's wrapping ciphers.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/key_wrap.h"

#include "base/assert.h"
#include "crypto/openssl.h"

namespace traccia::crypto {
namespace {

constexpr size_t kBlockBytes = 8;

const EVP_CIPHER* cipher_of(size_t key_bytes) {
  switch (key_bytes) {
    case 16:
      return EVP_aes_128_wrap_pad();
    case 24:
      return EVP_aes_192_wrap_pad();
    case 32:
      return EVP_aes_256_wrap_pad();
    default:
      return nullptr;
  }
}

CipherContext context() {
  CipherContext out(EVP_CIPHER_CTX_new());
  TRACCIA_ASSERT(out != nullptr);
  EVP_CIPHER_CTX_set_flags(out.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  return out;
}

}  // namespace

std::string wrap_padded(std::string_view key, std::string_view plaintext) {
  const auto* cipher = cipher_of(key.size());
  TRACCIA_ASSERT(cipher != nullptr && !plaintext.empty());
  const auto ctx = context();
  TRACCIA_ASSERT(EVP_EncryptInit_ex(ctx.get(), cipher, nullptr, data_of(key), nullptr) == 1);
  std::string out(plaintext.size() + 2 * kBlockBytes, '\0');
  int length = 0;
  TRACCIA_ASSERT(EVP_EncryptUpdate(ctx.get(), data_of(out), &length, data_of(plaintext),
                                   static_cast<int>(plaintext.size())) == 1);
  out.resize(static_cast<size_t>(length));
  return out;
}

Result<std::string> unwrap_padded(std::string_view key, std::string_view wrapped) {
  const auto broken = [] { return fail(ErrorCode::InvalidArgument, "not wrapped under this key"); };
  const auto* cipher = cipher_of(key.size());
  const bool whole = wrapped.size() >= 2 * kBlockBytes && wrapped.size() % kBlockBytes == 0;
  if (cipher == nullptr || !whole) return broken();
  const auto ctx = context();
  TRACCIA_ASSERT(EVP_DecryptInit_ex(ctx.get(), cipher, nullptr, data_of(key), nullptr) == 1);
  std::string out(wrapped.size() + kBlockBytes, '\0');
  int length = 0;
  if (EVP_DecryptUpdate(ctx.get(), data_of(out), &length, data_of(wrapped),
                        static_cast<int>(wrapped.size())) != 1 ||
      length <= 0) {
    return broken();
  }
  out.resize(static_cast<size_t>(length));
  return out;
}

}  // namespace traccia::crypto
