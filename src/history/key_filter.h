// Tells most of what a segment does not hold without reading it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace traccia::history {

// A Bloom filter of a segment's terms and event ids, four bits of one word for each. In memory
// only, and of segments that are not merged yet: there are many of them, and a look-up with few
// hits has to ask each. Built by one thread, then read by any.
class KeyFilter {
 public:
  // Larger segments have none.
  static constexpr uint32_t kEventsMax = 256 << 10;
  static constexpr uint64_t kBitsPerKey = 8;

  explicit KeyFilter(uint64_t keys) : words_(keys * kBitsPerKey / 64 + 1) {}

  void add_term(std::string_view term);  // as render_term() has it
  void add_id(uint32_t hash);
  // False: it is not there. True of about one key in twenty that is not there either.
  bool may_hold_term(std::string_view term) const;
  bool may_hold_id(uint32_t hash) const;
  uint64_t bytes() const { return words_.size() * sizeof(uint64_t); }

 private:
  void add(uint64_t hash);
  bool may_hold(uint64_t hash) const;
  size_t word_of(uint64_t hash) const;

  std::vector<uint64_t> words_;
};

}  // namespace traccia::history
