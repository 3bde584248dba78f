// Filter policies: what they may say, and what they take.
// SPDX-License-Identifier: Apache-2.0
#include "sns/filter_policy.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "sns/messages.h"

namespace traccia::sns {
namespace {

std::string refusal(std::string_view policy, FilterScope scope = FilterScope::MessageBody) {
  const auto parsed = FilterPolicy::parse(policy, scope);
  return parsed ? "" : parsed.error().message();
}

bool takes_body(std::string_view policy, std::string_view body) {
  Content content;
  content.texts.emplace("default", body);
  const auto parsed = FilterPolicy::parse(policy, FilterScope::MessageBody);
  EXPECT_TRUE(parsed) << policy;
  return parsed && parsed->takes(content, "sqs");
}

bool takes(std::string_view policy, json::Object attributes) {
  Content content;
  content.texts.emplace("default", "{}");
  content.attributes = std::move(attributes);
  const auto parsed = FilterPolicy::parse(policy, FilterScope::MessageAttributes);
  EXPECT_TRUE(parsed) << policy;
  return parsed && parsed->takes(content, "sqs");
}
json::Object one(std::string_view type, std::string_view value) {
  return {{"k", json::Object{{"DataType", type}, {"StringValue", value}}}};
}

TEST(FilterPolicy, SaysWhatIsWrongInTheServicesWords) {
  const std::pair<const char*, const char*> bad[] = {
      {R"({"k":"v"})", R"(FilterPolicy: "k" must be an object or an array)"},
      {R"({"k":[]})", "FilterPolicy: Empty arrays are not allowed"},
      {R"({"k":[["v"]]})",
       "FilterPolicy: Match value must be String, number, true, false, or null"},
      {R"({"k":[{"wrong":true}]})", "FilterPolicy: Unrecognized match type wrong"},
      {R"({"k":[{"prefix":"a","suffix":"b"}]})",
       "FilterPolicy: Only one key allowed in match expression"},
      {R"({"k":[{"suffix":100}]})", "FilterPolicy: suffix match pattern must be a string"},
      {R"({"k":[{"exists":"no"}]})",
       "FilterPolicy: exists match pattern must be either true or false."},
      {R"({"k":[{"cidr":"10.0.0.0"}]})", "FilterPolicy: Malformed CIDR, one '/' required"},
      {R"({"k":[{"cidr":"x/8"}]})", "FilterPolicy: Nonstandard IP address: x"},
      {R"({"k":[{"cidr":"10.0.0.0/x"}]})",
       "FilterPolicy: Malformed CIDR, mask bits must be an integer"},
      {R"({"k":[{"numeric":[]}]})", "FilterPolicy: Invalid member in numeric match: ]"},
      {R"({"k":[{"numeric":[1,"<="]}]})", "FilterPolicy: Invalid member in numeric match: 1"},
      {R"({"k":[{"numeric":["about",1]}]})",
       "FilterPolicy: Unrecognized numeric range operator: about"},
      {R"({"k":[{"numeric":["=","0"]}]})", "FilterPolicy: Value of equals must be numeric"},
      {R"({"k":[{"numeric":["<",100,">",10]}]})",
       "FilterPolicy: Too many elements in numeric expression"},
      {R"({"k":[{"numeric":[">=",1,">",2]}]})", "FilterPolicy: Bad numeric range operator: >"},
      {R"({"k":[{"numeric":[">",20,30]}]})", "FilterPolicy: Bad value in numeric range: 30"},
      {R"({"k":[{"numeric":[">",3,"<",1]}]})", "FilterPolicy: Bottom must be less than top"},
      {R"({"k":[{"numeric":[">",20,"<",30,"<",50]}]})",
       "FilterPolicy: Too many terms in numeric range expression"},
      {R"({"k":[{"anything-but":{"suffix":"a"}}]})",
       "FilterPolicy: Unsupported anything-but pattern: suffix"},
      {R"({"k":[{"anything-but":{"prefix":false}}]})",
       "FilterPolicy: prefix match pattern must be a string"},
      {R"({"a":["1"],"b":["1"],"c":["1"],"d":["1"],"e":["1"],"f":["1"]})",
       "FilterPolicy: Filter policy can not have more than 5 keys"}};
  for (const auto& [policy, text] : bad) EXPECT_EQ(refusal(policy), text) << policy;
  EXPECT_TRUE(refusal("{").starts_with("FilterPolicy: failed to parse JSON."));
  EXPECT_EQ(refusal(R"({"k":{"l":["v"]}})", FilterScope::MessageAttributes),
            "Filter policy scope MessageAttributes does not support nested filter policy");
  EXPECT_EQ(refusal(R"({"k":{"l":["v"]}})"), "");
}

TEST(FilterPolicy, HasABoundOnCombinations) {
  const auto list = [](int count) {
    std::string out;
    for (int i = 0; i < count; ++i) out += fmt::format("{}\"{}\"", i == 0 ? "" : ",", i);
    return out;
  };
  EXPECT_EQ(refusal(fmt::format(R"({{"k":[{}]}})", list(150))), "");
  EXPECT_EQ(refusal(fmt::format(R"({{"k":[{}]}})", list(151))),
            "FilterPolicy: Filter policy is too complex");
  // Depth multiplies ("Filter policy constraints"): 3 x 4 x 2 x 3 = 72.
  EXPECT_EQ(
      refusal(fmt::format(R"({{"a":{{"b":{{"c":[{}]}}}},"d":{{"e":[{}]}}}})", list(4), list(3))),
      "");
  EXPECT_NE(
      refusal(fmt::format(R"({{"a":{{"b":{{"c":[{}]}}}},"d":{{"e":[{}]}}}})", list(9), list(3))),
      "");
}

TEST(FilterPolicy, MatchesAttributes) {
  EXPECT_TRUE(takes("{}", {}));
  EXPECT_TRUE(takes(R"({"k":["a","b"]})", one("String", "b")));
  EXPECT_FALSE(takes(R"({"k":["a","b"]})", one("String", "c")));
  EXPECT_FALSE(takes(R"({"k":["a"]})", {})) << "absent";
  EXPECT_TRUE(takes(R"({"k":[{"exists":false}]})", {}));
  EXPECT_FALSE(takes(R"({"k":[{"exists":false}]})", one("String", "a")));
  EXPECT_TRUE(takes(R"({"k":[{"exists":true}]})", one("String", "a")));
  EXPECT_TRUE(takes(R"({"k":[{"prefix":"ab"}]})", one("String", "abc")));
  EXPECT_TRUE(takes(R"({"k":[{"suffix":"bc"}]})", one("String", "abc")));
  EXPECT_TRUE(takes(R"({"k":[{"equals-ignore-case":"ABC"}]})", one("String", "aBc")));
  EXPECT_TRUE(takes(R"({"k":[{"anything-but":["a","b"]}]})", one("String", "c")));
  EXPECT_FALSE(takes(R"({"k":[{"anything-but":["a","b"]}]})", one("String", "a")));
  EXPECT_FALSE(takes(R"({"k":[{"anything-but":"a"}]})", {})) << "something must be there";
  EXPECT_FALSE(takes(R"({"k":[{"anything-but":{"prefix":"a"}}]})", one("String", "ab")));
  EXPECT_TRUE(takes(R"({"k":[{"cidr":"10.1.0.0/16"}]})", one("String", "10.1.2.3")));
  EXPECT_FALSE(takes(R"({"k":[{"cidr":"10.1.0.0/16"}]})", one("String", "10.2.2.3")));
  EXPECT_TRUE(takes(R"({"k":[{"cidr":"2001:db8::/32"}]})", one("String", "2001:db8::1")));
  EXPECT_TRUE(takes(R"({"k":[{"numeric":[">",0,"<=",100]}]})", one("Number", "100")));
  EXPECT_FALSE(takes(R"({"k":[{"numeric":[">",0,"<",100]}]})", one("Number", "100")));
  EXPECT_TRUE(takes(R"({"k":[{"numeric":["=",1.5]}]})", one("Number", "1.5")));
  EXPECT_FALSE(takes(R"({"k":[{"numeric":["=",1]}]})", one("String", "1"))) << "a text";
  EXPECT_TRUE(takes(R"({"k":["b"]})", one("String.Array", R"(["a","b"])")));
  EXPECT_TRUE(takes(R"({"k":[null]})", one("String.Array", R"(["a",null])")));
  EXPECT_FALSE(takes(R"({"k":["c"]})", one("String.Array", R"(["a","b"])")));
  EXPECT_FALSE(takes(R"({"k":[{"exists":true}]})", one("Binary", "YQ==")));
}

TEST(FilterPolicy, MatchesBodies) {
  EXPECT_TRUE(takes_body(R"({"a":{"b":["x"]}})", R"({"a":{"b":"x","c":1}})"));
  EXPECT_FALSE(takes_body(R"({"a":{"b":["x"]}})", R"({"a":{"b":"y"}})"));
  EXPECT_FALSE(takes_body(R"({"a":["x"]})", "x")) << "no JSON object";
  EXPECT_TRUE(takes_body(R"({"a":[1]})", R"({"a":1.0})"));
  EXPECT_TRUE(takes_body(R"({"a":[true,null]})", R"({"a":null})"));
  EXPECT_TRUE(takes_body(R"({"a":["x"]})", R"({"a":["y","x"]})"));
  EXPECT_TRUE(takes_body(R"({"a":{"b":[{"exists":false}]}})", R"({"c":1})"));
  EXPECT_FALSE(takes_body(R"({"a":[{"exists":true}]})", R"({"a":{"b":1}})")) << "no leaf";
  EXPECT_TRUE(takes_body(R"({"a":{"b":[1],"c":[2]}})", R"({"a":[{"b":1,"c":2},{"b":3}]})"));
  EXPECT_FALSE(takes_body(R"({"a":{"b":[1],"c":[4]}})", R"({"a":[{"b":1,"c":2},{"b":3,"c":4}]})"))
      << "one object of the list must match as a whole";
  constexpr std::string_view kEither = R"({"$or":[{"a":["x"]},{"b":[{"numeric":[">",5]}]}]})";
  EXPECT_TRUE(takes_body(kEither, R"({"a":"x"})"));
  EXPECT_TRUE(takes_body(kEither, R"({"b":6})"));
  EXPECT_FALSE(takes_body(kEither, R"({"a":"y","b":5})"));
  EXPECT_TRUE(takes_body(R"({"$or":["x"]})", R"({"$or":"x"})")) << "a field of that name";
}

}  // namespace
}  // namespace traccia::sns
