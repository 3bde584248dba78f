// Condition operators, row by row; each table names the rule it comes from.
// SPDX-License-Identifier: Apache-2.0
#include "policy/conditions.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>

namespace traccia::policy {
namespace {

using Values = std::vector<std::string>;

Result<Condition> compile(std::string_view op, const std::vector<std::string_view>& values,
                          bool variables = true) {
  TRY_ASSIGN(const auto parsed, parse_operator(op));
  return Condition::parse(parsed, "test:Key", values, variables);
}

// Whether `op` holds of these values of the key; nullopt: the key is absent.
bool holds(std::string_view op, const std::vector<std::string_view>& values,
           const std::optional<Values>& found) {
  ContextKeys context;
  context.set("aws:username", std::string_view("alice"));
  context.set("aws:PrincipalTag/team", std::string_view("a*"));
  context.set("aws:TagKeys", Values{"one", "two"});
  context.set("aws:PrincipalArn", std::string_view("arn:aws:iam::111122223333:user/alice"));
  if (found) context.set("TEST:key", *found);
  const auto condition = compile(op, values);
  EXPECT_TRUE(condition) << condition.error().message();
  return condition && condition->holds(context);
}

struct Row {
  std::string_view op;
  std::vector<std::string_view> values;
  std::optional<Values> found;
  bool expected;
};

void check(const std::vector<Row>& rows) {
  for (const auto& row : rows) {
    EXPECT_EQ(holds(row.op, row.values, row.found), row.expected)
        << row.op << " [" << fmt::format("{}", fmt::join(row.values, ",")) << "] of "
        << (row.found ? fmt::format("[{}]", fmt::join(*row.found, ",")) : "absent");
  }
}

constexpr auto kAbsent = std::nullopt;

// "IAM JSON policy elements: Condition operators", string operators.
TEST(Conditions, Strings) {
  check({
      {"StringEquals", {"a"}, Values{"a"}, true},
      {"StringEquals", {"a"}, Values{"A"}, false},
      {"StringEquals", {"a", "b"}, Values{"b"}, true},
      {"StringEquals", {"a*"}, Values{"ab"}, false},
      {"StringEquals", {"a*"}, Values{"a*"}, true},
      {"StringEquals", {""}, Values{""}, true},
      {"StringNotEquals", {"a"}, Values{"b"}, true},
      {"StringNotEquals", {"a", "b"}, Values{"b"}, false},
      {"StringEqualsIgnoreCase", {"aB"}, Values{"Ab"}, true},
      {"StringEqualsIgnoreCase", {"aB"}, Values{"Abc"}, false},
      {"StringNotEqualsIgnoreCase", {"aB"}, Values{"Ab"}, false},
      {"StringLike", {"a*"}, Values{"abc"}, true},
      {"StringLike", {"*"}, Values{""}, true},
      {"StringLike", {"a?c"}, Values{"abc"}, true},
      {"StringLike", {"a?c"}, Values{"ac"}, false},
      {"StringLike",
       {"a?c"},
       Values{"a\xC3\xA9"
              "c"},
       true},
      {"StringLike", {"*b*d"}, Values{"abcbd"}, true},
      {"StringLike", {"*b*d"}, Values{"abcde"}, false},
      {"StringLike", {"A*"}, Values{"abc"}, false},
      {"StringLike", {"arn:aws:s3:*"}, Values{"arn:aws:s3:::a/b"}, true},  // crosses colons
      {"StringNotLike", {"a*", "b*"}, Values{"c"}, true},
      {"StringNotLike", {"a*", "b*"}, Values{"bc"}, false},
  });
}

// Same page, numeric operators.
TEST(Conditions, Numbers) {
  check({
      {"NumericEquals", {"10"}, Values{"10"}, true},
      {"NumericEquals", {"10"}, Values{"10.0"}, true},
      {"NumericEquals", {"9223372036854775807"}, Values{"9223372036854775806"}, false},
      {"NumericNotEquals", {"10"}, Values{"11"}, true},
      {"NumericNotEquals", {"10", "11"}, Values{"11"}, false},
      {"NumericLessThan", {"10"}, Values{"9"}, true},
      {"NumericLessThan", {"10"}, Values{"10"}, false},
      {"NumericLessThanEquals", {"10"}, Values{"10"}, true},
      {"NumericLessThanEquals", {"10"}, Values{"10.5"}, false},
      {"NumericGreaterThan", {"-1.5"}, Values{"-1"}, true},
      {"NumericGreaterThan", {"10"}, Values{"10"}, false},
      {"NumericGreaterThanEquals", {"10"}, Values{"10"}, true},
      {"NumericGreaterThanEquals", {"10"}, Values{"9"}, false},
      {"NumericEquals", {"10"}, Values{"ten"}, false},
      {"NumericNotEquals", {"10"}, Values{"ten"}, true},
  });
}

// Same page, date operators: ISO 8601 or epoch.
TEST(Conditions, Dates) {
  check({
      {"DateEquals", {"2026-01-02T03:04:05Z"}, Values{"2026-01-02T03:04:05Z"}, true},
      {"DateEquals", {"2026-01-02T03:04:05Z"}, Values{"2026-01-02T05:04:05+02:00"}, true},
      {"DateEquals", {"1767323045"}, Values{"2026-01-02T03:04:05Z"}, true},
      {"DateEquals", {"2026-01-02"}, Values{"2026-01-02T00:00:00Z"}, true},
      {"DateNotEquals", {"2026-01-02"}, Values{"2026-01-02T00:00:00.5Z"}, true},
      {"DateLessThan", {"2026-01-02"}, Values{"2026-01-01T23:59:59Z"}, true},
      {"DateLessThan", {"2026-01-02"}, Values{"2026-01-02T00:00:00Z"}, false},
      {"DateLessThanEquals", {"2026-01-02"}, Values{"2026-01-02T00:00:00Z"}, true},
      {"DateGreaterThan", {"2026-01-02"}, Values{"2026-01-02T00:00:01Z"}, true},
      {"DateGreaterThan", {"2026-01-02"}, Values{"2026-01-02T00:00:00Z"}, false},
      {"DateGreaterThanEquals", {"2026-01-02"}, Values{"2026-01-02T00:00:00Z"}, true},
      {"DateGreaterThan", {"0001-01-01T00:00:00Z"}, Values{"9999-12-31T23:59:59Z"}, true},
      {"DateLessThan", {"2026-01-02"}, Values{"yesterday"}, false},
  });
}

// Same page: Boolean, binary, IP address.
TEST(Conditions, OtherTypes) {
  check({
      {"Bool", {"true"}, Values{"true"}, true},
      {"Bool", {"TRUE"}, Values{"true"}, true},
      {"Bool", {"false"}, Values{"true"}, false},
      {"BinaryEquals", {"QmluYXJ5"}, Values{"QmluYXJ5"}, true},
      {"BinaryEquals", {"QmluYXJ5"}, Values{"qmluYXJ5"}, false},
      {"IpAddress", {"203.0.113.0/24"}, Values{"203.0.113.7"}, true},
      {"IpAddress", {"203.0.113.0/24"}, Values{"203.0.114.7"}, false},
      {"IpAddress", {"203.0.113.7"}, Values{"203.0.113.7"}, true},  // /32 by default
      {"IpAddress", {"203.0.113.7"}, Values{"203.0.113.8"}, false},
      {"IpAddress", {"203.0.113.128/25", "10.0.0.0/8"}, Values{"10.255.0.1"}, true},
      {"IpAddress", {"0.0.0.0/0"}, Values{"198.51.100.1"}, true},
      {"IpAddress", {"0.0.0.0/0"}, Values{"2001:db8::1"}, false},
      {"IpAddress", {"2001:db8::/32"}, Values{"2001:db8:1::1"}, true},
      {"IpAddress", {"2001:db8::/33"}, Values{"2001:db8:8000::1"}, false},
      {"IpAddress", {"10.0.0.1"}, Values{"::ffff:10.0.0.1"}, true},
      {"IpAddress", {"10.0.0.1"}, Values{"AWS Internal"}, false},
      {"NotIpAddress", {"203.0.113.0/24"}, Values{"203.0.113.7"}, false},
      {"NotIpAddress", {"203.0.113.0/24"}, Values{"198.51.100.1"}, true},
      {"NotIpAddress", {"203.0.113.0/24"}, Values{"AWS Internal"}, true},
  });
}

// Same page, ARN operators: six parts one by one; ArnEquals and ArnLike are identical.
TEST(Conditions, Arns) {
  const Values trail = {"arn:aws:cloudtrail:us-east-1:111122223333:trail/t"};
  for (const std::string_view op : {"ArnEquals", "ArnLike"}) {
    check({
        {op, {"arn:aws:cloudtrail:us-east-1:111122223333:trail/t"}, trail, true},
        {op, {"arn:aws:cloudtrail:*:111122223333:trail/*"}, trail, true},
        {op, {"arn:*:cloudtrail:us-east-?:*:*"}, trail, true},
        {op, {"arn:aws:cloudtrail:*:trail/*:*"}, trail, false},
        {op, {"arn:aws:cloudtrail:*"}, trail, true},
        {op, {"arn:aws:*:111122223333:x:trail/t"}, trail, false},  // never across colons
        {op, {"arn:aws:s3:::*"}, Values{"arn:aws:s3:::b/k:colon"}, true},
        {op, {"arn:aws:s3:::b"}, Values{"b"}, false},
        {op, {"arn:aws:s3:::B"}, Values{"arn:aws:s3:::b"}, false},
        {op, {"${aws:PrincipalArn}"}, Values{"arn:aws:iam::111122223333:user/alice"}, true},
    });
  }
  check({
      {"ArnNotEquals", {"arn:aws:s3:::b"}, Values{"arn:aws:s3:::c"}, true},
      {"ArnNotLike", {"arn:aws:s3:::*"}, Values{"arn:aws:s3:::c"}, false},
      {"ArnNotLike", {"arn:aws:s3:::*"}, Values{"no arn"}, true},
  });
}

// "Condition element: Evaluation logic" and posture 3.4: what an absent key says.
TEST(Conditions, AbsentKeys) {
  check({
      {"StringEquals", {"a"}, kAbsent, false},
      {"StringNotEquals", {"a"}, kAbsent, true},
      {"StringEqualsIfExists", {"a"}, kAbsent, true},
      {"StringNotEqualsIfExists", {"a"}, kAbsent, true},
      {"StringNotEqualsIfExists", {"a"}, Values{"a"}, false},
      {"StringEqualsIfExists", {"a"}, Values{"b"}, false},
      {"StringLike", {"*"}, kAbsent, false},
      {"StringNotLike", {"*"}, kAbsent, true},
      {"NumericLessThan", {"5"}, kAbsent, false},
      {"NumericNotEquals", {"5"}, kAbsent, true},
      {"DateGreaterThanIfExists", {"2026-01-02"}, kAbsent, true},
      {"Bool", {"false"}, kAbsent, false},
      {"BoolIfExists", {"false"}, kAbsent, true},
      {"NotIpAddress", {"10.0.0.0/8"}, kAbsent, true},
      {"IpAddressIfExists", {"10.0.0.0/8"}, kAbsent, true},
      {"ArnNotLike", {"arn:aws:s3:::*"}, kAbsent, true},
      {"ArnLike", {"arn:aws:s3:::*"}, kAbsent, false},
      {"Null", {"true"}, kAbsent, true},
      {"Null", {"false"}, kAbsent, false},
      {"Null", {"true"}, Values{"x"}, false},
      {"Null", {"false"}, Values{"x"}, true},
      {"Null", {"true"}, Values{}, true},
      {"Null", {"false"}, Values{""}, false},
      {"StringEquals", {"a"}, Values{}, false},
      {"StringNotEquals", {"a"}, Values{}, true},
  });
}

// "Set operators for multivalued context keys".
TEST(Conditions, Quantifiers) {
  check({
      {"ForAllValues:StringEquals", {"a", "b"}, Values{"a", "b"}, true},
      {"ForAllValues:StringEquals", {"a", "b"}, Values{"a", "c"}, false},
      {"ForAllValues:StringEquals", {"a"}, kAbsent, true},
      {"ForAllValues:StringEquals", {"a"}, Values{}, true},
      {"ForAllValues:StringEquals", {"a"}, Values{""}, true},
      {"ForAllValues:StringEquals", {"a"}, Values{"", "b"}, false},
      {"ForAllValues:StringNotEquals", {"a"}, Values{"b", "c"}, true},
      {"ForAllValues:StringNotEquals", {"a"}, Values{"b", "a"}, false},
      {"ForAnyValue:StringEquals", {"a", "b"}, Values{"c", "b"}, true},
      {"ForAnyValue:StringEquals", {"a", "b"}, Values{"c", "d"}, false},
      {"ForAnyValue:StringEquals", {"a"}, kAbsent, false},
      {"ForAnyValue:StringEquals", {"a"}, Values{}, false},
      {"ForAnyValue:StringNotEquals", {"a"}, Values{"a", "b"}, true},
      {"ForAnyValue:StringNotEquals", {"a"}, Values{"a"}, false},
      {"ForAnyValue:StringNotEquals", {"a"}, kAbsent, false},
      {"ForAnyValue:StringLikeIfExists", {"a"}, kAbsent, true},
      {"ForAnyValue:StringNotLikeIfExists", {"a"}, kAbsent, true},
      {"ForAllValues:NumericLessThan", {"5"}, Values{"1", "4"}, true},
      {"ForAllValues:NumericLessThan", {"5"}, Values{"1", "5"}, false},
      // Several values without a set operator: our reading, conditions.h.
      {"StringEquals", {"a"}, Values{"b", "a"}, true},
      {"StringNotEquals", {"a"}, Values{"b", "a"}, false},
  });
}

// "IAM policy elements: Variables and tags".
TEST(Conditions, Variables) {
  check({
      {"StringEquals", {"${aws:username}"}, Values{"alice"}, true},
      {"StringEquals", {"home/${AWS:UserName}/x"}, Values{"home/alice/x"}, true},
      {"StringLike", {"${aws:username}*"}, Values{"alice2"}, true},
      {"StringEquals", {"${aws:nothing}"}, Values{"alice"}, false},
      {"StringNotEquals", {"${aws:nothing}"}, Values{"alice"}, true},
      {"StringEquals", {"${aws:nothing}", "alice"}, Values{"alice"}, true},
      {"StringEquals", {"${aws:nothing, 'none'}"}, Values{"none"}, true},
      {"StringEquals", {"${aws:username, 'none'}"}, Values{"alice"}, true},
      {"StringEquals", {"${aws:TagKeys}"}, Values{"one"}, false},  // several values
      {"StringLike", {"${*}"}, Values{"*"}, true},
      {"StringLike", {"${*}"}, Values{"x"}, false},
      {"StringLike", {"a${?}b"}, Values{"a?b"}, true},
      {"StringEquals", {"${$}{x}"}, Values{"${x}"}, true},
      // What a variable stands for is no pattern.
      {"StringLike", {"${aws:PrincipalTag/team}"}, Values{"abc"}, false},
      {"StringLike", {"${aws:PrincipalTag/team}"}, Values{"a*"}, true},
      {"ArnLike",
       {"arn:aws:iam::*:user/${aws:username}"},
       Values{"arn:aws:iam::1:user/alice"},
       true},
      {"Bool", {"${aws:nothing, 'true'}"}, Values{"true"}, true},
  });
  const auto plain = compile("StringEquals", {"${aws:username}"}, false).value();
  ContextKeys context;
  context.set("aws:username", std::string_view("alice"));
  context.set("test:key", std::string_view("${aws:username}"));
  EXPECT_TRUE(plain.holds(context)) << "text in version 2008-10-17";
}

TEST(Conditions, RefuseOperatorsThatAreNone) {
  for (const std::string_view name :
       {"", "StringEqual", "StringEquals ", "IfExists", "ForAllValues:", "ForAllValues:Null",
        "NullIfExists", "ForAnyValue:ForAllValues:StringEquals", "StringEqualsIfExistsIfExists",
        "ForSomeValues:StringEquals", "BinaryNotEquals", "NotBool"}) {
    EXPECT_FALSE(parse_operator(name)) << name;
  }
  EXPECT_EQ(parse_operator("forallvalues:stringlikeifexists")->test, policy::Test::StringLike);
}

TEST(Conditions, RefuseValuesOfAnotherType) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"NumericEquals", "ten"},
      {"NumericEquals", ""},
      {"NumericEquals", "nan"},
      {"NumericEquals", "1e999"},
      {"NumericEquals", "${aws:x}"},
      {"DateEquals", "2026-02-30"},
      {"DateEquals", "2026-01-02T25:00:00Z"},
      {"DateEquals", "tomorrow"},
      {"DateEquals", "-5"},
      {"DateEquals", "2026-01-02T00:00:00"},
      {"Bool", "yes"},
      {"BinaryEquals", "%%%"},
      {"IpAddress", "10.0.0.0/33"},
      {"IpAddress", "10.0.0"},
      {"IpAddress", "10.0.0.256"},
      {"IpAddress", "10.00.0.1"},
      {"IpAddress", "::1::"},
      {"IpAddress", "1:2:3:4:5:6:7:8:9"},
      {"IpAddress", "2001:db8::/129"},
      {"IpAddress", "10.0.0.0/"},
      {"ArnLike", "b"},
      {"ArnLike", "arn:aws:s3"},
      {"ArnEquals", "x:aws:s3:::b"},
      {"Null", "maybe"},
      {"StringEquals", "${aws:x"},
      {"StringEquals", "${}"},
      {"StringEquals", "${a, 'b}"},
      {"StringEquals", "${a, b}"},
  };
  for (const auto& [op, value] : rows) {
    const auto condition = compile(op, {value});
    EXPECT_FALSE(condition) << op << " " << value;
  }
}

