// Finds the newest matches in a head, in short pieces: the active head is locked for one at a time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "history/head.h"

namespace traccia::history {

// Of one place. Sees the head as it was when the scan was made, whatever is added meanwhile. Owned
// by one thread, which holds what guards the head while it makes the scan and calls step().
class HeadScan {
 public:
  // The newest `count_max` events of the slice.
  HeadScan(const Head& head, uint32_t place, const Slice& slice, size_t count_max);

  // Examines so much more; true when the scan is done. What it spends is counted from `work`, which
  // is not its bound.
  Result<bool> step(uint64_t steps, Work& work);
  // Once done: newest first.
  std::vector<Found> take();
  // The same place again, below what was taken; as the head was at first.
  HeadScan next(PagePlace below) const;

 private:
  class HeadLists;
  // The union of the lists of a prefix, which is gathered piece by piece.
  struct Prefix {
    Attribute attribute;
    std::string_view text;  // the query's
    size_t terms = 0;       // gathered from so many
    std::vector<uint32_t> arrivals;
  };

  void note_prefixes(const Expression& expression);
  bool gather(uint64_t& steps);
  bool keep(uint32_t arrival);

  const Head* head_;
  uint32_t place_;
  Slice slice_;
  size_t count_max_;
  uint32_t count_;  // arrivals from there on came later
  uint32_t limit_;  // below it nothing is examined yet
  std::vector<Prefix> prefixes_;
  size_t gathered_ = 0;
  // Their lists are read under the lock only.
  PostingsPtr postings_;
  // The oldest is on top. What is left cannot be newer than newest_so_far_.
  std::vector<std::pair<PagePlace, uint32_t>> kept_;
};

}  // namespace traccia::history
