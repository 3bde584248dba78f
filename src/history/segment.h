// A segment: an immutable file with the events of one stretch of the log, and its index.
// Format: docs/formats/history.md.
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

#include "base/bytes.h"
#include "compress/compress.h"
#include "history/cache.h"
#include "history/encoding.h"
#include "history/key_filter.h"
#include "history/segment_source.h"
#include "os/os.h"

namespace traccia::history {

inline constexpr std::string_view kSegmentSuffix = ".segment";
inline constexpr uint32_t kGroupEvents = 128;      // of the table of times
inline constexpr uint32_t kPostingsBlock = 128;    // events
inline constexpr uint32_t kPageBlocks = 64;        // of a list
inline constexpr uint32_t kInlinePostingsMax = 8;  // stay in the dictionary
inline constexpr uint32_t kTermsBlock = 32;
inline constexpr uint32_t kIdsBlock = 256;

// Columns of a unit of times.
inline constexpr uint8_t kTimesInSeconds = 1;   // not in nanoseconds
inline constexpr uint8_t kTimesOfArrivals = 2;  // else each event arrived behind the one before it
inline constexpr uint8_t kTimesOfExcess = 4;    // else sequences grow like arrivals

// Thread-safe: all is read-only. Every read is checked: DataLoss names file and byte.
class Segment {
 public:
  // What is read again and again is kept in the cache, when there is one; it outlives the segment.
  // The filter is the writer's, when there is one.
  static Result<std::shared_ptr<const Segment>> open(
      os::FileSystem& files, std::string path, Cache* cache = nullptr,
      std::shared_ptr<const KeyFilter> filter = nullptr);

  struct Place {
    uint32_t first = 0;  // event
    uint32_t count = 0;
    uint32_t first_group = 0;
    int64_t newest = 0;
    uint32_t number = 0;
  };
  const std::map<std::pair<std::string, std::string>, Place>& places() const { return places_; }
  // nullptr: there is none, and everything may be there.
  const KeyFilter* filter() const { return filter_.get(); }

  // A term (place, attribute, value) and its list: numbers relative to the place's first event.
  struct Term {
    std::string text;
    uint64_t count = 0;
    std::vector<uint32_t> numbers;  // ascending, when they are few; else:
    uint64_t list_offset = 0;       // of the list's only block, its only page, or its pages
    uint64_t list_length = 0;
    uint32_t first = 0;  // of an only block
  };
  // The terms in order, beginning with the first that is not below `from`.
  class TermCursor {
   public:
    TermCursor(const Segment& segment, std::string from);
    // False at the end.
    Result<bool> next();
    const Term& term() const { return term_; }

   private:
    Result<bool> load();
    Result<> decode();
    const Segment* segment_;
    std::string from_;
    size_t unit_ = 0;  // the next to read
    std::shared_ptr<const std::string> payload_;
    VarintReader reader_{std::string_view()};
    Term term_;
  };
  // A list that is not in its term is one block of numbers, or one page of blocks, or pages.
  struct ListPart {
    uint32_t first = 0;  // number
    uint32_t count = 0;
    uint32_t length = 0;  // of the unit: the block, or the page's table
    uint64_t offset = 0;
  };
  struct ListParts {
    std::vector<ListPart> pages;   // when there is more than one
    std::vector<ListPart> blocks;  // else
  };
  Result<ListParts> list_parts(const Term& term) const;
  Result<std::vector<ListPart>> list_page(const ListPart& page) const;
  // Appends the block's numbers.
  Result<> read_list_block(const ListPart& block, std::vector<uint32_t>& numbers) const;
  // Appends all numbers of the term.
  Result<> read_list(const Term& term, std::vector<uint32_t>& numbers) const;
  // Of the place's events whose ids have this hash, ascending.
  Result<std::vector<uint32_t>> of_id_hash(const Place& place, uint32_t hash) const;

  // The count of the place's events that come before `below`.
  Result<uint32_t> count_before(const Place& place, PagePlace below) const;
  // `group` is kept by the caller between calls, so that neighbours are decoded once.
  struct Group {
    std::optional<uint32_t> number;
    std::vector<SegmentEvent> events;
  };
  Result<SegmentEvent> event(const Place& place, uint32_t number, Group& group) const;
  // A block of records, which has the arrivals from its number times block_records() on.
  Result<std::shared_ptr<const RecordBlock>> block(uint32_t block_number) const;
  uint32_t block_records() const { return block_records_; }
  // The ids of unit `unit`, ascending by hash; numbers are those in the segment.
  size_t id_units() const { return ids_.size(); }
  Result<std::vector<SegmentSource::Id>> read_ids(size_t unit) const;

  const std::shared_ptr<const compress::Dictionary>& dictionary() const { return dictionary_; }
  Cursor start() const { return start_; }
  Cursor end() const { return end_; }
  uint32_t count() const { return count_; }
  const std::vector<IngestPoint>& ingest_points() const { return ingest_points_; }
  const std::string& path() const { return path_; }
  uint64_t file_bytes() const { return file_bytes_; }
  // What each part of the file takes.
  struct Bytes {
    uint64_t dictionary = 0, records = 0, times = 0, postings = 0, terms = 0, ids = 0, footer = 0;
  };
  Bytes bytes() const;
  // DataLoss that names the file.
  std::unexpected<Error> damaged(uint64_t offset, std::string_view what) const;
  std::unexpected<Error> damaged_block(uint32_t block_number, std::string_view what) const;

 private:
  struct Reader;  // of the footer
  struct GroupAt {
    uint64_t offset = 0;
    uint32_t length = 0;
    PagePlace first;
  };
  struct TermsAt {
    uint64_t lists_at = 0;  // of its terms
    uint64_t offset = 0;
    uint32_t length = 0;
    std::string from;  // not above its first term, above all before
  };
  struct IdsAt {
    uint64_t offset = 0;
    uint32_t length = 0;
    uint32_t first = 0;  // hash
  };

  explicit Segment(std::string path) : path_(std::move(path)) {}
  Result<> read_footer();
  Result<> parse_footer(std::string_view footer);
  Result<> parse_options(std::string_view options);
  Result<> parse_places(ByteReader& reader);
  Result<> parse_index(ByteReader& reader);
  // The payload of a unit whose length includes its checksum.
  Result<std::string> unit(uint64_t offset, uint64_t length) const;
  // The same through the cache.
  Result<std::shared_ptr<const std::string>> kept_unit(uint64_t offset, uint64_t length) const;
  Result<const Group*> group(uint32_t number, uint32_t count, Group& group) const;

  std::string path_;
  std::unique_ptr<os::File> file_;
  Cache* cache_ = nullptr;
  uint64_t cache_owner_ = 0;
  std::shared_ptr<const KeyFilter> filter_;
  uint64_t file_bytes_ = 0;
  Cursor start_, end_;
  uint32_t count_ = 0;
  std::shared_ptr<const compress::Dictionary> dictionary_;
  uint32_t block_records_ = 0;
  std::map<std::pair<std::string, std::string>, Place> places_;
  std::vector<uint64_t> block_ends_;  // of record blocks, from blocks_at_
  uint64_t blocks_at_ = 0;
  std::vector<GroupAt> groups_;
  std::vector<TermsAt> terms_;
  std::vector<IdsAt> ids_;
  std::vector<IngestPoint> ingest_points_;
};

}  // namespace traccia::history
