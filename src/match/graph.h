// Many predicates compiled into one graph, and the evaluation of an event against all of them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "match/field_index.h"
#include "match/predicate.h"

namespace traccia::match {

// A predicate's place in what Graph::compile was given.
using SubscriptionIndex = uint32_t;

inline constexpr size_t kSubscriptionsMax = 1 << 20;
inline constexpr size_t kNodesMax = 1 << 24;            // distinct conditions, and ands and ors
inline constexpr size_t kOperandBytesMax = 1ULL << 30;  // of all distinct conditions
inline constexpr size_t kDepthMax = 64;                 // of one predicate's tree

// What one thread needs to evaluate; any graph may use it, one event at a time. It grows with the
// largest graph it has seen and allocates only then. owned by one thread.
class Scratch {
 private:
  friend class Graph;

  // Bits of a node's state, below the number of the event it speaks of.
  static constexpr uint32_t kHolds = 1;    // decided true; decided false without it
  static constexpr uint32_t kReached = 2;  // stands in reached_
  static constexpr uint32_t kEventShift = 2;

  void begin(size_t nodes);

  uint32_t event_ = 0;
  std::vector<uint32_t> states_;  // by node
  std::vector<NodeId> reached_;   // true nodes: conditions first, then what follows from them
  size_t conditions_ = 0;         // in reached_
  std::vector<SubscriptionIndex> matched_;
};

// Equal conditions and equal subtrees of all predicates are one node. An event's values are looked
// up once and give the conditions that hold. Each `and` is reached through one of its conditions
// only, the one that should hold for the fewest events, and looks at the others when it is reached;
// negations are only looked at. What no condition of the event reaches costs nothing.
// immutable.
class Graph {
 public:
  // InvalidArgument when a predicate is deeper than kDepthMax, ResourceExhausted at another limit.
  static Result<std::shared_ptr<const Graph>> compile(std::span<const Predicate> subscriptions);

  // The subscriptions whose predicate holds, each once, in no order; valid until the scratch is
  // used again.
  std::span<const SubscriptionIndex> evaluate(EventView event, Scratch& scratch) const;

  // Distinct conditions, and distinct conditions, ands and ors together.
  size_t conditions() const { return condition_count_; }
  size_t nodes() const { return condition_count_ + inner_.size(); }

 private:
  friend class Compiler;

  // An `and` of positive and negated nodes, or an `or` of positive ones; their ids in edges_, the
  // positive first, each part ascending.
  struct Inner {
    enum class Kind : uint8_t { And, Or };
    Kind kind = Kind::And;
    uint32_t begin = 0;
    uint32_t conditions_end = 0;  // of the positive part: conditions have the smaller ids
    uint32_t positive_end = 0;
    uint32_t end = 0;
  };
  // The lists of all nodes, one after another; node i's lies between begin[i] and begin[i + 1].
  struct Lists {
    std::vector<uint32_t> begin;
    std::vector<uint32_t> items;
    std::span<const uint32_t> of(NodeId node) const {
      return std::span(items).subspan(begin[node], begin[node + 1] - begin[node]);
    }
  };

  bool holds(NodeId node, Scratch& scratch) const;
  bool decide(const Inner& inner, Scratch& scratch) const;
  bool any_condition(std::span<const NodeId> conditions, const Scratch& scratch) const;

  NodeId condition_count_ = 0;  // ids below are conditions; condition 0 always holds
  std::vector<FieldIndex> fields_;
  std::vector<Inner> inner_;
  std::vector<NodeId> edges_;
  Lists followers_;      // by node: inner nodes to try when it holds
  Lists subscriptions_;  // by node: whose predicate it is
};

}  // namespace traccia::match
