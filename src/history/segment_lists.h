// The lists of one place of a segment, and the records behind them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "history/postings.h"
#include "history/segment.h"

namespace traccia::history {

// Of more lists than this a prefix makes a bitmap.
inline constexpr size_t kPrefixListsMax = 24;

// Keeps the block and the group read last: hits that are neighbours cost one. Owned by one thread.
class SegmentReader {
 public:
  SegmentReader(std::shared_ptr<const Segment> segment, const Segment::Place& place)
      : segment_(std::move(segment)), place_(place) {}

  Result<SegmentEvent> event(uint32_t number) { return segment_->event(place_, number, group_); }
  Result<std::string> record(uint32_t arrival);
  const Segment& segment() const { return *segment_; }
  const Segment::Place& place() const { return place_; }

 private:
  std::shared_ptr<const Segment> segment_;
  Segment::Place place_;
  Segment::Group group_;
  uint32_t block_number_ = 0;
  std::shared_ptr<const RecordBlock> block_;
};

// Owned by one thread; the reader outlives it and what it gives.
class SegmentLists : public Lists {
 public:
  explicit SegmentLists(SegmentReader& reader) : reader_(reader) {}
  PostingsPtr all() override;
  Result<PostingsPtr> of_value(Attribute attribute, std::string_view value) override;
  Result<PostingsPtr> of_prefix(Attribute attribute, std::string_view prefix, Work& work) override;
  Result<PostingsPtr> of_id(std::string_view event_id) override;

 private:
  Result<PostingsPtr> of_term(const Segment::Term& term) const;
  Result<> add(BitmapPostings& bitmap, const Segment::Term& term, Work& work) const;

  SegmentReader& reader_;
};

}  // namespace traccia::history
