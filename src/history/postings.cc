// Steps down lists; intersections leap from candidate to candidate, the rarest list first.
// SPDX-License-Identifier: Apache-2.0
#include "history/postings.h"

#include <bit>

namespace traccia::history {
namespace {

using Kind = Expression::Kind;

// Remembers the last answer: what is asked above it again was searched already, and the parts have
// gone further down.
class Combined : public Postings {
 public:
  Result<Step> below(uint32_t limit, Work& work) final {
    if (asked_ && (last_.kind == Step::Kind::End || last_.number < limit)) {
      if (last_.kind != Step::Kind::Undecided) return last_;
      limit = last_.number + 1;
    }
    asked_ = true;
    TRY_ASSIGN(last_, search(limit, work));
    return last_;
  }

 private:
  virtual Result<Step> search(uint32_t limit, Work& work) = 0;
  bool asked_ = false;
  Step last_;
};

class Intersection : public Combined {
 public:
  explicit Intersection(std::vector<PostingsPtr> parts) : parts_(std::move(parts)) {
    std::ranges::sort(parts_, {}, [](const auto& part) { return part->count(); });
  }

  uint64_t count() const override { return parts_.front()->count(); }

 private:
  Result<Step> search(uint32_t limit, Work& work) override {
    if (limit == 0) return Step{};
    auto candidate = limit - 1;
    // The first candidate is decided whatever work is left: every call comes further.
    for (size_t agreed = 0; agreed < parts_.size();) {
      if (work.spent() && candidate + 1 < limit) return Step::undecided(candidate);
      TRY_ASSIGN(const auto step, parts_[agreed]->below(candidate + 1, work));
      if (!step.is_match()) return step;
      if (step.number == candidate) {
        ++agreed;
      } else {
        candidate = step.number;
        // The first list has seen its own candidate; any other must be asked from the rarest on.
        agreed = agreed == 0 ? 1 : 0;
      }
    }
    return Step::match(candidate);
  }

  std::vector<PostingsPtr> parts_;
};

class Union : public Postings {
 public:
  explicit Union(std::vector<PostingsPtr> parts) : parts_(std::move(parts)) {
    steps_.resize(parts_.size(), Step::match(UINT32_MAX));
    for (const auto& part : parts_) count_ += part->count();
  }

  Result<Step> below(uint32_t limit, Work& work) override {
    Step best;
    for (size_t i = 0; i < parts_.size(); ++i) {
      auto& step = steps_[i];
      if (step.kind == Step::Kind::End) continue;
      if (!step.is_match() || step.number >= limit) {
        // Shared out, so that one part does not come far while another stays behind.
        Work share{std::max<uint64_t>(work.left / parts_.size(), 1)};
        const auto before = share.left;
        TRY_ASSIGN(step, parts_[i]->below(limit, share));
        work.spend(before - share.left);
        if (step.kind == Step::Kind::End) continue;
      }
      const bool higher = best.kind == Step::Kind::End || step.number > best.number;
      // A match decides what another list leaves open at the same number.
      if (higher || (step.number == best.number && step.is_match())) best = step;
    }
    return best;
  }
  uint64_t count() const override { return count_; }

 private:
  std::vector<PostingsPtr> parts_;
  std::vector<Step> steps_;  // the last of each
  uint64_t count_ = 0;
};

class Difference : public Combined {
 public:
  Difference(PostingsPtr all, PostingsPtr part) : all_(std::move(all)), part_(std::move(part)) {}

  // At least one, as 0 would have to be exact.
  uint64_t count() const override {
    return std::max<uint64_t>(1, all_->count() - std::min(all_->count(), part_->count()));
  }

 private:
  Result<Step> search(uint32_t limit, Work& work) override {
    bool first = true;  // is decided whatever work is left
    while (true) {
      TRY_ASSIGN(const auto step, all_->below(limit, work));
      if (!step.is_match()) return step;
      if (work.spent() && !first) return Step::undecided(step.number);
      TRY_ASSIGN(const auto other, part_->below(step.number + 1, work));
      if (other.kind == Step::Kind::End || other.number < step.number) return step;
      if (!other.is_match()) return other;
      limit = step.number;
      first = false;
    }
  }

