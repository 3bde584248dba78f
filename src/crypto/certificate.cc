// Certificates of keys by themselves.
// SPDX-License-Identifier: Apache-2.0
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>

#include "base/assert.h"
#include "crypto/crypto.h"

namespace traccia::crypto {
namespace {

constexpr int kSerialBytes = 16;

struct Free {
  void operator()(X509* object) const { X509_free(object); }
  void operator()(X509_EXTENSION* object) const { X509_EXTENSION_free(object); }
  void operator()(BIGNUM* object) const { BN_free(object); }
  void operator()(BIO* object) const { BIO_free(object); }
};

void set_time(ASN1_TIME* target, Time time) {
  TRACCIA_ASSERT(ASN1_TIME_set(target, static_cast<time_t>(to_unix_seconds(time))) != nullptr);
}

void set_serial(X509* certificate) {
  std::array<unsigned char, kSerialBytes> bytes{};
  TRACCIA_ASSERT(RAND_bytes(bytes.data(), kSerialBytes) == 1);
  bytes[0] &= 0x7F;  // positive
  const std::unique_ptr<BIGNUM, Free> number(BN_bin2bn(bytes.data(), kSerialBytes, nullptr));
  TRACCIA_ASSERT(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr);
}

void add_extension(X509* certificate, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Free> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  TRACCIA_ASSERT(extension != nullptr);
  TRACCIA_ASSERT(X509_add_ext(certificate, extension.get(), -1) == 1);
}

}  // namespace

std::string RsaPrivateKey::certificate_pem(std::string_view name, Time valid_from,
                                           Time valid_to) const {
  auto* key = static_cast<EVP_PKEY*>(key_);
  const std::unique_ptr<X509, Free> made(X509_new());
  auto* certificate = made.get();
  TRACCIA_ASSERT(certificate != nullptr);
  TRACCIA_ASSERT(X509_set_version(certificate, X509_VERSION_3) == 1);
  set_serial(certificate);
  set_time(X509_getm_notBefore(certificate), valid_from);
  set_time(X509_getm_notAfter(certificate), valid_to);
  auto* subject = X509_get_subject_name(certificate);
  TRACCIA_ASSERT(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                            reinterpret_cast<const unsigned char*>(name.data()),
                                            static_cast<int>(name.size()), -1, 0) == 1);
  TRACCIA_ASSERT(X509_set_issuer_name(certificate, subject) == 1);
  TRACCIA_ASSERT(X509_set_pubkey(certificate, key) == 1);
  add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(certificate, NID_key_usage, "critical,digitalSignature");
  TRACCIA_ASSERT(X509_sign(certificate, key, EVP_sha256()) > 0);
  const std::unique_ptr<BIO, Free> out(BIO_new(BIO_s_mem()));
  TRACCIA_ASSERT(PEM_write_bio_X509(out.get(), certificate) == 1);
  char* text = nullptr;
  const auto length = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<size_t>(length)};
}

}  // namespace traccia::crypto
