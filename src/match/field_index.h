// The conditions on one field, arranged so that a value finds those it satisfies.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "match/predicate.h"
#include "match/text_trie.h"

namespace traccia::match {

// immutable.
class FieldIndex {
 public:
  struct Numbered {
    Condition condition;
    NodeId id = kNone;
  };

  FieldIndex() = default;
  // Conditions on one field, all distinct.
  explicit FieldIndex(std::vector<Numbered> conditions);

  // Calls condition(id) for each condition that the value satisfies; at most twice for one id.
  template <typename OnCondition>
  void find(std::string_view value, OnCondition condition) const {
    if (exists_ != kNone) condition(exists_);
    const auto try_pattern = [&](uint32_t index) {
      const auto& pattern = patterns_[index];
      if (like_matches(pattern.text, value)) condition(pattern.id);
    };
    forward_.walk(value, condition, try_pattern);
    backward_.walk(value, condition, try_pattern);
    if (!less_.empty() || !equal_.empty() || !greater_.empty()) find_numbers(value, condition);
  }

 private:
  struct Bound {
    double number = 0;
    NodeId id = kNone;
  };
  struct Pattern {
    std::string text;
    NodeId id = kNone;
  };

  template <typename OnCondition>
  void find_numbers(std::string_view value, OnCondition condition) const {
    double number = 0;
    if (!parse_number(value, number)) return;
    for (auto at = std::ranges::upper_bound(less_, number, {}, &Bound::number); at != less_.end();
         ++at) {
      condition(at->id);
    }
    for (const auto& bound : std::ranges::equal_range(equal_, number, {}, &Bound::number)) {
      condition(bound.id);
    }
    for (const auto& bound : greater_) {
      if (bound.number >= number) break;
      condition(bound.id);
    }
  }

  NodeId exists_ = kNone;
  TextTrie forward_;
  TextTrie backward_{TextTrie::Direction::Backward};
  std::vector<Pattern> patterns_;
  std::vector<Bound> less_, equal_, greater_;  // ascending
};

}  // namespace traccia::match
