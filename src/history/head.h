// The newest events, in memory: searchable as soon as they are taken in, until a segment has them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compress/compress.h"
#include "event/record.h"
#include "history/history.h"
#include "history/postings.h"
#include "history/records.h"
#include "history/term_table.h"
#include "history/token.h"
#include "ingest/ingest.h"

namespace traccia::history {

// From this sequence on records were ingested in this second (or later).
struct IngestPoint {
  uint64_t sequence = 0;
  int64_t second = 0;  // unix
};

// The first sequence that is still retained.
uint64_t first_retained(const std::vector<IngestPoint>& points, Time retained_from);

// What a look-up asks of one part of the history.
struct Slice {
  const Query* query = nullptr;
  PagePlace below;        // exclusive
  int64_t from_time = 0;  // inclusive, unix nanoseconds
};

// One event that a part of the history found; or how far it came when it could do no more work.
struct Found {
  PagePlace at;
  uint32_t arrival = 0;
  bool undecided = false;  // nothing is found above `at`, where the search goes on
  std::shared_ptr<const std::string> block{};   // or
  std::shared_ptr<const std::string> record{};  // not in a block yet
};

class HeadScan;

// Events are numbered by arrival, from 0. Not thread-safe; a head that is frozen is never changed
// again and may be read from any thread.
class Head {
 public:
  // Heads that follow one another share the packer, which only add() and freeze() use.
  Head(Cursor start, std::shared_ptr<const compress::Dictionary> dictionary,
       std::shared_ptr<Packer> packer)
      : start_(start),
        end_(start),
        dictionary_(std::move(dictionary)),
        packer_(std::move(packer)) {}

  void add(const ingest::LogRecord& log);
  void set_end(Cursor end) { end_ = end; }
  // Compresses what is left over; nothing may be added afterwards.
  void freeze();

  // The newest event time of a place.
  int64_t newest(uint32_t place) const { return newest_so_far_[by_place_[place].back()]; }
  // For the next head: made of the records here, or the same one when they are too few.
  std::shared_ptr<const compress::Dictionary> next_dictionary() const;

  const std::shared_ptr<const compress::Dictionary>& dictionary() const { return dictionary_; }
  const std::shared_ptr<Packer>& packer() const { return packer_; }
  uint32_t count() const { return static_cast<uint32_t>(times_.size()); }
  uint64_t block_bytes() const { return block_bytes_; }
  uint64_t last_sequence() const { return sequences_.empty() ? 0 : sequences_.back(); }
  Cursor start() const { return start_; }
  Cursor end() const { return end_; }
  const std::vector<IngestPoint>& ingest_points() const { return ingest_points_; }

  // For the writer of segments.
  using Places = std::map<std::pair<std::string, std::string>, uint32_t>;
  const Places& places() const { return places_; }
  const std::vector<uint32_t>& arrivals(uint32_t place) const { return by_place_[place]; }
  const TermTable& terms() const { return terms_; }
  const std::vector<std::shared_ptr<const std::string>>& blocks() const { return blocks_; }
  PagePlace place_of(uint32_t arrival) const {
    return {times_[arrival], static_cast<int64_t>(sequences_[arrival])};
  }
  uint32_t id_hash(uint32_t arrival) const { return id_hashes_[arrival]; }

 private:
  friend class HeadScan;
  static constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();

  uint32_t place_number(std::string_view account, std::string_view region);
  void add_id(uint32_t place, std::string_view event_id);
  void close_block();
  Found found(uint32_t arrival) const;
  std::vector<uint32_t> arrivals_of_id(uint32_t place, std::string_view event_id) const;
  Result<std::string> record(uint32_t arrival) const;

  Cursor start_, end_;
  std::shared_ptr<const compress::Dictionary> dictionary_;
  std::shared_ptr<Packer> packer_;
  BlockBuilder builder_;
  Places places_;
  Places::const_iterator last_place_ = places_.end();
  std::deque<std::vector<uint32_t>> by_place_;  // scans keep references to the lists
  std::vector<IngestPoint> ingest_points_;

  // By arrival.
  std::vector<int64_t> times_;
  std::vector<int64_t> newest_so_far_;  // of the same place, up to and with this one
  std::vector<uint64_t> sequences_;
  std::vector<uint32_t> id_hashes_;
  std::vector<uint32_t> same_bucket_;  // the one before it whose id falls into the same bucket
  std::vector<uint32_t> place_numbers_;

  std::vector<uint32_t> id_buckets_;  // a power of two
  TermTable terms_;
  std::vector<std::shared_ptr<const std::string>> blocks_;
  OpenRecords open_block_;
  uint64_t block_bytes_ = 0;
};

}  // namespace traccia::history
