// Walks a head's lists backwards and keeps the newest matches in a heap.
// SPDX-License-Identifier: Apache-2.0
#include "history/head_scan.h"

#include <algorithm>
#include <functional>

#include "history/terms.h"

namespace traccia::history {
namespace {

// What a term costs when a prefix is compared with it, in steps.
constexpr uint64_t kTermSteps = 2;

}  // namespace

class HeadScan::HeadLists : public Lists {
 public:
  explicit HeadLists(HeadScan& scan) : scan_(scan), head_(*scan.head_) {}

  PostingsPtr all() override {
    return std::make_unique<ListPostings>(head_.by_place_[scan_.place_]);
  }
  Result<PostingsPtr> of_value(Attribute attribute, std::string_view value) override {
    const auto term = head_.terms_.find(scan_.place_, attribute, value);
    if (!term) return std::make_unique<RangePostings>(0);
    return head_.terms_.postings(*term);
  }
  // They were noted in this order.
  Result<PostingsPtr> of_prefix(Attribute attribute, std::string_view prefix, Work&) override {
    const auto at = std::ranges::find_if(scan_.prefixes_, [&](const Prefix& one) {
      return one.attribute == attribute && one.text == prefix;
    });
    return std::make_unique<ListPostings>(at->arrivals);
  }
  Result<PostingsPtr> of_id(std::string_view event_id) override {
    std::vector<uint32_t> numbers;
    for (const auto arrival : head_.arrivals_of_id(scan_.place_, event_id)) {
      TRY_ASSIGN(const auto record, head_.record(arrival));
      TRY_ASSIGN(const bool same, has_event_id(record, event_id));
      if (same) numbers.push_back(arrival);
    }
    return std::make_unique<OwnedPostings>(std::move(numbers));
  }

 private:
  HeadScan& scan_;
  const Head& head_;
};

HeadScan::HeadScan(const Head& head, uint32_t place, const Slice& slice, size_t count_max)
    : head_(&head),
      place_(place),
      slice_(slice),
      count_max_(count_max),
      count_(head.count()),
      limit_(count_) {
  note_prefixes(slice.query->expression);
}

HeadScan HeadScan::next(PagePlace below) const {
  auto out = HeadScan(*head_, place_, slice_, count_max_);
  out.slice_.below = below;
  out.count_ = out.limit_ = count_;
  return out;
}

void HeadScan::note_prefixes(const Expression& expression) {
  if (expression.kind == Expression::Kind::StartsWith) {
    prefixes_.push_back({expression.attribute, expression.text, 0, {}});
  }
  for (const auto& part : expression.parts) note_prefixes(part);
}

// True when all are gathered. Later arrivals may come in: they are beyond count_.
bool HeadScan::gather(uint64_t& steps) {
  for (; gathered_ < prefixes_.size(); ++gathered_) {
    auto& prefix = prefixes_[gathered_];
    const auto& table = head_->terms_;
    const auto& terms = table.of(place_, prefix.attribute);
    for (; prefix.terms < terms.size(); ++prefix.terms) {
      if (steps == 0) return false;
      const auto term = terms[prefix.terms];
      auto cost = kTermSteps;
      if (table.value(term).starts_with(prefix.text)) {
        table.append_arrivals(term, prefix.arrivals);
        cost += table.arrival_count(term) / 8;
      }
      steps -= std::min(steps, cost);
    }
    std::ranges::sort(prefix.arrivals);
    const auto twice = std::ranges::unique(prefix.arrivals);
    prefix.arrivals.erase(twice.begin(), twice.end());
  }
  return true;
}

// False when nothing older can be kept.
bool HeadScan::keep(uint32_t arrival) {
  const auto newer = std::greater<>();
  const bool full = kept_.size() == count_max_;
  const auto bound = head_->newest_so_far_[arrival];
  if (bound < slice_.from_time || (full && bound < kept_.front().first.event_time)) return false;
  const auto here = head_->place_of(arrival);
  if (here >= slice_.below || here.event_time < slice_.from_time) return true;
  if (full) {
    if (here <= kept_.front().first) return true;
    std::ranges::pop_heap(kept_, newer);
    kept_.pop_back();
  }
  kept_.emplace_back(here, arrival);
  std::ranges::push_heap(kept_, newer);
  return true;
}

Result<bool> HeadScan::step(uint64_t steps, Work& work) {
  Work piece{steps};
  const auto count_from = [&](uint64_t left) { work.spend(steps - left); };
  if (!gather(piece.left)) {
    count_from(0);
    return false;
  }
  if (!postings_) {
    HeadLists lists(*this);
    TRY_ASSIGN(postings_, find(lists, slice_.query->expression, piece));
  }
  bool done = false;
  while (!done && !piece.spent()) {
    TRY_ASSIGN(const auto found, postings_->below(limit_, piece));
    done = found.kind == Step::Kind::End;
    if (done) break;
    limit_ = found.is_match() ? found.number : found.number + 1;
    if (found.is_match()) done = !keep(found.number);
  }
  count_from(piece.left);
  return done;
}

std::vector<Found> HeadScan::take() {
  std::ranges::sort(kept_, std::greater<>());
  std::vector<Found> out;
  out.reserve(kept_.size());
  for (const auto& [at, arrival] : kept_) out.push_back(head_->found(arrival));
  return out;
}

}  // namespace traccia::history
