// The text form of expressions, its limits, and what single events fulfil.
// SPDX-License-Identifier: Apache-2.0
#include "history/expression.h"

#include <gtest/gtest.h>

namespace traccia::history {
namespace {

TEST(Expression, ReadsAndWrites) {
  const struct {
    std::string_view text, written;
  } cases[] = {
      {"", ""},
      {" \t", ""},
      {"EventName=a", R"(EventName="a")"},
      {"eventname=a", R"(EventName="a")"},
      {"EventName=a*", R"(EventName="a"*)"},
      {"EventName=*", R"(EventName=""*)"},
      {R"(EventName="a*")", R"(EventName="a*")"},
      {R"(EventName="a b"*)", R"(EventName="a b"*)"},
      {R"(Username="\"\\")", R"(Username="\"\\")"},
      {"Username=\"\"", R"(Username="")"},
      {"Username!=ada", R"(NOT Username="ada")"},
      {"ResourceName=a=b!c\\", R"(ResourceName="a=b!c\\")"},
      {"EventName=a Username=b", R"(EventName="a" AND Username="b")"},
      {"EventName=a and Username=b", R"(EventName="a" AND Username="b")"},
      {"EventName=a OR Username=b ReadOnly=true",
       R"(EventName="a" OR (Username="b" AND ReadOnly="true"))"},
      {"(EventName=a OR Username=b)ReadOnly=true",
       R"((EventName="a" OR Username="b") AND ReadOnly="true")"},
      {"not (EventName=a) EventSource=b", R"(NOT EventName="a" AND EventSource="b")"},
      {"NOT(EventName=a OR EventSource=b)", R"(NOT (EventName="a" OR EventSource="b"))"},
      {"NOT NOT EventId=x", R"(NOT NOT EventId="x")"},
      {"((AccessKeyId=A))", R"(AccessKeyId="A")"},
      {"EventName=and AND EventName=or", R"(EventName="and" AND EventName="or")"},
  };
  for (const auto& [text, written] : cases) {
    const auto parsed = parse_expression(text);
    ASSERT_TRUE(parsed) << text << ": " << parsed.error().message();
    EXPECT_EQ(to_string(*parsed), written) << text;
    EXPECT_EQ(parse_expression(written).value(), *parsed) << text;
  }
}

TEST(Expression, RefusesAndSaysWhere) {
  const struct {
    std::string_view text, message;
  } cases[] = {
      {"Name=a", "at character 1: 'Name' is none of EventId, EventName"},
      {"EventName", "at character 10: '=' or '!=' is missing"},
      {"EventName=", "at character 11: a value is missing"},
      {"EventName=a OR", "at character 15: a condition is missing"},
      {"AND EventName=a", "at character 1: 'AND' is none of"},
      {"(EventName=a", "at character 13: a ')' is missing"},
      {"EventName=a)", "at character 12: a ')' that nothing opens"},
      {"()", "at character 2: '' is none of"},
      {"EventName=\"a", "a quote is not closed"},
      {R"(EventName="\n")", "before \" or \\ only"},
      {R"(EventName="a"b)", "at character 14: a space is missing after a value"},
      {"EventId=a*", "an EventId is asked for as a whole"},
  };
  for (const auto& [text, message] : cases) {
    const auto parsed = parse_expression(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code(), ErrorCode::InvalidArgument);
    EXPECT_EQ(parsed.error().reason(), "InvalidExpression");
    EXPECT_NE(parsed.error().message().find(message), std::string::npos)
        << text << ": " << parsed.error().message();
  }
}

TEST(Expression, HasLimits) {
  const auto repeated = [](size_t count, std::string_view text) {
    std::string out;
    for (size_t i = 0; i < count; ++i) out += text;
    return out;
  };
  EXPECT_TRUE(parse_expression(repeated(kExpressionNodesMax - 1, "EventName=a ")));
  EXPECT_FALSE(parse_expression(repeated(kExpressionNodesMax, "EventName=a ")));
  EXPECT_FALSE(parse_expression(repeated(kExpressionNodesMax, "NOT ") + "EventName=a"));
  for (const std::string_view open : {"(", "NOT ", "NOT("}) {
    EXPECT_FALSE(parse_expression(repeated(kExpressionDepthMax + 1, open) + "EventName=a")) << open;
    EXPECT_FALSE(parse_expression(repeated(100'000, open))) << open;
  }
  EXPECT_TRUE(parse_expression(repeated(kExpressionDepthMax, "(") + "EventName=a" +
                               repeated(kExpressionDepthMax, ")")));
  const auto longest = "EventName=" + std::string(kExpressionBytesMax - 10, 'a');
  EXPECT_TRUE(parse_expression(longest));
  EXPECT_FALSE(parse_expression(longest + "a"));
}

TEST(Expression, EventsFulfilIt) {
  event::Record event;
  event.event_id = "id";
  event.event_name = "PutObject";
  event.event_source = "s3.amazonaws.com";
  event.read_only = false;
  const event::Resource resources[] = {{"AWS::S3::Object", "arn:aws:s3:::bucket/folder/key"}};
  event.resources = resources;
  const struct {
    std::string_view text;
    bool fulfilled;
  } cases[] = {
      {"", true},
      {"EventId=id", true},
      {"EventId=Id", false},
      {"EventName=PutObject", true},
      {"EventName=putobject", false},
      {"EventName=Put", false},
      {"EventName=Put*", true},
      {"EventName=*", true},
      {"Username=*", false},
      {"Username=\"\"", false},
      {"Username!=ada", true},
      {"ReadOnly=false", true},
      {"ResourceName=bucket/folder/key", true},
      {"ResourceName=key", true},
      {"ResourceName=buck*", true},
      {"ResourceType=AWS::S3::* EventName=Get*", false},
      {"ResourceType=AWS::S3::* NOT EventName=Get*", true},
      {"EventName=Get* OR EventSource=s3.*", true},
      {"NOT (EventName=Get* OR EventSource=s3.*)", false},
  };
  for (const auto& [text, fulfilled] : cases) {
    EXPECT_EQ(matches(parse_expression(text).value(), event), fulfilled) << text;
  }
}

}  // namespace
}  // namespace traccia::history
