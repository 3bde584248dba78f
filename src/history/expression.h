// What a look-up asks for: conditions on attributes, combined with AND, OR and NOT.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "event/record.h"

namespace traccia::history {

enum class Attribute : uint8_t {
  EventId,
  EventName,
  ReadOnly,
  Username,
  ResourceType,
  ResourceName,
  EventSource,
  AccessKeyId
};
inline constexpr size_t kAttributes = 8;

std::string_view to_string(Attribute attribute);  // "EventName"

// A tree of conditions; the default one holds for every event. A condition holds when one of the
// event's values of the attribute is, or begins with, the text, byte by byte: an event with no such
// value, or an empty one, fulfils none. EventId is only asked for as a whole.
struct Expression {
  enum class Kind : uint8_t { All, Is, StartsWith, Not, And, Or };
  Kind kind = Kind::All;
  Attribute attribute = Attribute::EventId;  // Is, StartsWith
  std::string text;                          // likewise
  std::vector<Expression> parts;             // Not: one; And, Or: two or more

  bool operator==(const Expression&) const = default;

  static Expression is(Attribute attribute, std::string text) {
    return {Kind::Is, attribute, std::move(text), {}};
  }
  static Expression starts_with(Attribute attribute, std::string text) {
    return {Kind::StartsWith, attribute, std::move(text), {}};
  }
  static Expression negation(Expression part);
  // Of one part: that part. Of none: every event.
  static Expression conjunction(std::vector<Expression> parts);
  static Expression disjunction(std::vector<Expression> parts);
};

inline constexpr size_t kExpressionBytesMax = 16 << 10;
inline constexpr size_t kExpressionNodesMax = 256;
inline constexpr size_t kExpressionDepthMax = 32;

// The text form, as people write it:
//
//   EventName=Put* Username!=ada (ResourceName="my bucket" OR EventSource=s3.amazonaws.com)
//
// ATTRIBUTE=VALUE, ATTRIBUTE!=VALUE; a value with a star at its end is a prefix. Quotes allow every
// character; within them \ stands before " and \ themselves, and the star of a prefix follows them.
// NOT binds tighter than AND, AND (which may be left out) tighter than OR. Attributes and operators
// in any case. Text without a condition is every event. InvalidArgument, reason
// "InvalidExpression", names the place; likewise above a limit.
Result<Expression> parse_expression(std::string_view text);
// Text that parses to the same expression; equal for equal ones.
std::string to_string(const Expression& expression);

// Whether an event fulfils it: what look-ups answer with the index, told from the event itself.
bool matches(const Expression& expression, const event::Record& event);

}  // namespace traccia::history
