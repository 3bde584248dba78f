// HMAC over OpenSSL 3.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/mac.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/assert.h"

namespace traccia::crypto {
namespace {

const EVP_MD* method(MacHash hash) {
  switch (hash) {
    case MacHash::Sha224:
      return EVP_sha224();
    case MacHash::Sha256:
      return EVP_sha256();
    case MacHash::Sha384:
      return EVP_sha384();
    case MacHash::Sha512:
      return EVP_sha512();
  }
  return nullptr;
}

}  // namespace

std::string hmac(MacHash hash, std::string_view key, std::string_view bytes) {
  const auto* algorithm = method(hash);
  std::string out(static_cast<size_t>(EVP_MD_get_size(algorithm)), '\0');
  unsigned length = 0;
  TRACCIA_ASSERT(HMAC(algorithm, key.data(), static_cast<int>(key.size()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                      reinterpret_cast<unsigned char*>(out.data()), &length) != nullptr);
  return out;
}

}  // namespace traccia::crypto
