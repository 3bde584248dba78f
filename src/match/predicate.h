// Predicates over the fields of one record: what selectors, patterns and rules are translated to.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace traccia::match {

// A field of a record, numbered by the caller. Ids should be small: tables are indexed by them.
enum class FieldId : uint32_t {};

// A record as predicates see it: every value with its field. A field with several values stands
// there several times, an absent field not at all; the order does not matter.
struct FieldValue {
  FieldId field{};
  std::string_view value;
};
using EventView = std::span<const FieldValue>;

enum class Operator : uint8_t {
  Equals,
  StartsWith,
  EndsWith,
  Like,    // `*` stands for any text, also none; there is no escape
  Exists,  // the field has a value, be it empty
  // The value is a decimal number as a whole, and compares so with the operand.
  NumberEquals,
  NumberLess,
  NumberGreater,
};

// Holds when some value of the field satisfies it; never for an absent field.
struct Condition {
  FieldId field{};
  Operator op = Operator::Equals;
  std::string text;   // operand of the text operators
  double number = 0;  // operand of the number operators; finite
};

// A tree of conditions. NotEquals, NotStartsWith and NotEndsWith are negations: they hold when no
// value of the field has the property, so also when the field is absent.
struct Predicate {
  enum class Kind : uint8_t { Condition, All, Any, Not };
  Kind kind = Kind::All;
  Condition condition;
  std::vector<Predicate> parts;  // one for Not
};

Predicate equals(FieldId field, std::string_view text);
Predicate starts_with(FieldId field, std::string_view text);
Predicate ends_with(FieldId field, std::string_view text);
Predicate like(FieldId field, std::string_view pattern);
Predicate exists(FieldId field);
Predicate number_equals(FieldId field, double number);
Predicate number_less(FieldId field, double number);
Predicate number_greater(FieldId field, double number);
Predicate all_of(std::vector<Predicate> parts);  // of nothing: always true
Predicate any_of(std::vector<Predicate> parts);  // of nothing: never true
Predicate negate(Predicate part);

// The meaning of a predicate, condition by condition. Graph (graph.h) answers the same for many.
bool matches(const Predicate& predicate, EventView event);

// One value against a text or number operator.
bool satisfies(const Condition& condition, std::string_view value);
// Takes time linear in both lengths for each `*`.
bool like_matches(std::string_view pattern, std::string_view value);
// False unless the whole text is a finite decimal number ("7", "-0.5", "1e3").
bool parse_number(std::string_view text, double& number);

}  // namespace traccia::match
