// Turns predicates into a graph: one node for equal parts, and one way to reach each `and`.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <compare>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "match/graph.h"

namespace traccia::match {
namespace {

// A node or its negation. While compiling, ids of inner nodes have the bit kInnerBit, so that
// conditions, whose number is not known yet, come first in every order.
struct Ref {
  NodeId id = 0;
  bool negated = false;
  auto operator<=>(const Ref&) const = default;
  Ref operator!() const { return {id, !negated}; }
};

constexpr NodeId kInnerBit = 1U << 31;
// Condition 0 has no field and always holds.
constexpr Ref kTrue{0, false};
constexpr Ref kFalse{0, true};

// The share of events for which a number or pattern condition is thought to hold.
constexpr double kNumberShare = 0.5;

void append_ref(std::string& key, Ref ref) {
  append_u32(key, ref.id);
  key.push_back(ref.negated ? '!' : ' ');
}

}  // namespace

class Compiler {
 public:
  Compiler() { conditions_.emplace_back(); }

  Result<> add(const Predicate& predicate) {
    TRY_ASSIGN(const auto root, normalise(predicate, 0));
    roots_.push_back(root);
    if (conditions_.size() + inner_.size() > kNodesMax) {
      return fail(ErrorCode::ResourceExhausted,
                  fmt::format("the predicates have more than {} distinct parts", kNodesMax));
    }
    if (operand_bytes_ > kOperandBytesMax) {
      return fail(
          ErrorCode::ResourceExhausted,
          fmt::format("the predicates' operands have more than {} bytes", kOperandBytesMax));
    }
    return {};
  }

  std::shared_ptr<const Graph> finish() &&;

 private:
  using Kind = Graph::Inner::Kind;
  struct Inner {
    Kind kind = Kind::And;
    std::vector<Ref> parts;  // ascending
  };

  Result<Ref> normalise(const Predicate& predicate, size_t depth);
  Ref condition_ref(const Condition& condition);
  Ref intern_condition(Condition condition);
  Ref all_of(const std::vector<Ref>& parts);
  Ref any_of(std::vector<Ref> parts);
  Ref intern_inner(Kind kind, std::vector<Ref> parts);

  size_t node_count() const { return conditions_.size() + inner_.size(); }
  NodeId final_id(NodeId id) const {
    if ((id & kInnerBit) == 0) return id;
    return static_cast<NodeId>(conditions_.size() + (id & ~kInnerBit));
  }
  void estimate_shares();
  void reach(Ref root);
  void follow(NodeId node, NodeId follower);
  NodeId entrance(const Inner& inner) const;
  static Graph::Lists join(const std::vector<std::vector<uint32_t>>& lists);
  std::vector<FieldIndex> index_fields() &&;

  std::vector<Condition> conditions_;
  std::unordered_map<std::string, NodeId> condition_ids_;
  std::vector<Inner> inner_;
  std::unordered_map<std::string, NodeId> inner_ids_;
  std::vector<Ref> roots_;
  size_t operand_bytes_ = 0;

  // By final id.
  std::vector<double> shares_;  // of the events for which the node is thought to hold
  std::vector<bool> reachable_;
  std::vector<std::vector<uint32_t>> followers_;
};

Result<Ref> Compiler::normalise(const Predicate& predicate, size_t depth) {
  if (depth >= kDepthMax) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("a predicate is nested deeper than {} levels", kDepthMax));
  }
  if (predicate.kind == Predicate::Kind::Condition) return condition_ref(predicate.condition);
  std::vector<Ref> parts;
  parts.reserve(predicate.parts.size());
  for (const auto& part : predicate.parts) {
    TRY_ASSIGN(const auto ref, normalise(part, depth + 1));
    parts.push_back(ref);
  }
  switch (predicate.kind) {
    case Predicate::Kind::All:
      return all_of(parts);
    case Predicate::Kind::Any:
      return any_of(std::move(parts));
    case Predicate::Kind::Not:
      return !parts.front();
    case Predicate::Kind::Condition:
      break;
  }
  return kFalse;
}

// Writes equivalent conditions in one way.
Ref Compiler::condition_ref(const Condition& condition) {
  TRACCIA_ASSERT(std::isfinite(condition.number));
  const std::string_view text = condition.text;
  auto op = condition.op;
  auto operand = text;
  if (op == Operator::Like) {
    const auto first = text.find('*');
    const auto last = text.rfind('*');
    const bool plain = text.find_first_not_of('*', first) == text.npos;  // stars at the end only
    if (first == text.npos) {
      op = Operator::Equals;
    } else if (plain) {
      op = Operator::StartsWith;
      operand = text.substr(0, first);
    } else if (text.find_first_not_of('*') == last + 1) {
      op = Operator::EndsWith;
      operand = text.substr(last + 1);
    }
  }
  const bool any_value =
      (op == Operator::StartsWith || op == Operator::EndsWith) && operand.empty();
  if (any_value || op == Operator::Exists)
    return intern_condition({condition.field, Operator::Exists, {}, 0});
  // Zero has two signs that are equal.
  return intern_condition({condition.field, op, std::string(operand), condition.number + 0.0});
}

