// Names of keys: which there are, and what KMS says of the others.
// SPDX-License-Identifier: Apache-2.0
#include "kms/key_name.h"

#include <gtest/gtest.h>

namespace traccia::kms {
namespace {

constexpr std::string_view kId = "1234abcd-12ab-34cd-56ef-1234567890ab";
constexpr std::string_view kKeyArn =
    "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const Place kOwn{"111122223333", "eu-west-1"};

// The ARN that is meant, or "REASON: message".
std::string read(std::string_view text, AliasesAre aliases = AliasesAre::Allowed) {
  const auto name = parse_key_name(text, kOwn, aliases);
  if (!name) return std::string(name.error().reason()) + ": " + name.error().message();
  EXPECT_EQ(name->kind == NameKind::Alias, name->arn.contains(":alias/"));
  return name->arn;
}

TEST(KeyName, FormsOfNames) {
  EXPECT_EQ(read(kId), kKeyArn);
  EXPECT_EQ(read(kKeyArn), kKeyArn);
  EXPECT_EQ(read("alias/logs"), "arn:aws:kms:eu-west-1:111122223333:alias/logs");
  EXPECT_EQ(read("arn:aws:kms:eu-west-1:444455556666:alias/a/b"),
            "arn:aws:kms:eu-west-1:444455556666:alias/a/b");
  EXPECT_EQ(read("mrk-1234abcd12ab34cd56ef1234567890ab"),
            "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab");
  const auto foreign =
      parse_key_name("arn:aws:kms:eu-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab",
                     kOwn, AliasesAre::Refused);
  EXPECT_EQ(foreign->account, "444455556666");
}

TEST(KeyName, WhatNamesNoKey) {
  for (const auto* text :
       {"", "key", "1234abcd12ab34cd56ef1234567890ab", "1234ABCD-12ab-34cd-56ef-1234567890ab",
        "1234abcd-12ab-34cd-56ef-1234567890abc", "mrk-1234"}) {
    EXPECT_EQ(read(text), std::string("NotFound: Invalid keyId '") + text + "'");
  }
  EXPECT_EQ(read("arn:aws:kms:eu-west-1:111122223333:key/none"),
            "NotFound: Invalid keyId 'arn:aws:kms:eu-west-1:111122223333:key/none'");
  EXPECT_EQ(read("arn:aws:kms:us-east-1:111122223333:alias/a"), "NotFound: Invalid arn us-east-1");
  EXPECT_EQ(read("arn:aws:iam::111122223333:user/a"),
            "InvalidArn: Invalid arn arn:aws:iam::111122223333:user/a");
  EXPECT_EQ(read("arn:aws:kms"), "InvalidArn: Invalid arn arn:aws:kms");
  EXPECT_EQ(read("alias/logs", AliasesAre::Refused), "NotFound: Invalid keyId 'alias/logs'");
}

}  // namespace
}  // namespace traccia::kms
