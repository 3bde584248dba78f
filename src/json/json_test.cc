// Strictness and limits of the JSON adapter.
// SPDX-License-Identifier: Apache-2.0
#include "json/json.h"

#include <gtest/gtest.h>

namespace traccia::json {
namespace {

TEST(Json, KeepsTheOrderOfMembers) {
  const auto value = parse(R"({"b":1,"a":[true,null,"x"]})").value();
  EXPECT_EQ(json::serialize(value), R"({"b":1,"a":[true,null,"x"]})");
  EXPECT_EQ(find_string(value.as_object(), "b"), "");
  EXPECT_EQ(find(value.as_object(), "c"), nullptr);
}

TEST(Json, RefusesWhatIsNotOneDocument) {
  for (const auto* text :
       {"", "{", "{} {}", "{}x", "[1,]", "nul", "\"\xff\"", "{\"a\":1,}", "'a'"}) {
    EXPECT_EQ(parse(text).error().code(), ErrorCode::InvalidArgument) << text;
  }
  EXPECT_TRUE(parse(" {} \n"));
}

TEST(Json, LimitsDepthAndSize) {
  ParseLimits limits;
  limits.depth_max = 3;
  EXPECT_TRUE(parse("[[[]]]", limits));
  EXPECT_FALSE(parse("[[[[]]]]", limits));
  limits.bytes_max = 5;
  EXPECT_EQ(parse("[1,2,3]", limits).error().code(), ErrorCode::ResourceExhausted);
}

}  // namespace
}  // namespace traccia::json
