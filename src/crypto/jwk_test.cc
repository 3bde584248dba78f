// RS256 against our own signatures, ES256 against the example of RFC 7515, appendix A.3.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/jwk.h"

#include <gtest/gtest.h>

#include <string>

#include "base/bytes.h"
#include "crypto/crypto.h"

namespace traccia::crypto {
namespace {

std::string from_base64url(std::string_view text) {
  std::string standard(text);
  for (char& c : standard) c = c == '-' ? '+' : c == '_' ? '/' : c;
  standard.append((4 - standard.size() % 4) % 4, '=');
  return base64_decode(standard).value();
}

TEST(Jwk, VerifiesRs256) {
  const auto made = RsaPrivateKey::generate(2048);
  // RSAPublicKey: SEQUENCE { INTEGER n (257 bytes with a leading zero), INTEGER e (65537) }.
  const auto der = made.public_pkcs1_der();
  ASSERT_EQ(der.size(), 270U);
  const auto key = JwkPublicKey::rsa(der.substr(8, 257), der.substr(267)).value();
  EXPECT_TRUE(key.is_rsa());
  auto signature = made.sign_sha256("header.claims");
  EXPECT_TRUE(key.verifies_sha256("header.claims", signature));
  EXPECT_FALSE(key.verifies_sha256("header.claimz", signature));
  signature[9] = static_cast<char>(signature[9] ^ 1);
  EXPECT_FALSE(key.verifies_sha256("header.claims", signature));
  EXPECT_FALSE(key.verifies_sha256("header.claims", ""));
}

TEST(Jwk, VerifiesEs256) {
  const auto key = JwkPublicKey::p256(from_base64url("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
                                      from_base64url("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"))
                       .value();
  const std::string message =
      "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLm"
      "NvbS9pc19yb290Ijp0cnVlfQ";
  auto signature = from_base64url(
      "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q");
  EXPECT_TRUE(key.verifies_sha256(message, signature));
  EXPECT_FALSE(key.verifies_sha256(message + "x", signature));
  EXPECT_FALSE(key.verifies_sha256(message, signature.substr(1)));
  signature[40] = static_cast<char>(signature[40] ^ 1);
  EXPECT_FALSE(key.verifies_sha256(message, signature));
}

TEST(Jwk, RefusesWhatIsNoKey) {
  EXPECT_FALSE(JwkPublicKey::rsa(std::string(128, 'n'), "\x01\x00\x01"));
  EXPECT_FALSE(JwkPublicKey::rsa(std::string(256, 'n'), ""));
  EXPECT_FALSE(JwkPublicKey::p256(std::string(32, 'x'), std::string(32, 'y')));
  EXPECT_FALSE(JwkPublicKey::p256("x", "y"));
}

}  // namespace
}  // namespace traccia::crypto
