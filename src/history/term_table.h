// What the events of a head can be found by, and which events have it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "history/expression.h"
#include "history/postings.h"

namespace traccia::history {

// A term is a value of an attribute in a place. Terms are numbered from 0 as they come. Not
// thread-safe; but what a reader saw under a lock stays as it was while more is added.
class TermTable {
 public:
  // Arrivals of a term never decrease; the same one again is dropped.
  void add(uint32_t place, Attribute attribute, std::string_view value, uint32_t arrival);

  uint32_t count() const { return static_cast<uint32_t>(terms_.size()); }
  std::optional<uint32_t> find(uint32_t place, Attribute attribute, std::string_view value) const;
  // The terms of a place and attribute, ascending.
  const std::vector<uint32_t>& of(uint32_t place, Attribute attribute) const;

  uint32_t place(uint32_t term) const { return terms_[term].place; }
  Attribute attribute(uint32_t term) const { return terms_[term].attribute; }
  std::string_view value(uint32_t term) const { return terms_[term].value; }
  uint32_t arrival_count(uint32_t term) const { return terms_[term].count; }
  // Appends the term's arrivals, newest first.
  void append_arrivals(uint32_t term, std::vector<uint32_t>& out) const;
  // The term's arrivals as they are now. Borrows the table.
  PostingsPtr postings(uint32_t term) const;

 private:
  class Arrivals;
  static constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();

  // Most terms have one arrival, which is here; all others are in chunks.
  struct Term {
    std::string_view value;
    uint32_t hash = 0;
    uint32_t place = 0;
    uint32_t count = 0;
    uint32_t first = 0, last = 0;
    uint32_t chunk = kNone;  // the newest
    uint32_t used = 0;       // of it; older ones are full
    Attribute attribute = Attribute::EventId;
  };

  size_t slot_of(uint32_t hash, uint32_t place, Attribute attribute, std::string_view value) const;
  void append(Term& term, uint32_t arrival);
  void grow();

  Arena values_{64 << 10};
  std::vector<Term> terms_;
  std::vector<uint32_t> slots_;   // term or kNone; a power of two; linear probing
  std::vector<uint32_t> chunks_;  // each: the one before or kNone, its size, so many arrivals
  std::vector<std::array<std::vector<uint32_t>, kAttributes>> by_place_;
};

}  // namespace traccia::history
