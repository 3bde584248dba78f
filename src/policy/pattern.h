// Texts of a policy that are compared with texts of a request: wildcards and policy variables.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "policy/request.h"

namespace traccia::policy {

struct PatternOptions {
  bool wildcards = false;    // `*` any text, also none; `?` one character (a UTF-8 sequence)
  bool variables = false;    // ${key}, ${key, 'default'}, and ${*} ${?} ${$} for the characters
  bool ignore_case = false;  // of ASCII letters
};

// A compiled text. What a variable stands for is compared as it is: a `*` in a user's name or tag
// is no wildcard. Matching allocates nothing and takes at most subject × pattern steps: a wildcard
// that met its text once is not tried again ("wildcard bombs").
// Immutable.
class Pattern {
 public:
  static constexpr size_t kVariablesMax = 16;

  Pattern() = default;
  // InvalidArgument when a variable is not closed, is empty, or there are too many.
  static Result<Pattern> parse(std::string_view text, PatternOptions options);

  // False when a variable has no value, or several: such a text matches nothing.
  bool matches(std::string_view subject, const ContextKeys& context) const;
  const std::string& text() const { return text_; }  // as it was written
  bool has_variables() const { return !variables_.empty(); }
  bool is_any() const { return shape_ == Shape::Any; }  // "*" alone
  bool has_wildcards() const;
  bool is_literal() const { return shape_ == Shape::Exact && text_ == literals_; }

 private:
  enum class Shape : uint8_t { Exact, Any, Prefix, General };
  struct Token {
    enum class Kind : uint8_t { Literal, Variable, One, Many };
    Kind kind = Kind::Literal;
    uint32_t at = 0;    // of a Literal in literals_, of a Variable in variables_
    uint32_t size = 0;  // of a Literal
  };
  struct Variable {
    std::string key;  // in lower case
    bool has_default = false;
    std::string default_value;
  };
  using Values = std::array<std::string_view, kVariablesMax>;

  void literal(std::string_view text);
  Result<size_t> variable(std::string_view rest);
  void choose_shape();
  bool resolve(const ContextKeys& context, Values& values) const;
  std::string_view text_of(const Token& token, const Values& values) const;
  bool match_tokens(std::string_view subject, const Values& values) const;
  bool starts(std::string_view subject, std::string_view part) const;

  std::string text_;
  std::string literals_;
  std::vector<Token> tokens_;
  std::vector<Variable> variables_;
  Shape shape_ = Shape::Exact;
  bool ignore_case_ = false;
};

// An ARN with wildcards as ArnEquals and ArnLike read it: six parts compared one by one, so that a
// wildcard never crosses the first five colons ("IAM JSON policy elements: Condition operators").
// Immutable.
class ArnPattern {
 public:
  static constexpr size_t kParts = 6;

  // InvalidArgument unless the text has six parts and begins with "arn" or a wildcard; a last part
  // that is `*` stands for the missing ones; a single variable is compared as a whole.
  static Result<ArnPattern> parse(std::string_view text, PatternOptions options);

  // "*" of a Resource element: matches every text.
  static ArnPattern everything();

  bool matches(std::string_view subject, const ContextKeys& context) const;
  const std::string& text() const { return text_; }
  bool is_any() const { return parts_.size() == 1 && parts_.front().is_any(); }

 private:
  std::string text_;
  // Either the leading parts are compared as one text and the last is a pattern, or all six are;
  // one part without a head is compared with the whole.
  std::string head_;
  std::vector<Pattern> parts_;
};

// Splits at the first five colons, not counting those inside ${…} when there are variables.
std::vector<std::string_view> split_arn(std::string_view text, PatternOptions options);

}  // namespace traccia::policy
