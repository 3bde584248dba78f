// What each operator means.
// SPDX-License-Identifier: Apache-2.0
#include "match/predicate.h"

#include <gtest/gtest.h>

namespace traccia::match {
namespace {

constexpr FieldId kName{0};
constexpr FieldId kArn{1};
constexpr FieldId kSize{2};

struct Row {
  std::string_view what;
  Predicate predicate;
  std::vector<FieldValue> event;
  bool holds;
};

void expect_all(const std::vector<Row>& rows) {
  for (const auto& row : rows) EXPECT_EQ(matches(row.predicate, row.event), row.holds) << row.what;
}

TEST(Operators, OnText) {
  const std::string long_text(100'000, 'x');
  expect_all({
      {"equal", equals(kName, "PutObject"), {{kName, "PutObject"}}, true},
      {"case counts", equals(kName, "putObject"), {{kName, "PutObject"}}, false},
      {"whole value", equals(kName, "Put"), {{kName, "PutObject"}}, false},
      {"longer than the value", equals(kName, "PutObjects"), {{kName, "PutObject"}}, false},
      {"another field", equals(kName, "x"), {{kArn, "x"}}, false},
      {"absent", equals(kName, ""), {}, false},
      {"empty", equals(kName, ""), {{kName, ""}}, true},
      {"one of several values", equals(kArn, "b"), {{kArn, "a"}, {kArn, "b"}}, true},
      {"a value twice", equals(kArn, "a"), {{kArn, "a"}, {kArn, "a"}}, true},
      {"prefix", starts_with(kName, "Put"), {{kName, "PutObject"}}, true},
      {"whole value as prefix", starts_with(kName, "Put"), {{kName, "Put"}}, true},
      {"no prefix", starts_with(kName, "Puts"), {{kName, "PutObject"}}, false},
      {"empty prefix", starts_with(kName, ""), {{kName, "a"}}, true},
      {"empty prefix of nothing", starts_with(kName, ""), {}, false},
      {"suffix", ends_with(kName, "Object"), {{kName, "PutObject"}}, true},
      {"no suffix", ends_with(kName, "object"), {{kName, "PutObject"}}, false},
      {"long value", ends_with(kName, "xx"), {{kName, long_text}}, true},
      {"long operand", equals(kName, long_text), {{kName, long_text}}, true},
      {"exists", exists(kName), {{kName, ""}}, true},
      {"does not exist", exists(kName), {{kArn, "a"}}, false},
  });
}

TEST(Operators, OnPatterns) {
  const auto row = [](std::string_view pattern, std::string_view value, bool holds) {
    EXPECT_EQ(like_matches(pattern, value), holds) << pattern << " on " << value;
  };
  row("a", "a", true);
  row("a", "ab", false);
  row("", "", true);
  row("", "a", false);
  row("*", "", true);
  row("**", "abc", true);
  row("a*", "abc", true);
  row("*c", "abc", true);
  row("a*c", "abc", true);
  row("a*c", "ac", true);
  row("a*c", "abcd", false);
  row("a*a", "a", false);
  row("*b*", "abc", true);
  row("*b*b*", "abc", false);
  row("a*b*c", "a-bc-c", true);
  row("ab*bc", "abc", false);
  row("*ab*ab", "abab", true);
  row("*ab*ab", "ab", false);
}

TEST(Operators, OnNumbers) {
  expect_all({
      {"equal", number_equals(kSize, 1), {{kSize, "1.0"}}, true},
      {"exponent", number_equals(kSize, 1000), {{kSize, "1e3"}}, true},
      {"signed zero", number_equals(kSize, 0), {{kSize, "-0"}}, true},
      {"less", number_less(kSize, 10), {{kSize, "9"}}, true},
      {"not as text", number_less(kSize, 9), {{kSize, "10"}}, false},
      {"not less", number_less(kSize, 9), {{kSize, "9"}}, false},
      {"greater", number_greater(kSize, -1), {{kSize, "0"}}, true},
      {"not greater", number_greater(kSize, 0), {{kSize, "0"}}, false},
      {"no number", number_less(kSize, 9), {{kSize, "1x"}}, false},
      {"not finite", number_less(kSize, 9), {{kSize, "-inf"}}, false},
      {"empty", number_equals(kSize, 0), {{kSize, ""}}, false},
      {"absent", number_less(kSize, 9), {}, false},
      {"any of several", number_greater(kSize, 5), {{kSize, "1"}, {kSize, "7"}}, true},
  });
}

TEST(Trees, CombineConditions) {
  const auto put = equals(kName, "PutObject");
  const auto bucket = starts_with(kArn, "arn:aws:s3:::b/");
  const std::vector<FieldValue> event = {{kName, "PutObject"}, {kArn, "arn:aws:s3:::b/k"}};
  expect_all({
      {"both", all_of({put, bucket}), event, true},
      {"one of both", all_of({put, equals(kArn, "x")}), event, false},
      {"any", any_of({equals(kArn, "x"), put}), event, true},
      {"none", any_of({equals(kArn, "x"), equals(kName, "x")}), event, false},
      {"all of nothing", all_of({}), {}, true},
      {"any of nothing", any_of({}), event, false},
      {"not", negate(put), event, false},
      {"not, absent field", negate(put), {}, true},
      {"not equals is about every value",
       negate(equals(kArn, "b")),
       {{kArn, "a"}, {kArn, "b"}},
       false},
      {"not not", negate(negate(put)), event, true},
  });
}

}  // namespace
}  // namespace traccia::match
