// What a token must be, and who may have signed it.
// SPDX-License-Identifier: Apache-2.0
#include "oidc/jwt.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "oidc/key_set.h"

namespace traccia::oidc {
namespace {

constexpr std::string_view kClaims =
    R"({"iss":"https://issuer.example","sub":"job-7","aud":"sts","exp":2000000000,)"
    R"("iat":1900000000.5,"nbf":1900000000,"amr":["pwd"]})";

std::string base64url(std::string_view bytes) {
  auto text = base64_encode(bytes);
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

std::string token(std::string_view header, std::string_view claims,
                  std::string_view signature = "x") {
  return fmt::format("{}.{}.{}", base64url(header), base64url(claims), base64url(signature));
}

TEST(Jwt, DecodesWhatItSays) {
  const auto made = decode_token(token(R"({"alg":"RS256","kid":"k1"})", kClaims)).value();
  EXPECT_EQ(made.algorithm, "RS256");
  EXPECT_EQ(made.key_id, "k1");
  EXPECT_EQ(made.claims.issuer, "https://issuer.example");
  EXPECT_EQ(made.claims.subject, "job-7");
  EXPECT_EQ(made.claims.audiences, (std::vector<std::string>{"sts"}));
  EXPECT_EQ(made.claims.methods, (std::vector<std::string>{"pwd"}));
  EXPECT_EQ(to_unix_seconds(made.claims.issued), 1'900'000'000);
  EXPECT_EQ(made.signature, "x");
  EXPECT_FALSE(made.signed_part.ends_with('.'));
}

std::string with_claims(std::string_view more) {
  return token(R"({"alg":"RS256"})",
               fmt::format("{},{}}}", kClaims.substr(0, kClaims.size() - 1), more));
}

TEST(Jwt, TagsAndSourceIdentityOfTheSession) {
  const auto nested = decode_token(with_claims(
      R"("https://aws.amazon.com/tags":{"principal_tags":{"team":["web"],"cost":["7"]},)"
      R"("transitive_tag_keys":["team"]},"https://aws.amazon.com/source_identity":"alice")"));
  ASSERT_TRUE(nested) << nested.error().message();
  const auto& claims = nested->claims;
  ASSERT_EQ(claims.principal_tags.size(), 2U);
  EXPECT_EQ(claims.principal_tags[0], std::make_pair(std::string("team"), std::string("web")));
  EXPECT_EQ(claims.transitive_tag_keys, (std::vector<std::string>{"team"}));
  EXPECT_EQ(claims.source_identity, "alice");
  const auto flat =
      decode_token(with_claims(R"("https://aws.amazon.com/tags/principal_tags/team":["web"],)"
                               R"("https://aws.amazon.com/tags/transitive_tag_keys":["team"])"));
  ASSERT_TRUE(flat) << flat.error().message();
  EXPECT_EQ(flat->claims.principal_tags.size(), 1U);
  EXPECT_EQ(flat->claims.transitive_tag_keys, (std::vector<std::string>{"team"}));

  std::string many;
  for (size_t i = 0; i <= kPrincipalTagsMax; ++i) {
    many += fmt::format(R"({}"https://aws.amazon.com/tags/principal_tags/{}":["v"])",
                        i == 0 ? "" : ",", i);
  }
  for (const auto& bad :
       {std::string(R"("https://aws.amazon.com/tags":[])"),
        std::string(R"("https://aws.amazon.com/tags":{"principal_tags":[]})"),
        std::string(R"("https://aws.amazon.com/tags/principal_tags/a":[])"),
        std::string(R"("https://aws.amazon.com/tags/principal_tags/a":["x","y"])"),
        std::string(R"("https://aws.amazon.com/tags/principal_tags/a":[7])"), many}) {
    EXPECT_FALSE(decode_token(with_claims(bad))) << bad;
  }
}

TEST(Jwt, RefusesWhatIsNone) {
  constexpr std::string_view kHeader = R"({"alg":"RS256"})";
  for (const auto& bad :
       {std::string(), std::string("a.b"), std::string("a.b.c"), token(kHeader, kClaims) + ".x",
        token("[]", kClaims), token("{}", kClaims),
        token(R"({"alg":"RS256","crit":["b64"]})", kClaims), token(kHeader, "{}"),
        token(kHeader, R"({"iss":"i","sub":"s","aud":[],"exp":1,"iat":1})"),
        token(kHeader, R"({"iss":"i","sub":"s","aud":"a","exp":"1","iat":1})"),
        token(kHeader, R"({"iss":"i","sub":"s","aud":"a","exp":1e30,"iat":1})"),
        token(kHeader, R"({"iss":"i","sub":"s","aud":"a","exp":-1,"iat":1})"),
        token(kHeader, R"({"iss":"i","sub":"s","aud":[1],"exp":1,"iat":1})"),
        token(kHeader, kClaims) + "=", token(kHeader, kClaims) + "+",
        std::string(kTokenBytesMax + 1, 'a')}) {
    EXPECT_FALSE(decode_token(bad)) << bad;
  }
}

TEST(Jwt, TheKeyThatIsNamedDecides) {
  const auto made = crypto::RsaPrivateKey::generate(2048);
  const auto other = crypto::RsaPrivateKey::generate(2048);
  const auto jwk = [](const crypto::RsaPrivateKey& key, std::string_view id,
                      std::string_view more = "") {
    const auto der = key.public_pkcs1_der();
    return fmt::format(R"({{"kty":"RSA","kid":"{}","n":"{}","e":"AQAB"{}}})", id,
                       base64url(der.substr(9, 256)), more);
  };
  const auto set = KeySet::parse(
      fmt::format(R"({{"keys":[{},{},{{"kty":"oct","k":"AAAA","kid":"k3"}},7,{}]}})",
                  jwk(made, "k1"), jwk(other, "k2"), jwk(made, "k4", R"(,"use":"enc")")));
  ASSERT_TRUE(set);
  EXPECT_EQ(set->size(), 2U);
  EXPECT_TRUE(set->has("k1"));
  EXPECT_FALSE(set->has("k3"));
  const auto verifies = [&](std::string_view header) {
    auto text = token(header, kClaims, "");
    text.pop_back();
    return set->verifies(decode_token(text + "." + base64url(made.sign_sha256(text))).value());
  };
  EXPECT_TRUE(verifies(R"({"alg":"RS256","kid":"k1"})"));
  EXPECT_TRUE(verifies(R"({"alg":"RS256"})"));
  EXPECT_FALSE(verifies(R"({"alg":"RS256","kid":"k2"})")) << "signed by another key";
  EXPECT_FALSE(verifies(R"({"alg":"RS256","kid":"k4"})")) << "a key for encryption";
  EXPECT_FALSE(verifies(R"({"alg":"ES256","kid":"k1"})"));
  EXPECT_FALSE(verifies(R"({"alg":"HS256","kid":"k1"})"));
  EXPECT_FALSE(verifies(R"({"alg":"none"})"));
  EXPECT_FALSE(KeySet::parse("{}"));
  EXPECT_FALSE(KeySet::parse(R"({"keys":{}})"));
}

}  // namespace
}  // namespace traccia::oidc
