// ACLs as the index keeps them.
// SPDX-License-Identifier: Apache-2.0
#include "s3/acl.h"

#include <gtest/gtest.h>

namespace traccia::s3 {
namespace {

TEST(Acl, ComesBackFromTheIndex) {
  const Acl all{{Grantee::Account, "111122223333", Permission::FullControl},
                {Grantee::AllUsers, "", Permission::Read},
                {Grantee::AuthenticatedUsers, "", Permission::ReadAcp},
                {Grantee::LogDelivery, "", Permission::Write},
                {Grantee::Account, "444455556666", Permission::WriteAcp}};
  EXPECT_EQ(decode_acl(encode_acl(all)).value(), all);
  EXPECT_EQ(encode_acl({}), "-");
  EXPECT_TRUE(decode_acl("-").value().empty());
  for (const auto* text : {"READ", "READ:", ":AllUsers", "LOOK:AllUsers", "READ:AllUsers  "}) {
    EXPECT_FALSE(decode_acl(text)) << text;
  }
}

TEST(Acl, IsPublicByItsGroups) {
  EXPECT_FALSE(is_public(private_acl("111122223333")));
  EXPECT_FALSE(is_public({{Grantee::LogDelivery, "", Permission::Write}}));
  EXPECT_TRUE(is_public({{Grantee::AllUsers, "", Permission::Read}}));
  EXPECT_TRUE(is_public({{Grantee::AuthenticatedUsers, "", Permission::Write}}));
}

TEST(Acl, NamesAreS3s) {
  EXPECT_EQ(ownership_of("BucketOwnerPreferred"), Ownership::Preferred);
  EXPECT_FALSE(ownership_of("ObjectOwner"));
  EXPECT_EQ(permission_of("WRITE_ACP"), Permission::WriteAcp);
  EXPECT_EQ(group_of(uri_of(Grantee::LogDelivery)), Grantee::LogDelivery);
  EXPECT_FALSE(group_of(""));
}

}  // namespace
}  // namespace traccia::s3
