// Numbers of events, from the highest down: lists of the index, and how expressions combine them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "history/expression.h"

namespace traccia::history {

// How much an answer may still examine. A step down a list costs one; what costs more says so.
struct Work {
  uint64_t left = 0;
  void spend(uint64_t steps) { left -= std::min(left, steps); }
  bool spent() const { return left == 0; }
};

// What a step down gives.
struct Step {
  enum class Kind : uint8_t {
    Match,      // the highest number below the limit
    Undecided,  // the work is spent: none is above this number, which itself is not examined
    End         // none is below the limit
  };
  Kind kind = Kind::End;
  uint32_t number = 0;

  static Step match(uint32_t number) { return {Kind::Match, number}; }
  static Step undecided(uint32_t number) { return {Kind::Undecided, number}; }
  bool is_match() const { return kind == Kind::Match; }
};

// Owned by one thread. DataLoss from lists on disk.
class Postings {
 public:
  virtual ~Postings() = default;
  // Limits never grow from call to call; the same limit gives the same number again.
  virtual Result<Step> below(uint32_t limit, Work& work) = 0;
  // How many numbers there are, about; 0 is exact.
  virtual uint64_t count() const = 0;
};
using PostingsPtr = std::unique_ptr<Postings>;

// Every number below a count.
class RangePostings : public Postings {
 public:
  explicit RangePostings(uint32_t count) : count_(count) {}
  Result<Step> below(uint32_t limit, Work& work) override {
    work.spend(1);
    limit = std::min(limit, count_);
    return limit == 0 ? Step{} : Step::match(limit - 1);
  }
  uint64_t count() const override { return count_; }

 private:
  uint32_t count_;
};

// Of an ascending list that somebody else keeps and may only append to.
class ListPostings : public Postings {
 public:
  explicit ListPostings(const std::vector<uint32_t>& numbers)
      : numbers_(numbers), end_(numbers.size()) {}
  Result<Step> below(uint32_t limit, Work& work) override;
  uint64_t count() const override { return numbers_.size(); }

 private:
  const std::vector<uint32_t>& numbers_;
  size_t end_;  // what is at or above it is past
};

// Of a list of its own.
class OwnedPostings : public Postings {
 public:
  explicit OwnedPostings(std::vector<uint32_t> numbers)
      : numbers_(std::move(numbers)), list_(numbers_) {}
  Result<Step> below(uint32_t limit, Work& work) override { return list_.below(limit, work); }
  uint64_t count() const override { return numbers_.size(); }

 private:
  std::vector<uint32_t> numbers_;
  ListPostings list_;
};

// One bit a number: the union of more lists than are worth stepping side by side.
class BitmapPostings : public Postings {
 public:
  explicit BitmapPostings(uint32_t count) : bits_((count + 63) / 64) {}
  // For numbers below the count only.
  void add(uint32_t number) {
    auto& word = bits_[number / 64];
    const auto bit = uint64_t{1} << number % 64;
    count_ += (word & bit) == 0 ? 1 : 0;
    word |= bit;
  }
  Result<Step> below(uint32_t limit, Work& work) override;
  uint64_t count() const override { return count_; }

 private:
  std::vector<uint64_t> bits_;
  uint64_t count_ = 0;
};

PostingsPtr intersection(std::vector<PostingsPtr> parts);
PostingsPtr union_of(std::vector<PostingsPtr> parts);
// What `all` has and `part` lacks.
PostingsPtr difference(PostingsPtr all, PostingsPtr part);

// The lists of one part of the history, for one account and region.
class Lists {
 public:
  virtual ~Lists() = default;
  virtual PostingsPtr all() = 0;
  // Of the events that have the value; empty when none has.
  virtual Result<PostingsPtr> of_value(Attribute attribute, std::string_view value) = 0;
  virtual Result<PostingsPtr> of_prefix(Attribute attribute, std::string_view prefix,
                                        Work& work) = 0;
  // Exact: whoever finds ids by a hash looks at the record.
  virtual Result<PostingsPtr> of_id(std::string_view event_id) = 0;
};

// Of the events that fulfil the expression.
Result<PostingsPtr> find(Lists& lists, const Expression& expression, Work& work);

}  // namespace traccia::history
