// Evaluates one event against the graph.
// SPDX-License-Identifier: Apache-2.0
#include "match/graph.h"

#include <algorithm>

namespace traccia::match {
namespace {

// Up to here an `or` asks each of its conditions; beyond, the event's conditions are searched in
// it.
constexpr size_t kAskedEachMax = 16;

}  // namespace

void Scratch::begin(size_t nodes) {
  constexpr uint32_t kEventsMax = std::numeric_limits<uint32_t>::max() >> kEventShift;
  if (event_ == kEventsMax) {
    std::ranges::fill(states_, 0);
    event_ = 0;
  }
  ++event_;
  if (states_.size() < nodes) {
    states_.resize(nodes, 0);
    reached_.reserve(nodes);
  }
  reached_.clear();
  matched_.clear();
}

bool Graph::any_condition(std::span<const NodeId> conditions, const Scratch& scratch) const {
  if (conditions.size() <= kAskedEachMax) {
    const auto holding = (scratch.event_ << Scratch::kEventShift) | Scratch::kHolds;
    return std::ranges::any_of(conditions, [&](NodeId id) {
      return (scratch.states_[id] & ~Scratch::kReached) == holding;
    });
  }
  const auto holding = std::span(scratch.reached_).first(scratch.conditions_);
  return std::ranges::any_of(holding,
                             [&](NodeId id) { return std::ranges::binary_search(conditions, id); });
}

bool Graph::decide(const Inner& inner, Scratch& scratch) const {
  const auto edges = std::span(edges_);
  const auto conditions = edges.subspan(inner.begin, inner.conditions_end - inner.begin);
  const auto others =
      edges.subspan(inner.conditions_end, inner.positive_end - inner.conditions_end);
  const auto negated = edges.subspan(inner.positive_end, inner.end - inner.positive_end);
  const auto is_true = [&](NodeId id) { return holds(id, scratch); };
  if (inner.kind == Inner::Kind::Or) {
    return any_condition(conditions, scratch) || std::ranges::any_of(others, is_true);
  }
  return std::ranges::all_of(conditions, is_true) && std::ranges::all_of(others, is_true) &&
         std::ranges::none_of(negated, is_true);
}

// Conditions are decided before; an inner node is decided once, by looking downwards.
bool Graph::holds(NodeId node, Scratch& scratch) const {
  const auto state = scratch.states_[node];
  if ((state >> Scratch::kEventShift) == scratch.event_) return (state & Scratch::kHolds) != 0;
  if (node < condition_count_) return false;
  const bool truth = decide(inner_[node - condition_count_], scratch);
  scratch.states_[node] = (scratch.event_ << Scratch::kEventShift) | (truth ? Scratch::kHolds : 0U);
  return truth;
}

std::span<const SubscriptionIndex> Graph::evaluate(EventView event, Scratch& scratch) const {
  scratch.begin(nodes());
  const auto reached =
      (scratch.event_ << Scratch::kEventShift) | Scratch::kHolds | Scratch::kReached;
  const auto reach = [&](NodeId node) {
    if (scratch.states_[node] == reached) return;
    scratch.states_[node] = reached;
    scratch.reached_.push_back(node);
  };
  reach(0);
  for (const auto& [field, value] : event) {
    const auto index = static_cast<size_t>(field);
    if (index < fields_.size()) fields_[index].find(value, reach);
  }
  scratch.conditions_ = scratch.reached_.size();
  for (size_t i = 0; i < scratch.reached_.size(); ++i) {
    const auto node = scratch.reached_[i];
    const auto subscriptions = subscriptions_.of(node);
    scratch.matched_.insert(scratch.matched_.end(), subscriptions.begin(), subscriptions.end());
    for (const auto follower : followers_.of(node)) {
      if (holds(follower, scratch)) reach(follower);
    }
  }
  return scratch.matched_;
}

}  // namespace traccia::match
