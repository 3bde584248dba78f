// Segments that follow one another as the source of one that takes their place.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "history/records.h"
#include "history/segment.h"
#include "history/segment_source.h"

namespace traccia::history {

// Streams record by record, term by term and id by id: in memory are a block of each kind, the new
// numbers of all events (4 bytes each), and one term's list. Owned by one thread.
class MergeSource : public SegmentSource {
 public:
  // At least one, from oldest to newest. Reads a sample of their records, for the dictionary.
  static Result<std::unique_ptr<MergeSource>> create(
      std::vector<std::shared_ptr<const Segment>> segments);

  Cursor start() const override { return inputs_.front().segment->start(); }
  Cursor end() const override { return inputs_.back().segment->end(); }
  uint32_t count() const override { return count_; }
  const std::vector<IngestPoint>& ingest_points() const override { return ingest_points_; }
  const std::vector<Place>& places() const override { return places_; }
  std::string_view dictionary() const override { return dictionary_->text(); }

  Result<bool> next_block(std::string& block) override;
  Result<bool> next_event(SegmentEvent& event) override;
  Result<bool> next_term(Term& term) override;
  Result<bool> next_id(Id& id) override;

 private:
  struct Input {
    std::shared_ptr<const Segment> segment;
    uint32_t first_arrival = 0;             // in the merged segment
    std::vector<uint32_t> ranks;            // of its places in the merged segment
    std::vector<uint32_t> new_numbers;      // of its events, from their new place's first
    const Segment::Place* place = nullptr;  // whose events are given
    uint32_t number = 0;                    // the next of them
    std::optional<SegmentEvent> event;      // which is it
    Segment::Group group;
    std::optional<Segment::TermCursor> terms;
    std::string term;  // its next, under its new place; empty: none
    std::vector<Id> ids;
    size_t id = 0, id_unit = 0;  // the next of each
  };

  MergeSource() = default;
  void name_places();
  Result<> train();
  Result<bool> next_record();
  void enter_place();
  static Result<> load_event(Input& input);
  Result<> next_term_of(Input& input);
  Result<> add_numbers(const Input& input, std::vector<uint32_t>& numbers) const;
  static Result<> load_ids(Input& input);

  std::vector<Input> inputs_;
  uint32_t count_ = 0;
  std::vector<IngestPoint> ingest_points_;
  std::vector<Place> places_;
  std::vector<uint32_t> firsts_;  // number of each place's first event
  std::optional<compress::Dictionary> dictionary_;

  std::unique_ptr<Packer> packer_ = std::make_unique<Packer>();
  BlockBuilder builder_;
  size_t record_input_ = 0;
  uint32_t record_ = 0;  // the next of that input
  std::shared_ptr<const RecordBlock> block_;

  size_t place_ = 0;       // whose events are given
  uint32_t in_place_ = 0;  // given so far
  bool terms_begun_ = false;
};

}  // namespace traccia::history
