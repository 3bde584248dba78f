// The vectors of RFC 6238 (appendix B), RFC 4226 (appendix D) and RFC 4648 (section 10).
// SPDX-License-Identifier: Apache-2.0
#include "crypto/totp.h"

#include <gtest/gtest.h>

namespace traccia::crypto {
namespace {

constexpr std::string_view kSeed = "12345678901234567890";

TEST(Totp, PublishedVectors) {
  const auto at = [](int64_t seconds) {
    return totp_code(kSeed, totp_step(from_unix_seconds(seconds)), 8);
  };
  EXPECT_EQ(at(59), "94287082");
  EXPECT_EQ(at(1'111'111'109), "07081804");
  EXPECT_EQ(at(1'111'111'111), "14050471");
  EXPECT_EQ(at(1'234'567'890), "89005924");
  EXPECT_EQ(at(2'000'000'000), "69279037");
  EXPECT_EQ(totp_code(kSeed, 0), "755224");
  EXPECT_EQ(totp_code(kSeed, 9), "520489");
}

TEST(Base32, PublishedVectors) {
  EXPECT_EQ(base32_encode(""), "");
  EXPECT_EQ(base32_encode("f"), "MY======");
  EXPECT_EQ(base32_encode("fo"), "MZXQ====");
  EXPECT_EQ(base32_encode("foo"), "MZXW6===");
  EXPECT_EQ(base32_encode("foob"), "MZXW6YQ=");
  EXPECT_EQ(base32_encode("fooba"), "MZXW6YTB");
  EXPECT_EQ(base32_encode("foobar"), "MZXW6YTBOI======");
  EXPECT_EQ(base32_encode("\xFF\xFF\xFF\xFF\xFF"), "77777777");
}

}  // namespace
}  // namespace traccia::crypto
