// Key pairs: what one half makes the other understands, and nothing else. Clients with libraries of
// their own check the same in tests/e2e/test_kms_pairs.py.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/key_pair.h"

#include <gtest/gtest.h>

#include <map>

#include "crypto/crypto.h"

namespace traccia::crypto {
namespace {

// One of each kind, since RSA pairs take long to make.
const KeyPair& pair_of(PairKind kind) {
  static std::map<PairKind, KeyPair> made;
  const auto at = made.find(kind);
  return at != made.end() ? at->second : made.emplace(kind, KeyPair::generate(kind)).first->second;
}

constexpr PairKind kRsa[] = {PairKind::Rsa2048, PairKind::Rsa3072, PairKind::Rsa4096};
constexpr PairKind kCurves[] = {PairKind::P256, PairKind::P384, PairKind::P521,
                                PairKind::Secp256k1};
constexpr SignatureHash kHashes[] = {SignatureHash::Sha256, SignatureHash::Sha384,
                                     SignatureHash::Sha512};

void expect_signs(const KeyPair& pair, SignatureScheme scheme) {
  for (const auto hash : kHashes) {
    const SignatureAlgorithm algorithm{scheme, hash};
    const auto signature = pair.sign(algorithm, digest(hash, "message"));
    EXPECT_TRUE(pair.verifies(algorithm, digest(hash, "message"), signature));
    EXPECT_FALSE(pair.verifies(algorithm, digest(hash, "another"), signature));
    EXPECT_FALSE(pair.verifies(algorithm, digest(hash, "message"), signature.substr(1)));
    EXPECT_FALSE(pair.verifies(algorithm, digest(hash, "message"), ""));
  }
}

TEST(KeyPair, RsaSigns) {
  for (const auto kind : kRsa) {
    const auto& pair = pair_of(kind);
    EXPECT_EQ(pair.kind(), kind);
    expect_signs(pair, SignatureScheme::RsaPss);
    expect_signs(pair, SignatureScheme::RsaPkcs1);
  }
  const auto& pair = pair_of(PairKind::Rsa2048);
  const auto hashed = digest(SignatureHash::Sha256, "message");
  const auto pss = pair.sign({SignatureScheme::RsaPss, SignatureHash::Sha256}, hashed);
  EXPECT_FALSE(pair.verifies({SignatureScheme::RsaPkcs1, SignatureHash::Sha256}, hashed, pss));
}

TEST(KeyPair, CurvesSign) {
  for (const auto kind : kCurves) expect_signs(pair_of(kind), SignatureScheme::Ecdsa);
  const auto hashed = digest(SignatureHash::Sha256, "message");
  const SignatureAlgorithm algorithm{SignatureScheme::Ecdsa, SignatureHash::Sha256};
  const auto signature = pair_of(PairKind::P256).sign(algorithm, hashed);
  EXPECT_FALSE(pair_of(PairKind::Secp256k1).verifies(algorithm, hashed, signature));
}

TEST(KeyPair, AgreesWithTheOtherWayOfSigning) {
  const auto& pair = pair_of(PairKind::Rsa2048);
  const auto older = RsaPrivateKey::from_der(pair.to_der()).value();
  EXPECT_EQ(pair.sign({SignatureScheme::RsaPkcs1, SignatureHash::Sha256},
                      digest(SignatureHash::Sha256, "message")),
            older.sign_sha256("message"));
}

TEST(KeyPair, RsaEncryptsUpToItsLimit) {
  const std::pair<PairKind, std::pair<size_t, size_t>> limits[] = {{PairKind::Rsa2048, {214, 190}},
                                                                   {PairKind::Rsa3072, {342, 318}},
                                                                   {PairKind::Rsa4096, {470, 446}}};
  for (const auto& [kind, bytes] : limits) {
    EXPECT_EQ(oaep_bytes_max(kind, OaepHash::Sha1), bytes.first);
    EXPECT_EQ(oaep_bytes_max(kind, OaepHash::Sha256), bytes.second);
    const auto& pair = pair_of(kind);
    for (const auto hash : {OaepHash::Sha1, OaepHash::Sha256}) {
      const std::string largest(oaep_bytes_max(kind, hash), 'x');
      EXPECT_EQ(pair.decrypt(hash, pair.encrypt(hash, largest)).value(), largest);
    }
  }
  const auto& pair = pair_of(PairKind::Rsa2048);
  const auto sealed = pair.encrypt(OaepHash::Sha256, "secret");
  EXPECT_FALSE(pair.decrypt(OaepHash::Sha1, sealed));
  EXPECT_FALSE(pair.decrypt(OaepHash::Sha256, sealed.substr(1)));
  EXPECT_FALSE(pair.decrypt(OaepHash::Sha256, ""));
  EXPECT_FALSE(pair_of(PairKind::Rsa3072).decrypt(OaepHash::Sha256, sealed));
}

TEST(KeyPair, TwoPairsAgreeOnASecret) {
  for (const auto kind : kCurves) {
    const auto& one = pair_of(kind);
    const auto other = KeyPair::generate(kind);
    EXPECT_EQ(one.agree(other.public_der()).value(), other.agree(one.public_der()).value());
    EXPECT_FALSE(one.agree(pair_of(PairKind::Rsa2048).public_der()));
    EXPECT_FALSE(one.agree(other.public_der() + "x"));
    EXPECT_FALSE(one.agree("no key"));
  }
  EXPECT_FALSE(pair_of(PairKind::P256).agree(pair_of(PairKind::Secp256k1).public_der()));
}

TEST(KeyPair, ComesBackFromItsDer) {
  for (const auto kind : {PairKind::Rsa2048, PairKind::P256, PairKind::P521}) {
    const auto& pair = pair_of(kind);
    const auto again = KeyPair::from_der(pair.to_der());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->kind(), kind);
    EXPECT_EQ(again->public_der(), pair.public_der());
    EXPECT_FALSE(KeyPair::from_der(pair.to_der() + "x"));
    EXPECT_FALSE(KeyPair::from_der(pair.public_der()));
  }
  EXPECT_FALSE(KeyPair::from_der(RsaPrivateKey::generate(1024).to_der())) << "of no kind";
}

}  // namespace
}  // namespace traccia::crypto
