// The Condition element: operators, compiled, and what they say of a request's keys.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "policy/operand.h"
#include "policy/pattern.h"
#include "policy/request.h"

namespace traccia::policy {

enum class Test : uint8_t {
  StringEquals,
  StringEqualsIgnoreCase,
  StringLike,
  NumericEquals,
  NumericLessThan,
  NumericLessThanEquals,
  NumericGreaterThan,
  NumericGreaterThanEquals,
  DateEquals,
  DateLessThan,
  DateLessThanEquals,
  DateGreaterThan,
  DateGreaterThanEquals,
  Bool,
  BinaryEquals,
  IpAddress,
  ArnLike,  // ArnEquals is the same
  Null,
};

// "ForAllValues:", "ForAnyValue:", or neither.
enum class Quantifier : uint8_t { None, AllValues, AnyValue };

struct Operator {
  Test test = Test::StringEquals;
  bool negated = false;  // …Not…
  bool if_exists = false;
  Quantifier quantifier = Quantifier::None;
};
// "ForAnyValue:StringNotLikeIfExists", in any case. InvalidArgument for what is no operator, and
// for modifiers on Null, which AWS does not have.
Result<Operator> parse_operator(std::string_view name);

// One key under one operator. Immutable.
//
// How the values meet ("IAM JSON policy elements: Condition", "Multivalued context keys"): a value
// of the request fits when one of the condition's values matches it; under a negated operator when
// none does. Then
//   no quantifier  some value fits; negated: all do. An absent key is false, negated true.
//   ForAllValues   all values fit; so also none, or nothing but empty texts.
//   ForAnyValue    some value fits; never for an absent key.
//   …IfExists      true for an absent key, else as without it.
//   Null           "true": the key is absent or holds nothing but empty texts; "false": it does
//   not.
// A key with several values under an operator without a quantifier is not defined by AWS; here it
// is the sentence above. A value that is not of the operator's type matches nothing.
class Condition {
 public:
  // Values are checked against the operator's type: InvalidArgument names the first that is wrong.
  // Variables are substituted in the text, ARN and Bool families only. `values` must not be empty.
  static Result<Condition> parse(Operator op, std::string_view key,
                                 const std::vector<std::string_view>& values, bool variables);

  bool holds(const ContextKeys& context) const;

  const Operator& op() const { return op_; }
  const std::string& key() const { return key_; }  // as it was written
  const std::vector<std::string>& values() const { return texts_; }

 private:
  using Operand = std::variant<Pattern, ArnPattern, Number, Date, AddressRange, std::string, bool>;

  static Result<Operand> parse_operand(Test test, std::string_view text, bool variables);
  bool matches(const Operand& operand, std::string_view value, const ContextKeys& context) const;
  bool matches_any(std::string_view value, const ContextKeys& context) const;

  Operator op_;
  std::string key_;
  std::string lower_key_;
  std::vector<std::string> texts_;  // as they were written
  std::vector<Operand> operands_;
};

}  // namespace traccia::policy
