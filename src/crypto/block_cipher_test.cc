// Blocks come back under their key, number and context, and under nothing else.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/block_cipher.h"

#include <gtest/gtest.h>

namespace traccia::crypto {
namespace {

const std::string kKey(BlockCipher::kKeyBytes, 'k');

Result<std::string> opened(const std::string& sealed, uint64_t number, std::string_view context,
                           const std::string& key = kKey) {
  auto text = sealed.substr(0, sealed.size() - BlockCipher::kTagBytes);
  TRY(BlockCipher(key).open(number, text, std::string_view(sealed).substr(text.size()), context));
  return text;
}

TEST(BlockCipher, EachBlockOpensByItself) {
  BlockCipher cipher(kKey);
  for (const size_t size : {0UL, 1UL, 15UL, 16UL, 17UL, 65'536UL}) {
    const std::string plaintext(size, 'p');
    for (const uint64_t number : {0UL, 1UL, 1UL << 40}) {
      std::string sealed;
      cipher.seal(number, plaintext, "c", sealed);
      ASSERT_EQ(sealed.size(), size + BlockCipher::kTagBytes);
      EXPECT_EQ(opened(sealed, number, "c").value(), plaintext);
      EXPECT_FALSE(opened(sealed, number + 1, "c"));
      EXPECT_FALSE(opened(sealed, number, "d"));
      EXPECT_FALSE(opened(sealed, number, "c", std::string(BlockCipher::kKeyBytes, 'l')));
    }
  }
}

TEST(BlockCipher, EachChangedBitIsNoticed) {
  BlockCipher cipher(kKey);
  std::string sealed;
  cipher.seal(7, "content", "", sealed);
  for (size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    auto changed = sealed;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_EQ(opened(changed, 7, "").error().code(), ErrorCode::DataLoss) << bit;
  }
}

// NIST's test case 14 of "The Galois/Counter Mode of Operation": a zero key, nonce and block.
TEST(BlockCipher, IsTheGcmOfTheStandard) {
  BlockCipher cipher(std::string(BlockCipher::kKeyBytes, '\0'));
  std::string sealed;
  cipher.seal(0, std::string(16, '\0'), "", sealed);
  EXPECT_EQ(sealed,
            "\xce\xa7\x40\x3d\x4d\x60\x6b\x6e\x07\x4e\xc5\xd3\xba\xf3\x9d\x18"
            "\xd0\xd1\xc8\xa7\x99\x99\x6b\xf0\x26\x5b\x98\xb5\xd4\x8a\xb9\x19");
}

}  // namespace
}  // namespace traccia::crypto
