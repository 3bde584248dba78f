// A frozen head as the source of a segment: the only reader of heads on the way to the disk.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "history/segment_source.h"

namespace traccia::history {

// Borrows the head, which is frozen. Owned by one thread.
class HeadSource : public SegmentSource {
 public:
  explicit HeadSource(const Head& head);

  Cursor start() const override { return head_.start(); }
  Cursor end() const override { return head_.end(); }
  uint32_t count() const override { return head_.count(); }
  const std::vector<IngestPoint>& ingest_points() const override { return head_.ingest_points(); }
  const std::vector<Place>& places() const override { return places_; }
  std::string_view dictionary() const override { return head_.dictionary()->text(); }

  Result<bool> next_block(std::string& block) override;
  Result<bool> next_event(SegmentEvent& event) override;
  Result<bool> next_term(Term& term) override;
  Result<bool> next_id(Id& id) override;

 private:
  void number_events();
  void sort_terms();
  void sort_ids();

  const Head& head_;
  std::vector<Place> places_;
  std::vector<uint32_t> first_;      // number in the segment, by place
  std::vector<uint32_t> rank_;       // place in the segment, by place in the head
  std::vector<uint32_t> order_;      // arrival by number
  std::vector<uint32_t> number_of_;  // number by arrival
  std::vector<uint32_t> terms_;      // of the head's table, in the order of the segment
  std::vector<Id> ids_;
  size_t block_ = 0, event_ = 0, term_ = 0, id_ = 0;  // the next of each
};

}  // namespace traccia::history
