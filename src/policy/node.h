// A policy's JSON with the place of everything in it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace traccia::policy {

// Boost.JSON's values forget where they stood and which members came twice; error messages need
// both. `offset` is in bytes from the start of the text.
struct Node {
  enum class Kind : uint8_t { Null, Bool, Number, String, Array, Object };
  struct Member;

  Kind kind = Kind::Null;
  uint32_t offset = 0;
  uint32_t end = 0;             // of an Object: behind its bracket
  std::string text;             // of a String, decoded; of a Number or Bool as it was written
  std::vector<Node> items;      // of an Array
  std::vector<Member> members;  // of an Object, in the order of the text

  bool scalar() const { return kind == Kind::String || kind == Kind::Number || kind == Kind::Bool; }
};

struct Node::Member {
  std::string name;
  uint32_t offset = 0;
  Node value;
};

inline constexpr size_t kDepthMax = 16;  // a policy that says all it can has 7

struct NodeError {
  enum class Kind : uint8_t { NotJson, DuplicateKey };
  Kind kind = Kind::NotJson;
  uint32_t offset = 0;
  std::string detail;  // Boost's word for it, or the key that came twice
};

// Strict RFC 8259, UTF-8 checked, one document and nothing after it. Takes n log n steps.
std::expected<Node, NodeError> parse_node(std::string_view text);

// Both count from 1; a column is a byte, as editors count for the ASCII that policies are.
struct Place {
  size_t line = 1;
  size_t column = 1;
};
Place place_of(std::string_view text, size_t offset);

}  // namespace traccia::policy
