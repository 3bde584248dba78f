// Which messages a subscription takes: "Amazon SNS subscription filter policies". The engine of
// trails (`match`) compares texts of known fields; here fields are the publisher's, values have
// types, and some objects nest, so filters have a small compiler of their own.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "json/json.h"

namespace traccia::sns {

struct Content;

enum class FilterScope : uint8_t { MessageAttributes, MessageBody };
// FilterPolicyScope; empty: attributes. nullopt for another text.
std::optional<FilterScope> parse_filter_scope(std::string_view text);

// A compiled policy. Immutable.
class FilterPolicy {
 public:
  static constexpr size_t kKeysMax = 5;             // of its top level
  static constexpr int64_t kCombinationsMax = 150;  // "Filter policy constraints"
  static constexpr size_t kBytesMax = 256 << 10;
  static constexpr size_t kDepthMax = 32;

  // Reason InvalidParameter, with what follows "Invalid parameter: " as message.
  static Result<FilterPolicy> parse(std::string_view text, FilterScope scope);

  // Of a message to that protocol.
  bool takes(const Content& content, std::string_view protocol) const;

 private:
  enum class Kind : uint8_t {
    Equals,
    Exists,
    Prefix,
    Suffix,
    EqualsIgnoreCase,
    AnythingBut,
    AnythingButPrefix,
    Numeric,
    Cidr,
  };
  struct Condition {
    Kind kind = Kind::Equals;
    json::Value value = {};  // of Exists a boolean, of AnythingBut a list; the texts of others
    // Numeric.
    std::optional<double> above = {}, below = {};
    bool above_too = false, below_too = false;  // the bounds themselves
  };
  struct Node;
  struct Field {
    std::string name;
    std::vector<Condition> conditions;  // one of them must hold; none where there is `nested`
    std::shared_ptr<const Node> nested;
  };
  // All fields must hold, and of each alternative one of its nodes.
  struct Node {
    std::vector<Field> fields;
    std::vector<std::vector<std::shared_ptr<const Node>>> alternatives;
  };
  class Compiler;

  static bool holds(const Condition& condition, const json::Value& value);
  static bool holds(const std::vector<Condition>& conditions, const json::Value* value);
  static bool matches(const Node& node, const json::Value& value);

  FilterScope scope_ = FilterScope::MessageAttributes;
  std::shared_ptr<const Node> root_;
};

}  // namespace traccia::sns
