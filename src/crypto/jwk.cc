// Keys from numbers, over OpenSSL 3.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/jwk.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <string>

#include "base/assert.h"
#include "crypto/openssl.h"

namespace traccia::crypto {
namespace {

constexpr size_t kCoordinateBytes = 32;

using Number = std::unique_ptr<BIGNUM, Freer<BN_free>>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, Freer<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Freer<OSSL_PARAM_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Freer<ECDSA_SIG_free>>;

Number number_of(std::string_view bytes) {
  Number number(BN_bin2bn(data_of(bytes), static_cast<int>(bytes.size()), nullptr));
  TRACCIA_ASSERT(number != nullptr);
  return number;
}

std::shared_ptr<void> build(const char* type, OSSL_PARAM_BLD* builder) {
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  TRACCIA_ASSERT(parameters != nullptr && context != nullptr);
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return nullptr;
  }
  return {key, [](void* made) { EVP_PKEY_free(static_cast<EVP_PKEY*>(made)); }};
}

std::unexpected<Error> invalid(std::string_view what) {
  return fail(ErrorCode::InvalidArgument, std::string(what));
}

// r and s behind each other become the DER that OpenSSL reads; empty when they do not.
std::string to_der(std::string_view signature) {
  if (signature.size() != 2 * kCoordinateBytes) return {};
  const Signature pair(ECDSA_SIG_new());
  TRACCIA_ASSERT(pair != nullptr);
  auto r = number_of(signature.substr(0, kCoordinateBytes));
  auto s = number_of(signature.substr(kCoordinateBytes));
  TRACCIA_ASSERT(ECDSA_SIG_set0(pair.get(), r.release(), s.release()) == 1);
  unsigned char* bytes = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &bytes);
  TRACCIA_ASSERT(size > 0);
  std::string out(reinterpret_cast<char*>(bytes), static_cast<size_t>(size));
  OPENSSL_free(bytes);
  return out;
}

}  // namespace

Result<JwkPublicKey> JwkPublicKey::rsa(std::string_view modulus, std::string_view exponent) {
  modulus.remove_prefix(std::min(modulus.find_first_not_of('\0'), modulus.size()));
  if (modulus.size() < kRsaBytesMin || modulus.size() > kRsaBytesMax) {
    return invalid("an RSA key must have 2048 to 8192 bits");
  }
  if (exponent.empty() || exponent.size() > 8) return invalid("an RSA exponent of this size");
  const Builder builder(OSSL_PARAM_BLD_new());
  const auto n = number_of(modulus), e = number_of(exponent);
  TRACCIA_ASSERT(builder != nullptr);
  TRACCIA_ASSERT(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1);
  TRACCIA_ASSERT(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1);
  auto key = build("RSA", builder.get());
  if (key == nullptr) return invalid("not an RSA key");
  return JwkPublicKey(std::move(key), true);
}

Result<JwkPublicKey> JwkPublicKey::p256(std::string_view x, std::string_view y) {
  if (x.size() != kCoordinateBytes || y.size() != kCoordinateBytes) {
    return invalid("a coordinate of P-256 has 32 bytes");
  }
  const auto point = std::string(1, '\x04').append(x).append(y);  // SEC 1: not compressed
  const Builder builder(OSSL_PARAM_BLD_new());
  TRACCIA_ASSERT(builder != nullptr);
  TRACCIA_ASSERT(OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                                 "prime256v1", 0) == 1);
  TRACCIA_ASSERT(OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY,
                                                  point.data(), point.size()) == 1);
  auto key = build("EC", builder.get());
  if (key == nullptr) return invalid("not a point of P-256");
  return JwkPublicKey(std::move(key), false);
}

bool JwkPublicKey::verifies_sha256(std::string_view message, std::string_view signature) const {
  const auto der = is_rsa_ ? std::string(signature) : to_der(signature);
  if (der.empty()) return false;
  const DigestContext context(EVP_MD_CTX_new());
  TRACCIA_ASSERT(context != nullptr);
  auto* key = static_cast<EVP_PKEY*>(key_.get());
  return EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), data_of(der), der.size(), data_of(message),
                          message.size()) == 1;
}

}  // namespace traccia::crypto
