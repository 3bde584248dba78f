// What a segment is written from: a frozen head, or segments that become one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "history/head.h"
#include "history/records.h"

namespace traccia::history {

// An event of a segment: events are numbered from 0 by place, time and sequence.
struct SegmentEvent {
  PagePlace at;
  uint32_t arrival = 0;
};

// Its streams are read once, each to its end, in the order of their declaration. False: no more.
// Owned by one thread.
class SegmentSource {
 public:
  struct Place {
    std::string account, region;
    uint32_t count = 0;
  };
  // A term as render_term() has it and its events' numbers, ascending, from the place's first.
  struct Term {
    std::string text;
    std::vector<uint32_t> numbers;
  };
  struct Id {
    uint32_t hash = 0;
    uint32_t number = 0;  // in the segment
  };

  virtual ~SegmentSource() = default;
  virtual Cursor start() const = 0;
  virtual Cursor end() const = 0;
  virtual uint32_t count() const = 0;
  virtual const std::vector<IngestPoint>& ingest_points() const = 0;
  // By account and region; terms name them by their numbers in this order.
  virtual const std::vector<Place>& places() const = 0;
  virtual std::string_view dictionary() const = 0;

  // Compressed blocks of records, in order of arrival, kBlockRecords each; the last has fewer.
  virtual Result<bool> next_block(std::string& block) = 0;
  virtual Result<bool> next_event(SegmentEvent& event) = 0;  // by number
  virtual Result<bool> next_term(Term& term) = 0;            // by text
  virtual Result<bool> next_id(Id& id) = 0;                  // by hash, then number
};

}  // namespace traccia::history
