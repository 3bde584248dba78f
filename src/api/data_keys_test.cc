// Which data keys are given again, and how long.
// SPDX-License-Identifier: Apache-2.0
#include "api/data_keys.h"

#include <gtest/gtest.h>

namespace traccia::api {
namespace {

using std::chrono::seconds;

const kms::EncryptionContext kBucket{{"aws:s3:arn", "arn:aws:s3:::b"}};
const kms::EncryptionContext kOther{{"aws:s3:arn", "arn:aws:s3:::c"}};

kms::Key key_of(std::string_view arn, int64_t version = 1) {
  kms::Key key;
  key.arn = arn;
  key.version = version;
  return key;
}

TEST(DataKeys, AreOfOneKeyAsItIsAndOneContext) {
  DataKeys keys;
  const auto key = key_of("a");
  EXPECT_FALSE(keys.find_made(key, kBucket, seconds(0)));
  keys.keep_made(key, kBucket, {"plain", "sealed"}, seconds(0));
  const auto found = keys.find_made(key, kBucket, seconds(1));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->plaintext, "plain");
  EXPECT_EQ(found->sealed, "sealed");
  EXPECT_EQ(keys.find_opened(key, kBucket, "sealed", seconds(1)), "plain");
  EXPECT_FALSE(keys.find_made(key, kOther, seconds(1)));
  EXPECT_FALSE(keys.find_made(key_of("a", 2), kBucket, seconds(1)));
  EXPECT_FALSE(keys.find_made(key_of("b"), kBucket, seconds(1)));
  EXPECT_FALSE(keys.find_opened(key, kOther, "sealed", seconds(1)));
  EXPECT_FALSE(keys.find_opened(key_of("a", 2), kBucket, "sealed", seconds(1)));
  EXPECT_FALSE(keys.find_opened(key, kBucket, "other", seconds(1)));
}

TEST(DataKeys, AreForgottenInTime) {
  DataKeys keys;
  const auto key = key_of("a");
  keys.keep_made(key, kBucket, {"plain", "sealed"}, seconds(0));
  keys.keep_opened(key, kBucket, "older", "text", seconds(60));
  EXPECT_FALSE(keys.find_made(key, kBucket, DataKeys::kWhile));
  EXPECT_FALSE(keys.find_opened(key, kBucket, "sealed", DataKeys::kWhile));
  EXPECT_EQ(keys.size(), 2U);
  keys.wipe_old(DataKeys::kWhile);
  EXPECT_EQ(keys.size(), 1U);
  EXPECT_EQ(keys.find_opened(key, kBucket, "older", DataKeys::kWhile), "text");
}

TEST(DataKeys, AreNotTooMany) {
  DataKeys keys;
  const auto key = key_of("a");
  for (size_t i = 0; i < 3 * DataKeys::kKeysMax; ++i) {
    keys.keep_opened(key, kBucket, std::to_string(i), "text", seconds(0));
    EXPECT_LE(keys.size(), DataKeys::kKeysMax);
  }
  EXPECT_TRUE(
      keys.find_opened(key, kBucket, std::to_string(3 * DataKeys::kKeysMax - 1), seconds(0)));
}

}  // namespace
}  // namespace traccia::api