Ref Compiler::intern_condition(Condition condition) {
  std::string key;
  append_u32(key, static_cast<uint32_t>(condition.field));
  append_u32(key, static_cast<uint32_t>(condition.op));
  append_u64(key, std::bit_cast<uint64_t>(condition.number));
  key += condition.text;
  const auto [at, fresh] =
      condition_ids_.try_emplace(std::move(key), static_cast<NodeId>(conditions_.size()));
  if (fresh) {
    operand_bytes_ += condition.text.size();
    conditions_.push_back(std::move(condition));
  }
  return {at->second, false};
}

Ref Compiler::all_of(const std::vector<Ref>& parts) {
  std::vector<Ref> flat;
  for (const auto part : parts) {
    const bool inner = (part.id & kInnerBit) != 0 && !part.negated;
    if (inner && inner_[part.id & ~kInnerBit].kind == Kind::And) {
      const auto& nested = inner_[part.id & ~kInnerBit].parts;
      flat.insert(flat.end(), nested.begin(), nested.end());
    } else if (part == kFalse) {
      return kFalse;
    } else {
      flat.push_back(part);
    }
  }
  std::erase(flat, kTrue);
  std::ranges::sort(flat);
  flat.erase(std::ranges::unique(flat).begin(), flat.end());
  const auto same_id = [](Ref a, Ref b) { return a.id == b.id; };
  if (std::ranges::adjacent_find(flat, same_id) != flat.end()) return kFalse;  // x and not x
  if (flat.empty()) return kTrue;
  if (flat.size() == 1) return flat.front();
  return intern_inner(Kind::And, std::move(flat));
}

// An `or` with a negated part becomes the negation of an `and`.
Ref Compiler::any_of(std::vector<Ref> parts) {
  std::erase(parts, kFalse);
  if (std::ranges::any_of(parts, &Ref::negated)) {
    std::vector<Ref> opposite;
    opposite.reserve(parts.size());
    for (const auto part : parts) opposite.push_back(!part);
    return !all_of(opposite);
  }
  std::vector<Ref> flat;
  for (const auto part : parts) {
    const bool inner = (part.id & kInnerBit) != 0;
    if (inner && inner_[part.id & ~kInnerBit].kind == Kind::Or) {
      const auto& nested = inner_[part.id & ~kInnerBit].parts;
      flat.insert(flat.end(), nested.begin(), nested.end());
    } else if (part == kTrue) {
      return kTrue;
    } else {
      flat.push_back(part);
    }
  }
  std::ranges::sort(flat);
  flat.erase(std::ranges::unique(flat).begin(), flat.end());
  if (flat.empty()) return kFalse;
  if (flat.size() == 1) return flat.front();
  return intern_inner(Kind::Or, std::move(flat));
}

Ref Compiler::intern_inner(Kind kind, std::vector<Ref> parts) {
  // Whatever reaches it must hold; where nothing needs to, condition 0 does.
  const auto positive = [](Ref part) { return !part.negated; };
  if (std::ranges::none_of(parts, positive)) parts.insert(parts.begin(), kTrue);
  std::string key(1, kind == Kind::And ? '&' : '|');
  for (const auto part : parts) append_ref(key, part);
  const auto [at, fresh] =
      inner_ids_.try_emplace(std::move(key), static_cast<NodeId>(inner_.size()) | kInnerBit);
  if (fresh) inner_.push_back({kind, std::move(parts)});
  return {at->second, false};
}

// Knowing nothing of the events, the operands tell: of a field's values that somebody asks for,
// each is thought equally frequent.
void Compiler::estimate_shares() {
  std::unordered_map<uint64_t, size_t> operands;  // by field and operator
  const auto group = [](const Condition& condition) {
    return static_cast<uint64_t>(condition.field) << 8 | static_cast<uint64_t>(condition.op);
  };
  for (const auto& condition : conditions_) ++operands[group(condition)];
  shares_.assign(node_count(), 1);
  for (size_t i = 1; i < conditions_.size(); ++i) {
    const auto op = conditions_[i].op;
    if (op == Operator::Exists) continue;
    const bool number = op == Operator::NumberLess || op == Operator::NumberGreater;
    shares_[i] = number ? kNumberShare : 1.0 / static_cast<double>(operands[group(conditions_[i])]);
  }
  for (size_t i = 0; i < inner_.size(); ++i) {  // parts before wholes
    double share = inner_[i].kind == Kind::And ? 1 : 0;
    for (const auto part : inner_[i].parts) {
      const auto of_part = shares_[final_id(part.id)];
      if (inner_[i].kind == Kind::Or) {
        share = std::min(1.0, share + of_part);
      } else if (!part.negated) {
        share = std::min(share, of_part);
      }
    }
    shares_[conditions_.size() + i] = share;
  }
}

