// What is read out of AWS's configuration files.
// SPDX-License-Identifier: Apache-2.0
#include "aws/profile.h"

#include <gtest/gtest.h>

#include <array>

namespace traccia::aws {
namespace {

constexpr std::string_view kFile =
    "aws_access_key_id = OUTSIDE\n"
    "# a comment\n"
    "[default]\r\n"
    "aws_access_key_id=AKID\r\n"
    "aws_secret_access_key =  se=cret  \r\n"
    "; region = mars\n"
    "no pair\n"
    "[ profile other ]\n"
    "region = eu-south-1\n"
    "[default]\n"
    "region=us-east-1";

ProfileValues read(const std::string& name) {
  const std::array names{name};
  return read_profile(kFile, names);
}

TEST(Profile, ASectionsPairs) {
  EXPECT_EQ(read("default"), (ProfileValues{{"aws_access_key_id", "AKID"},
                                            {"aws_secret_access_key", "se=cret"},
                                            {"region", "us-east-1"}}));
  EXPECT_EQ(read("profile other"), (ProfileValues{{"region", "eu-south-1"}}));
  EXPECT_TRUE(read("missing").empty());
  EXPECT_TRUE(read_profile("[", std::array{std::string()}).empty());
}

TEST(Profile, Credentials) {
  const auto credentials = credentials_of(read("default"));
  EXPECT_EQ(credentials.access_key_id, "AKID");
  EXPECT_EQ(credentials.secret_access_key, "se=cret");
  EXPECT_EQ(credentials.session_token, "");
  EXPECT_EQ(credentials_of({}).access_key_id, "");
}

}  // namespace
}  // namespace traccia::aws
