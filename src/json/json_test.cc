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

TEST(Json, WritesStringsAsTheSerializerDoes) {
  std::string all;
  for (int byte = 0; byte < 128; ++byte) all += static_cast<char>(byte);
  for (const auto& text : {all, std::string(), std::string("plain"), std::string("\"\\\""),
                           std::string("Zürich \xf0\x9f\x98\x80\n")}) {
    std::string out = "[";
    append_string(out, text);
    EXPECT_EQ(out, "[" + json::serialize(Value(text)));
    EXPECT_EQ(parse(out + "]")->as_array().front().as_string(), text);
  }
}

}  // namespace
}  // namespace traccia::json