// The part through which an `and` is reached: the rarest; of equals a condition, and the one with
// the fewest followers.
NodeId Compiler::entrance(const Inner& inner) const {
  NodeId best = kNone;
  const auto rank = [&](NodeId id) {
    return std::tuple(shares_[id], id >= conditions_.size(), followers_[id].size());
  };
  for (const auto part : inner.parts) {
    const auto id = final_id(part.id);
    if (!part.negated && (best == kNone || rank(id) < rank(best))) best = id;
  }
  TRACCIA_ASSERT(best != kNone);
  return best;
}

void Compiler::follow(NodeId node, NodeId follower) {
  followers_[node].push_back(follower);
}

// Makes sure that a true node is found from the conditions that hold.
void Compiler::reach(Ref root) {
  std::vector<NodeId> open{final_id(root.id)};
  while (!open.empty()) {
    const auto node = open.back();
    open.pop_back();
    if (node < conditions_.size() || reachable_[node]) continue;
    reachable_[node] = true;
    const auto& inner = inner_[node - conditions_.size()];
    if (inner.kind == Kind::And) {
      const auto through = entrance(inner);
      follow(through, node);
      open.push_back(through);
      continue;
    }
    for (const auto part : inner.parts) {
      follow(final_id(part.id), node);
      open.push_back(final_id(part.id));
    }
  }
}

Graph::Lists Compiler::join(const std::vector<std::vector<uint32_t>>& lists) {
  Graph::Lists out;
  out.begin.reserve(lists.size() + 1);
  for (const auto& list : lists) {
    out.begin.push_back(static_cast<uint32_t>(out.items.size()));
    out.items.insert(out.items.end(), list.begin(), list.end());
  }
  out.begin.push_back(static_cast<uint32_t>(out.items.size()));
  return out;
}

std::vector<FieldIndex> Compiler::index_fields() && {
  std::vector<std::vector<FieldIndex::Numbered>> by_field;
  for (size_t i = 1; i < conditions_.size(); ++i) {
    const auto field = static_cast<size_t>(conditions_[i].field);
    if (field >= by_field.size()) by_field.resize(field + 1);
    by_field[field].push_back({std::move(conditions_[i]), static_cast<NodeId>(i)});
  }
  std::vector<FieldIndex> fields;
  fields.reserve(by_field.size());
  for (auto& conditions : by_field) fields.emplace_back(std::move(conditions));
  return fields;
}

std::shared_ptr<const Graph> Compiler::finish() && {
  // A negated root becomes an `and` that condition 0 reaches; a root never true is nobody's.
  for (auto& root : roots_) {
    if (root.negated && root != kFalse) root = intern_inner(Kind::And, {root});
  }
  estimate_shares();
  followers_.resize(node_count());
  reachable_.resize(node_count());
  std::vector<std::vector<uint32_t>> subscriptions(node_count());
  for (size_t i = 0; i < roots_.size(); ++i) {
    if (roots_[i] == kFalse) continue;
    reach(roots_[i]);
    subscriptions[final_id(roots_[i].id)].push_back(static_cast<uint32_t>(i));
  }
  auto graph = std::make_shared<Graph>();
  graph->condition_count_ = static_cast<NodeId>(conditions_.size());
  for (const auto& inner : inner_) {
    Graph::Inner out;
    out.kind = inner.kind;
    auto& edges = graph->edges_;
    out.begin = out.conditions_end = static_cast<uint32_t>(edges.size());
    for (const auto part : inner.parts) {
      if (part.negated) continue;
      edges.push_back(final_id(part.id));
      if ((part.id & kInnerBit) == 0) out.conditions_end = static_cast<uint32_t>(edges.size());
    }
    out.positive_end = static_cast<uint32_t>(edges.size());
    for (const auto part : inner.parts) {
      if (part.negated) edges.push_back(final_id(part.id));
    }
    out.end = static_cast<uint32_t>(edges.size());
    graph->inner_.push_back(out);
  }
  graph->followers_ = join(followers_);
  graph->subscriptions_ = join(subscriptions);
  graph->fields_ = std::move(*this).index_fields();
  return graph;
}

Result<std::shared_ptr<const Graph>> Graph::compile(std::span<const Predicate> subscriptions) {
  if (subscriptions.size() > kSubscriptionsMax) {
    return fail(ErrorCode::ResourceExhausted,
                fmt::format("{} subscriptions; at most {} fit into one graph", subscriptions.size(),
                            kSubscriptionsMax));
  }
  Compiler compiler;
  for (const auto& predicate : subscriptions) TRY(compiler.add(predicate));
  return std::move(compiler).finish();
}

}  // namespace traccia::match
