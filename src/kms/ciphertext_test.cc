// Ciphertexts open with what made them, and with nothing else.
// SPDX-License-Identifier: Apache-2.0
#include "kms/ciphertext.h"

#include <gtest/gtest.h>

#include <set>

#include "base/bytes.h"

namespace traccia::kms {
namespace {

const std::string kMaterial(kMaterialBytes, 'm');
const std::string kSalt(kSaltBytes, 's');
constexpr MaterialName kName{"111122223333", "1234abcd-12ab-34cd-56ef-1234567890ab", 7};
const EncryptionContext kContext{{"aws:cloudtrail:arn", "arn:t"}, {"aws:s3:arn", "arn:o"}};

std::string open(std::string_view blob, const EncryptionContext& context,
                 std::string_view material = kMaterial) {
  const auto read = decode_ciphertext(blob);
  if (!read) return std::string(read.error().reason());
  const auto opened = decrypt(material, *read, context);
  return opened ? *opened : std::string(opened.error().reason());
}

TEST(Ciphertext, NamesItsKeyAndOpensWithIt) {
  const auto blob = encrypt(kMaterial, kName, kSalt, "plaintext", kContext);
  const auto read = decode_ciphertext(blob);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->account, kName.account);
  EXPECT_EQ(read->key_id, kName.key_id);
  EXPECT_EQ(read->material, kName.version);
  EXPECT_EQ(open(blob, kContext), "plaintext");
  EXPECT_EQ(blob.size(), 72 + 12 + 9 + 16U);
  EXPECT_EQ(blob.find("plaintext"), blob.npos);
  EXPECT_NE(encrypt(kMaterial, kName, kSalt, "plaintext", kContext), blob);
}

TEST(Ciphertext, AnyChangedBitIsRefused) {
  const auto blob = encrypt(kMaterial, kName, kSalt, "plaintext", kContext);
  for (size_t at = 0; at < blob.size(); ++at) {
    auto changed = blob;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_EQ(open(changed, kContext), "InvalidCiphertext") << at;
  }
  for (const size_t size : {0UL, 4UL, 72UL, blob.size() - 1}) {
    EXPECT_EQ(open(blob.substr(0, size), kContext), "InvalidCiphertext") << size;
  }
  EXPECT_EQ(open(blob + "x", kContext), "InvalidCiphertext");
  EXPECT_EQ(open(blob, kContext, std::string(kMaterialBytes, 'n')), "InvalidCiphertext");
}

TEST(Ciphertext, TheContextMustBeTheSame) {
  const auto blob = encrypt(kMaterial, kName, kSalt, "plaintext", kContext);
  auto other = kContext;
  other["aws:s3:arn"] = "arn:p";
  EXPECT_EQ(open(blob, other), "InvalidCiphertext");
  EXPECT_EQ(open(blob, {}), "InvalidCiphertext");
  other = kContext;
  other["more"] = "";
  EXPECT_EQ(open(blob, other), "InvalidCiphertext");
}

TEST(Ciphertext, NoTwoContextsHaveOneCanonicalForm) {
  const EncryptionContext contexts[] = {{},
                                        {{"a", "b"}},
                                        {{"a", ""}, {"b", ""}},
                                        {{"ab", ""}},
                                        {{"", "ab"}},
                                        {{"a", "b"}, {"c", "d"}},
                                        {{"a", "bc"}, {"d", ""}},
                                        {{"A", "b"}}};
  std::set<std::string> forms;
  for (const auto& context : contexts) {
    EXPECT_TRUE(forms.insert(canonical(context)).second) << hex_encode(canonical(context));
  }
  // The example of docs/formats/kms.md.
  EXPECT_EQ(hex_encode(canonical({{"k", "va"}})), "01000000010000006b020000007661");
}

}  // namespace
}  // namespace traccia::kms
