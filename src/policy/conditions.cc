// Compiling and testing conditions.
// SPDX-License-Identifier: Apache-2.0
#include "policy/conditions.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"
#include "base/bytes.h"

namespace traccia::policy {
namespace {

struct NamedOperator {
  std::string_view name;  // in lower case
  Test test;
  bool negated;
};

constexpr NamedOperator kOperators[] = {
    {"stringequals", Test::StringEquals, false},
    {"stringnotequals", Test::StringEquals, true},
    {"stringequalsignorecase", Test::StringEqualsIgnoreCase, false},
    {"stringnotequalsignorecase", Test::StringEqualsIgnoreCase, true},
    {"stringlike", Test::StringLike, false},
    {"stringnotlike", Test::StringLike, true},
    {"numericequals", Test::NumericEquals, false},
    {"numericnotequals", Test::NumericEquals, true},
    {"numericlessthan", Test::NumericLessThan, false},
    {"numericlessthanequals", Test::NumericLessThanEquals, false},
    {"numericgreaterthan", Test::NumericGreaterThan, false},
    {"numericgreaterthanequals", Test::NumericGreaterThanEquals, false},
    {"dateequals", Test::DateEquals, false},
    {"datenotequals", Test::DateEquals, true},
    {"datelessthan", Test::DateLessThan, false},
    {"datelessthanequals", Test::DateLessThanEquals, false},
    {"dategreaterthan", Test::DateGreaterThan, false},
    {"dategreaterthanequals", Test::DateGreaterThanEquals, false},
    {"bool", Test::Bool, false},
    {"binaryequals", Test::BinaryEquals, false},
    {"ipaddress", Test::IpAddress, false},
    {"notipaddress", Test::IpAddress, true},
    {"arnequals", Test::ArnLike, false},
    {"arnlike", Test::ArnLike, false},
    {"arnnotequals", Test::ArnLike, true},
    {"arnnotlike", Test::ArnLike, true},
    {"null", Test::Null, false},
};

bool is_true(std::string_view lower) {
  return lower == "true";
}

std::unexpected<Error> not_a(std::string_view type, std::string_view text) {
  return fail(ErrorCode::InvalidArgument, fmt::format("'{}' is not {}", text, type));
}

// The ordering tests of numbers and dates, from how the request's value compares.
template <typename Ordering>
bool ordered(Test test, Ordering order) {
  switch (test) {
    case Test::NumericEquals:
    case Test::DateEquals:
      return order == 0;
    case Test::NumericLessThan:
    case Test::DateLessThan:
      return order < 0;
    case Test::NumericLessThanEquals:
    case Test::DateLessThanEquals:
      return order <= 0;
    case Test::NumericGreaterThan:
    case Test::DateGreaterThan:
      return order > 0;
    case Test::NumericGreaterThanEquals:
    case Test::DateGreaterThanEquals:
      return order >= 0;
    case Test::StringEquals:
    case Test::StringEqualsIgnoreCase:
    case Test::StringLike:
    case Test::Bool:
    case Test::BinaryEquals:
    case Test::IpAddress:
    case Test::ArnLike:
    case Test::Null:
      break;
  }
  return false;
}

bool nothing_but_empty(std::span<const std::string> values) {
  return std::ranges::all_of(values, [](const std::string& value) { return value.empty(); });
}

}  // namespace

Result<Operator> parse_operator(std::string_view name) {
  const auto lower = to_lower(name);
  std::string_view rest = lower;
  Operator out;
  const auto prefixed = [&](std::string_view prefix, Quantifier quantifier) {
    if (!rest.starts_with(prefix)) return;
    rest.remove_prefix(prefix.size());
    out.quantifier = quantifier;
  };
  prefixed("forallvalues:", Quantifier::AllValues);
  if (out.quantifier == Quantifier::None) prefixed("foranyvalue:", Quantifier::AnyValue);
  constexpr std::string_view kIfExists = "ifexists";
  if (rest.ends_with(kIfExists)) {
    rest.remove_suffix(kIfExists.size());
    out.if_exists = true;
  }
  const auto* found = std::ranges::find(kOperators, rest, &NamedOperator::name);
  const bool modified = out.if_exists || out.quantifier != Quantifier::None;
  if (found == std::end(kOperators) || (found->test == Test::Null && modified)) {
    return not_a("a condition operator", name);
  }
  out.test = found->test;
  out.negated = found->negated;
  return out;
}

Result<Condition::Operand> Condition::parse_operand(Test test, std::string_view text,
                                                    bool variables) {
  const auto typed = [&](auto value, std::string_view type) -> Result<Operand> {
    if (!value) return not_a(type, text);
    return Operand(*value);
  };
  switch (test) {
    case Test::StringEquals:
      return Pattern::parse(text, {.variables = variables});
    case Test::StringEqualsIgnoreCase:
      return Pattern::parse(text, {.variables = variables, .ignore_case = true});
    case Test::StringLike:
      return Pattern::parse(text, {.wildcards = true, .variables = variables});
    case Test::ArnLike:
      return ArnPattern::parse(text, {.wildcards = true, .variables = variables});
    case Test::Bool: {
      TRY_ASSIGN(auto pattern, Pattern::parse(text, {.variables = variables, .ignore_case = true}));
      const auto lower = to_lower(text);
      if (!pattern.has_variables() && lower != "true" && lower != "false") {
        return not_a("a Boolean value", text);
      }
      return pattern;
    }
    case Test::NumericEquals:
    case Test::NumericLessThan:
    case Test::NumericLessThanEquals:
    case Test::NumericGreaterThan:
    case Test::NumericGreaterThanEquals:
      return typed(parse_number(text), "a number");
    case Test::DateEquals:
    case Test::DateLessThan:
    case Test::DateLessThanEquals:
    case Test::DateGreaterThan:
    case Test::DateGreaterThanEquals:
      return typed(parse_date(text), "a date");
    case Test::IpAddress:
      return typed(parse_range(text), "an IP address or CIDR block");
    case Test::BinaryEquals: {
      const auto decoded = base64_decode(text);
      if (!decoded) return not_a("base64", text);
      return std::string(text);
    }
    case Test::Null: {
      const auto lower = to_lower(text);
      if (lower != "true" && lower != "false") return not_a("a Boolean value", text);
      return is_true(lower);
    }
  }
  return not_a("a value", text);
}

Result<Condition> Condition::parse(Operator op, std::string_view key,
                                   const std::vector<std::string_view>& values, bool variables) {
  TRACCIA_ASSERT(!values.empty());
  Condition out;
  out.op_ = op;
  out.key_ = key;
  out.lower_key_ = to_lower(key);
  for (const auto value : values) {
    TRY_ASSIGN(auto operand, parse_operand(op.test, value, variables));
    out.operands_.push_back(std::move(operand));
    out.texts_.emplace_back(value);
  }
  return out;
}

bool Condition::matches(const Operand& operand, std::string_view value,
                        const ContextKeys& context) const {
  if (const auto* pattern = std::get_if<Pattern>(&operand)) return pattern->matches(value, context);
  if (const auto* arn = std::get_if<ArnPattern>(&operand)) return arn->matches(value, context);
  if (const auto* number = std::get_if<Number>(&operand)) {
    const auto found = parse_number(value);
    return found && ordered(op_.test, compare(*found, *number));
  }
  if (const auto* date = std::get_if<Date>(&operand)) {
    const auto found = parse_date(value);
    return found && ordered(op_.test, *found <=> *date);
  }
  if (const auto* range = std::get_if<AddressRange>(&operand)) {
    const auto found = parse_address(value);
    return found && contains(*range, *found);
  }
  const auto* bytes = std::get_if<std::string>(&operand);
  return bytes != nullptr && *bytes == value;  // Null never comes here
}

bool Condition::matches_any(std::string_view value, const ContextKeys& context) const {
  return std::ranges::any_of(
      operands_, [&](const Operand& operand) { return matches(operand, value, context); });
}

bool Condition::holds(const ContextKeys& context) const {
  const auto values = context.find(lower_key_);
  if (op_.test == Test::Null) {
    const bool null = nothing_but_empty(values);
    return std::ranges::any_of(
        operands_, [&](const Operand& operand) { return std::get<bool>(operand) == null; });
  }
  if (values.empty() && op_.if_exists) return true;
  const auto fits = [&](const std::string& value) {
    return matches_any(value, context) != op_.negated;
  };
  switch (op_.quantifier) {
    case Quantifier::AllValues:
      return nothing_but_empty(values) || std::ranges::all_of(values, fits);
    case Quantifier::AnyValue:
      return std::ranges::any_of(values, fits);
    case Quantifier::None:
      return op_.negated ? std::ranges::all_of(values, fits) : std::ranges::any_of(values, fits);
  }
  return false;
}

}  // namespace traccia::policy