  PostingsPtr all_, part_;
};

// What is cheap to find, and most often rare, first: the rest is not asked for when that is empty.
int cost_of(const Expression& expression) {
  switch (expression.kind) {
    case Kind::Is:
      return 0;
    case Kind::All:
    case Kind::And:
    case Kind::Or:
    case Kind::Not:
      return 1;
    case Kind::StartsWith:
      return 2;
  }
  return 2;
}

Result<PostingsPtr> find_conjunction(Lists& lists, const Expression& expression, Work& work) {
  std::vector<const Expression*> order;
  for (const auto& part : expression.parts) order.push_back(&part);
  std::ranges::sort(order, {}, [](const auto* part) { return cost_of(*part); });
  std::vector<PostingsPtr> parts;
  for (const auto* part : order) {
    TRY_ASSIGN(auto found, find(lists, *part, work));
    if (found->count() == 0) return found;
    parts.push_back(std::move(found));
  }
  return intersection(std::move(parts));
}

}  // namespace

Result<Step> ListPostings::below(uint32_t limit, Work& work) {
  work.spend(1);
  // Most often the next one or the same; else by halves.
  if (end_ > 0 && numbers_[end_ - 1] >= limit && --end_ > 0 && numbers_[end_ - 1] >= limit) {
    const auto end = numbers_.begin() + static_cast<std::ptrdiff_t>(end_);
    end_ = static_cast<size_t>(std::lower_bound(numbers_.begin(), end, limit) - numbers_.begin());
  }
  return end_ == 0 ? Step{} : Step::match(numbers_[end_ - 1]);
}

Result<Step> BitmapPostings::below(uint32_t limit, Work& work) {
  work.spend(1);
  limit = static_cast<uint32_t>(std::min<uint64_t>(limit, bits_.size() * 64));
  if (limit == 0) return Step{};
  auto at = (limit - 1) / 64;
  auto word = bits_[at] & (~uint64_t{0} >> (63 - (limit - 1) % 64));
  while (word == 0 && at > 0) word = bits_[--at];
  if (word == 0) return Step{};
  return Step::match(at * 64 + 63 - static_cast<uint32_t>(std::countl_zero(word)));
}

PostingsPtr intersection(std::vector<PostingsPtr> parts) {
  if (parts.size() == 1) return std::move(parts.front());
  return std::make_unique<Intersection>(std::move(parts));
}
PostingsPtr union_of(std::vector<PostingsPtr> parts) {
  if (parts.size() == 1) return std::move(parts.front());
  return std::make_unique<Union>(std::move(parts));
}
PostingsPtr difference(PostingsPtr all, PostingsPtr part) {
  return std::make_unique<Difference>(std::move(all), std::move(part));
}

Result<PostingsPtr> find(Lists& lists, const Expression& expression, Work& work) {
  switch (expression.kind) {
    case Kind::All:
      return lists.all();
    case Kind::Is:
      return expression.attribute == Attribute::EventId
                 ? lists.of_id(expression.text)
                 : lists.of_value(expression.attribute, expression.text);
    case Kind::StartsWith:
      return lists.of_prefix(expression.attribute, expression.text, work);
    case Kind::Not: {
      TRY_ASSIGN(auto part, find(lists, expression.parts.front(), work));
      return difference(lists.all(), std::move(part));
    }
    case Kind::And:
      return find_conjunction(lists, expression, work);
    case Kind::Or:
      break;
  }
  std::vector<PostingsPtr> parts;
  for (const auto& part : expression.parts) {
    TRY_ASSIGN(auto found, find(lists, part, work));
    if (found->count() > 0) parts.push_back(std::move(found));
  }
  return union_of(std::move(parts));
}

}  // namespace traccia::history
