// Building predicates, and their meaning.
// SPDX-License-Identifier: Apache-2.0
#include "match/predicate.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/assert.h"

namespace traccia::match {
namespace {

Predicate text_condition(FieldId field, Operator op, std::string_view text) {
  return {Predicate::Kind::Condition, {field, op, std::string(text), 0}, {}};
}

Predicate number_condition(FieldId field, Operator op, double number) {
  TRACCIA_ASSERT(std::isfinite(number));
  return {Predicate::Kind::Condition, {field, op, {}, number}, {}};
}

// Where `part` first stands in `text`, linear in both lengths whatever they hold.
size_t find(std::string_view text, std::string_view part) {
  if (part.empty()) return 0;
  const auto* at = memmem(text.data(), text.size(), part.data(), part.size());
  if (at == nullptr) return std::string_view::npos;
  return static_cast<size_t>(static_cast<const char*>(at) - text.data());
}

}  // namespace

Predicate equals(FieldId field, std::string_view text) {
  return text_condition(field, Operator::Equals, text);
}
Predicate starts_with(FieldId field, std::string_view text) {
  return text_condition(field, Operator::StartsWith, text);
}
Predicate ends_with(FieldId field, std::string_view text) {
  return text_condition(field, Operator::EndsWith, text);
}
Predicate like(FieldId field, std::string_view pattern) {
  return text_condition(field, Operator::Like, pattern);
}
Predicate exists(FieldId field) {
  return text_condition(field, Operator::Exists, {});
}
Predicate number_equals(FieldId field, double number) {
  return number_condition(field, Operator::NumberEquals, number);
}
Predicate number_less(FieldId field, double number) {
  return number_condition(field, Operator::NumberLess, number);
}
Predicate number_greater(FieldId field, double number) {
  return number_condition(field, Operator::NumberGreater, number);
}
Predicate all_of(std::vector<Predicate> parts) {
  return {Predicate::Kind::All, {}, std::move(parts)};
}
Predicate any_of(std::vector<Predicate> parts) {
  return {Predicate::Kind::Any, {}, std::move(parts)};
}
Predicate negate(Predicate part) {
  Predicate out{Predicate::Kind::Not, {}, {}};
  out.parts.push_back(std::move(part));
  return out;
}

bool parse_number(std::string_view text, double& number) {
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end && std::isfinite(number);
}

bool like_matches(std::string_view pattern, std::string_view value) {
  auto star = pattern.find('*');
  if (star == pattern.npos) return pattern == value;
  if (!value.starts_with(pattern.substr(0, star))) return false;
  value.remove_prefix(star);
  pattern.remove_prefix(star + 1);
  // The leftmost place of each middle part leaves the most for the rest.
  while ((star = pattern.find('*')) != pattern.npos) {
    const auto at = find(value, pattern.substr(0, star));
    if (at == value.npos) return false;
    value.remove_prefix(at + star);
    pattern.remove_prefix(star + 1);
  }
  return value.ends_with(pattern);
}

bool satisfies(const Condition& condition, std::string_view value) {
  double number = 0;
  switch (condition.op) {
    case Operator::Equals:
      return value == condition.text;
    case Operator::StartsWith:
      return value.starts_with(condition.text);
    case Operator::EndsWith:
      return value.ends_with(condition.text);
    case Operator::Like:
      return like_matches(condition.text, value);
    case Operator::Exists:
      return true;
    case Operator::NumberEquals:
      return parse_number(value, number) && number == condition.number;
    case Operator::NumberLess:
      return parse_number(value, number) && number < condition.number;
    case Operator::NumberGreater:
      return parse_number(value, number) && number > condition.number;
  }
  return false;
}

bool matches(const Predicate& predicate, EventView event) {
  const auto holds = [&](const Predicate& part) { return matches(part, event); };
  switch (predicate.kind) {
    case Predicate::Kind::Condition:
      return std::ranges::any_of(event, [&](const FieldValue& one) {
        return one.field == predicate.condition.field && satisfies(predicate.condition, one.value);
      });
    case Predicate::Kind::All:
      return std::ranges::all_of(predicate.parts, holds);
    case Predicate::Kind::Any:
      return std::ranges::any_of(predicate.parts, holds);
    case Predicate::Kind::Not:
      return !matches(predicate.parts.front(), event);
  }
  return false;
}

}  // namespace traccia::match
