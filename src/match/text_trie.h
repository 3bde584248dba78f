// Finds, in one walk over a value, every operand that it equals, starts with or may be like.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace traccia::match {

using NodeId = uint32_t;
inline constexpr NodeId kNone = std::numeric_limits<NodeId>::max();

// One operand, read in the walk's direction, and the conditions that it decides.
struct TrieKey {
  std::string text;
  NodeId exact = kNone;            // the value ends here
  NodeId prefix = kNone;           // the value goes through here
  std::vector<uint32_t> patterns;  // to be tried on values that go through here
};

// A radix tree in flat arrays. The time of a walk depends on the value's length and on how many
// operands are prefixes of it, not on how many operands there are; no choice of operands or values
// makes it degenerate, as hash tables can. immutable.
class TextTrie {
 public:
  enum class Direction : uint8_t { Forward, Backward };

  explicit TextTrie(Direction direction = Direction::Forward) : direction_(direction) {}
  // Keys are distinct; their texts are reversed already for Backward. All together have less than
  // 4 GiB.
  TextTrie(Direction direction, std::vector<TrieKey> keys);

  // Calls condition(id) for each satisfied exact and prefix condition, try_pattern(index) for each
  // pattern to be tried.
  template <typename OnCondition, typename OnPattern>
  void walk(std::string_view value, OnCondition condition, OnPattern try_pattern) const {
    if (nodes_.empty()) return;
    if (direction_ == Direction::Forward) {
      walk_in<Direction::Forward>(value, condition, try_pattern);
    } else {
      walk_in<Direction::Backward>(value, condition, try_pattern);
    }
  }

 private:
  struct Node {
    uint32_t label_begin = 0;  // text between the branching byte and this node's end
    uint32_t label_size = 0;
    uint32_t first_child = 0;
    uint32_t child_count = 0;
    NodeId exact = kNone;
    NodeId prefix = kNone;
    uint32_t patterns_begin = 0;
    uint32_t patterns_end = 0;
  };

  template <Direction direction>
  static char byte_at(std::string_view value, size_t index) {
    return direction == Direction::Forward ? value[index] : value[value.size() - 1 - index];
  }

  template <Direction direction>
  bool label_fits(const Node& node, std::string_view value, size_t used) const {
    if (value.size() - used < node.label_size) return false;
    const char* label = labels_.data() + node.label_begin;
    if constexpr (direction == Direction::Forward) {
      return std::memcmp(label, value.data() + used, node.label_size) == 0;
    }
    for (size_t i = 0; i < node.label_size; ++i) {
      if (label[i] != byte_at<direction>(value, used + i)) return false;
    }
    return true;
  }

  template <Direction direction, typename OnCondition, typename OnPattern>
  void walk_in(std::string_view value, OnCondition condition, OnPattern try_pattern) const {
    size_t used = 0;
    for (const Node* node = &nodes_.front(); label_fits<direction>(*node, value, used);) {
      used += node->label_size;
      if (node->prefix != kNone) condition(node->prefix);
      for (auto i = node->patterns_begin; i < node->patterns_end; ++i) try_pattern(patterns_[i]);
      if (used == value.size()) {
        if (node->exact != kNone) condition(node->exact);
        return;
      }
      if (node->child_count == 0) return;
      const char* bytes = branches_.data() + node->first_child;
      const void* found = std::memchr(bytes, byte_at<direction>(value, used), node->child_count);
      if (found == nullptr) return;
      node =
          &nodes_[node->first_child + static_cast<size_t>(static_cast<const char*>(found) - bytes)];
      ++used;
    }
  }

  Direction direction_;
  std::vector<Node> nodes_;  // breadth first, so that children lie side by side
  std::string branches_;     // of each node, the byte that leads to it
  std::string labels_;
  std::vector<uint32_t> patterns_;
};

}  // namespace traccia::match