TEST(Operands, AddressesInEveryNotation) {
  const auto is = [](std::string_view a, std::string_view b) {
    const auto one = parse_address(a), other = parse_address(b);
    return one && other && *one == *other;
  };
  EXPECT_TRUE(is("2001:db8::1", "2001:0DB8:0:0:0:0:0:1"));
  EXPECT_TRUE(is("::", "0:0:0:0:0:0:0:0"));
  EXPECT_TRUE(is("1::", "1:0:0:0:0:0:0:0"));
  EXPECT_TRUE(is("::ffff:1.2.3.4", "1.2.3.4"));
  EXPECT_FALSE(is("::1.2.3.4", "1.2.3.4"));
  for (const std::string_view bad :
       {"", ":", ":::", "1:", ":1", "1:2", "12345::", "::1.2.3", "1.2.3.4.5", "::1.2.3.4:1",
        " 1.2.3.4", "1::2::3", "1:2:3:4:5:6:7::8"}) {
    EXPECT_FALSE(parse_address(bad)) << bad;
  }
}

TEST(Context, NamesAreCaseInsensitiveAndValuesGather) {
  ContextKeys keys;
  keys.add("s3:ExistingObjectTag/Team", "a");
  keys.add("S3:existingobjecttag/team", "b");
  keys.set_flag("aws:SecureTransport", true);
  keys.set_number("s3:max-keys", -7);
  keys.set_time("aws:CurrentTime", from_unix_seconds(1'767'323'045));
  EXPECT_THAT(keys.find("s3:existingobjecttag/team"), testing::ElementsAre("a", "b"));
  EXPECT_THAT(keys.find("aws:securetransport"), testing::ElementsAre("true"));
  EXPECT_THAT(keys.find("s3:max-keys"), testing::ElementsAre("-7"));
  EXPECT_THAT(keys.find("aws:currenttime"), testing::ElementsAre("2026-01-02T03:04:05Z"));
  EXPECT_THAT(keys.find("aws:nothing"), testing::IsEmpty());
}

// Wildcard bombs take subject × pattern steps, at most some 20 million here; backtracking into each
// of the stars would outlast the test's time limit by many orders of magnitude.
TEST(Patterns, ManyWildcardsTakeBoundedTime) {
  std::string stars;
  for (int i = 0; i < 1000; ++i) stars += "*a";
  for (const std::string& bomb :
       {stars + "*b", "*" + std::string(1000, '?') + "b", "*" + std::string(1000, 'a') + "b*a"}) {
    const auto pattern = Pattern::parse(bomb, {.wildcards = true, .ignore_case = true}).value();
    EXPECT_FALSE(pattern.matches(std::string(20'000, 'a'), {})) << bomb;
    EXPECT_TRUE(pattern.matches(std::string(20'000, 'a') + "ba", {}) ||
                pattern.matches(std::string(20'000, 'a') + "b", {}))
        << bomb;
  }
}

TEST(Patterns, LimitVariables) {
  std::string many;
  for (size_t i = 0; i < Pattern::kVariablesMax; ++i) many += "${a}";
  EXPECT_TRUE(Pattern::parse(many, {.variables = true}));
  EXPECT_FALSE(Pattern::parse(many + "${a}", {.variables = true}));
}

}  // namespace
}  // namespace traccia::policy
