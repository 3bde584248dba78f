// Published test vectors and the failure paths of the crypto adapter.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/crypto.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/bytes.h"

namespace traccia::crypto {
namespace {

TEST(Hash, PublishedVectors) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex_encode(sha1("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex_encode(md5("")), "d41d8cd98f00b204e9800998ecf8427e");
  // RFC 4231, case 2
  EXPECT_EQ(hex_encode(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

// RFC 7914, section 12
TEST(Scrypt, PublishedVectors) {
  EXPECT_EQ(hex_encode(scrypt("", "", {.n = 16, .r = 1, .p = 1}, 64)),
            "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
            "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906");
  EXPECT_EQ(hex_encode(scrypt("password", "NaCl", {.n = 1024, .r = 8, .p = 16}, 64)),
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
            "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640");
}

TEST(Hash, InPiecesEqualsAtOnce) {
  Hasher hasher(Hasher::Algorithm::Sha256);
  hasher.update("a");
  hasher.update("");
  Hasher moved(std::move(hasher));
  moved.update("bc");
  EXPECT_EQ(moved.finish(), sha256("abc"));
}

TEST(Seal, OpensWithTheSameKeyAndContextOnly) {
  const std::string key(32, 'k');
  const auto sealed = seal(key, "secret", "place");
  EXPECT_EQ(sealed.find("secret"), std::string::npos);
  EXPECT_EQ(open_sealed(key, sealed, "place").value(), "secret");
  EXPECT_EQ(open_sealed(key, sealed, "other").error().code(), ErrorCode::DataLoss);
  EXPECT_FALSE(open_sealed(std::string(32, 'j'), sealed, "place"));
  EXPECT_NE(seal(key, "secret", "place"), sealed) << "the nonce must be fresh";
}

TEST(Seal, EveryFlippedBitAndEveryTruncationIsFound) {
  const std::string key(32, 'k');
  const auto sealed = seal(key, "x", "");
  for (size_t i = 0; i < sealed.size(); ++i) {
    auto changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(open_sealed(key, changed, "")) << i;
    EXPECT_FALSE(open_sealed(key, sealed.substr(0, i), "")) << i;
  }
}

TEST(Rsa, TheCertificateVerifiesWhatTheKeySigned) {
  const auto key = RsaPrivateKey::generate(2048);
  const auto now = from_unix_seconds(1'800'000'000);
  const auto pem = key.certificate_pem("sns.amazonaws.com", now, now + std::chrono::hours(24));
  auto* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  auto* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  ASSERT_NE(certificate, nullptr);
  auto* verifying = X509_get0_pubkey(certificate);
  EXPECT_EQ(X509_verify(certificate, verifying), 1);
  time_t within = 1'800'000'010;
  EXPECT_LT(X509_cmp_time(X509_get0_notBefore(certificate), &within), 0);
  EXPECT_GT(X509_cmp_time(X509_get0_notAfter(certificate), &within), 0);
  const std::string text = "Message\nhello\n";
  for (const auto& [hash, signature] : {std::pair(EVP_sha1(), key.sign_sha1(text)),
                                        std::pair(EVP_sha256(), key.sign_sha256(text))}) {
    auto* context = EVP_MD_CTX_new();
    ASSERT_EQ(EVP_DigestVerifyInit(context, nullptr, hash, nullptr, verifying), 1);
    const auto* bytes = reinterpret_cast<const unsigned char*>(signature.data());
    const auto* signed_text = reinterpret_cast<const unsigned char*>(text.data());
    EXPECT_EQ(EVP_DigestVerify(context, bytes, signature.size(), signed_text, text.size()), 1);
    EVP_MD_CTX_free(context);
  }
  X509_free(certificate);
  BIO_free(bio);
}

TEST(Rsa, SignsAndVerifiesAndComesBackFromDer) {
  const auto key = RsaPrivateKey::generate(2048);
  const auto again = RsaPrivateKey::from_der(key.to_der()).value();
  const auto signature = again.sign_sha256("message");
  EXPECT_EQ(signature.size(), 256U);
  const auto pub = key.public_pkcs1_der();
  EXPECT_EQ(pub.size(), 270U);
  EXPECT_TRUE(rsa_verify_sha256(pub, "message", signature).value());
  EXPECT_FALSE(rsa_verify_sha256(pub, "massage", signature).value());
  EXPECT_FALSE(rsa_verify_sha256(pub, "message", "short").value());
  EXPECT_FALSE(rsa_verify_sha256("not a key", "message", signature));
  EXPECT_FALSE(rsa_verify_sha256(pub + "x", "message", signature)) << "trailing bytes";
  EXPECT_FALSE(RsaPrivateKey::from_der("not a key"));
}

}  // namespace
}  // namespace traccia::crypto
