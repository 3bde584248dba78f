// Reading a segment: the footer stays in memory, all else is read when it is asked for.
// SPDX-License-Identifier: Apache-2.0
#include "history/segment.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "history/encoding.h"
#include "history/records.h"
#include "history/terms.h"

namespace traccia::history {
namespace {

constexpr uint64_t kHeaderBytes = 8;
constexpr uint64_t kTailBytes = 12 + kChecksumBytes + 8;
constexpr uint64_t kUnitBytesMax = 64 << 20;

}  // namespace

std::unexpected<Error> Segment::damaged(uint64_t offset, std::string_view what) const {
  return fail(ErrorCode::DataLoss,
              fmt::format("'{}' at byte {}: {}; remove the history's directory to build it again "
                          "from the log that is left",
                          path_, offset, what));
}

Result<std::string> Segment::unit(uint64_t offset, uint64_t length) const {
  if (length < kChecksumBytes || length > kUnitBytesMax || offset + length > file_bytes_) {
    return damaged(offset, "a part lies outside the file");
  }
  std::string bytes(length, '\0');
  TRY_ASSIGN(const auto count, file_->read_at(offset, bytes));
  uint32_t stored = 0;
  std::memcpy(&stored, bytes.data() + length - kChecksumBytes, sizeof stored);
  bytes.resize(length - kChecksumBytes);
  if (count != length || compress::crc32c(bytes) != stored) {
    return damaged(offset, "the checksum does not match");
  }
  return bytes;
}

Result<std::shared_ptr<const Segment>> Segment::open(os::FileSystem& files, std::string path) {
  std::shared_ptr<Segment> segment(new Segment(std::move(path)));
  TRY_ASSIGN(segment->file_, files.open(segment->path_, os::OpenMode::ReadOnly));
  TRY_ASSIGN(segment->file_bytes_, segment->file_->size());
  TRY(segment->read_footer());
  return segment;
}

Result<> Segment::read_footer() {
  if (file_bytes_ < kHeaderBytes + kTailBytes) return damaged(file_bytes_, "the file is cut short");
  char edge[8];
  TRY_ASSIGN(const auto first, file_->read_at(0, edge));
  if (std::string_view(edge, first) == "TRACHIS1") {
    return damaged(0, "written by an earlier version of traccia");
  }
  if (std::string_view(edge, first) != "TRACHIS2") return damaged(0, "not a history segment");
  TRY_ASSIGN(const auto last, file_->read_at(file_bytes_ - 8, edge));
  if (std::string_view(edge, last) != "TRACHISE") return damaged(file_bytes_ - 8, "no end mark");
  TRY_ASSIGN(const auto tail, unit(file_bytes_ - kTailBytes, 12 + kChecksumBytes));
  ByteReader reader(tail);
  TRY_ASSIGN(const auto offset, reader.u64());
  TRY_ASSIGN(const auto length, reader.u32());
  TRY_ASSIGN(const auto footer, unit(offset, length));
  if (auto parsed = parse_footer(footer); !parsed) {
    return damaged(offset, parsed.error().message());
  }
  return {};
}

Result<> Segment::parse_footer(std::string_view footer) {
  ByteReader reader(footer);
  for (auto* cursor : {&start_, &end_}) {
    TRY_ASSIGN(cursor->position, reader.u64());
    TRY_ASSIGN(cursor->taken, reader.u64());
  }
  TRY_ASSIGN(count_, reader.u32());
  TRY_ASSIGN(const auto options, reader.block());
  if (!options.empty()) return fail(ErrorCode::DataLoss, "written by a newer version");
  TRY_ASSIGN(const auto dictionary_length, reader.u32());
  TRY_ASSIGN(auto dictionary, unit(kHeaderBytes, dictionary_length));
  TRY_ASSIGN(dictionary_, compress::Dictionary::read(std::move(dictionary)));
  blocks_at_ = kHeaderBytes + dictionary_length;
  TRY_ASSIGN(const auto block_count, reader.u32());
  if (block_count != (count_ + kBlockRecords - 1) / kBlockRecords) {
    return fail(ErrorCode::DataLoss, "the count of record blocks is wrong");
  }
  uint64_t end = 0;
  for (uint32_t i = 0; i < block_count; ++i) {
    TRY_ASSIGN(const auto length, reader.u32());
    block_ends_.push_back(end += length);
  }
  TRY_ASSIGN(auto at, reader.u64());
  TRY_ASSIGN(const auto place_count, reader.u32());
  for (uint32_t i = 0; i < place_count; ++i) {
    TRY_ASSIGN(const auto account, reader.block());
    TRY_ASSIGN(const auto region, reader.block());
    Place place;
    place.number = i;
    TRY_ASSIGN(place.first, reader.u32());
    TRY_ASSIGN(place.count, reader.u32());
    TRY_ASSIGN(place.first_group, reader.u32());
    TRY_ASSIGN(const auto newest, reader.u64());
    place.newest = static_cast<int64_t>(newest);
    places_[{std::string(account), std::string(region)}] = place;
  }
  TRY_ASSIGN(const auto group_count, reader.u32());
  for (uint32_t i = 0; i < group_count; ++i) {
    GroupAt group{at, 0, {}};
    TRY_ASSIGN(group.length, reader.u32());
    TRY_ASSIGN(const auto time, reader.u64());
    TRY_ASSIGN(const auto sequence, reader.u64());
    group.first = {static_cast<int64_t>(time), static_cast<int64_t>(sequence)};
    at += group.length;
    groups_.push_back(group);
  }
  for (const auto& [name, place] : places_) {
    const auto groups = (uint64_t{place.count} + kGroupEvents - 1) / kGroupEvents;
    if (place.count == 0 || place.first_group + groups > groups_.size()) {
      return fail(ErrorCode::DataLoss, "the table of places is wrong");
    }
  }
  TRY_ASSIGN(postings_at_, reader.u64());
  TRY_ASSIGN(at, reader.u64());
  TRY_ASSIGN(const auto terms_count, reader.u32());
  for (uint32_t i = 0; i < terms_count; ++i) {
    TermsAt terms{at, 0, {}};
    TRY_ASSIGN(terms.length, reader.u32());
    TRY_ASSIGN(terms.first, reader.block());
    at += terms.length;
    terms_.push_back(std::move(terms));
  }
  TRY_ASSIGN(at, reader.u64());
  TRY_ASSIGN(const auto ids_count, reader.u32());
  for (uint32_t i = 0; i < ids_count; ++i) {
    IdsAt ids{at, 0, 0};
    TRY_ASSIGN(ids.length, reader.u32());
    TRY_ASSIGN(ids.first, reader.u32());
    at += ids.length;
    ids_.push_back(ids);
  }
  TRY_ASSIGN(const auto point_count, reader.u32());
  for (uint32_t i = 0; i < point_count; ++i) {
    IngestPoint point;
    TRY_ASSIGN(point.sequence, reader.u64());
    TRY_ASSIGN(const auto second, reader.u64());
    point.second = static_cast<int64_t>(second);
    ingest_points_.push_back(point);
  }
  if (reader.remaining() != 0) return fail(ErrorCode::DataLoss, "bytes follow the footer");
  return {};
}

Result<std::string> Segment::block(uint32_t block_number) const {
  if (block_number >= block_ends_.size()) return damaged(0, "an event has no record");
  const auto begin = block_number == 0 ? 0 : block_ends_[block_number - 1];
  const auto offset = blocks_at_ + begin;
  TRY_ASSIGN(const auto compressed, unit(offset, block_ends_[block_number] - begin));
  auto bytes = dictionary_->decompress(compressed, kBlockBytesMax);
  if (!bytes) return damaged(offset, bytes.error().message());
  return bytes;
}

Result<const Segment::Group*> Segment::group(uint32_t number, uint32_t count, Group& group) const {
  if (group.number == number) return &group;
  const auto& at = groups_[number];
  TRY_ASSIGN(const auto payload, unit(at.offset, at.length));
  VarintReader reader(payload);
  group.number.reset();
  group.events.clear();
  SegmentEvent event{at.first, 0};
  for (uint32_t i = 0; i < count; ++i) {
    event.at.event_time += static_cast<int64_t>(reader.next());
    const auto arrivals = unzigzag(reader.next());
    event.arrival = static_cast<uint32_t>(event.arrival + arrivals);
    // The group's first event is its own base; its arrival counts from 0.
    event.at.sequence += unzigzag(reader.next()) + arrivals;
    group.events.push_back(event);
  }
  if (reader.failed() || !reader.at_end()) return damaged(at.offset, "a table of times is wrong");
  group.number = number;
  return &group;
}

Result<SegmentEvent> Segment::event(const Place& place, uint32_t number, Group& group) const {
  if (number >= place.count) return damaged(0, "a term names an event that is not there");
  const auto in_place = number / kGroupEvents;
  const auto count = std::min(kGroupEvents, place.count - in_place * kGroupEvents);
  TRY_ASSIGN(const auto* decoded, this->group(place.first_group + in_place, count, group));
  return decoded->events[number % kGroupEvents];
}

Result<uint32_t> Segment::count_before(const Place& place, PagePlace below) const {
  const auto first = groups_.begin() + place.first_group;
  const auto groups = (place.count + kGroupEvents - 1) / kGroupEvents;
  const auto at = std::partition_point(first, first + groups,
                                       [&](const auto& group) { return group.first < below; });
  if (at == first) return 0U;
  const auto in_place = static_cast<uint32_t>(at - first) - 1;
  Group scratch;
  const auto count = std::min(kGroupEvents, place.count - in_place * kGroupEvents);
  TRY_ASSIGN(const auto* decoded, group(place.first_group + in_place, count, scratch));
  const auto end = std::ranges::lower_bound(decoded->events, below, {}, &SegmentEvent::at);
  return in_place * kGroupEvents + static_cast<uint32_t>(end - decoded->events.begin());
}

Segment::TermCursor::TermCursor(const Segment& segment, std::string from)
    : segment_(&segment), from_(std::move(from)) {
  const auto next = std::ranges::upper_bound(segment.terms_, from_, {}, &TermsAt::first);
  unit_ = static_cast<size_t>(next - segment.terms_.begin());
  if (unit_ > 0) --unit_;
}

Result<bool> Segment::TermCursor::load() {
  if (unit_ == segment_->terms_.size()) return false;
  const auto& at = segment_->terms_[unit_++];
  TRY_ASSIGN(payload_, segment_->unit(at.offset, at.length));
  reader_ = VarintReader(payload_);
  term_.text.clear();
  return true;
}

Result<> Segment::TermCursor::decode() {
  const auto shared = reader_.next();
  const auto rest = reader_.take(reader_.next());
  const auto damaged = [&] {
    return segment_->damaged(segment_->terms_[unit_ - 1].offset, "a term is wrong");
  };
  if (reader_.failed() || shared > term_.text.size()) return damaged();
  term_.text.resize(shared);
  term_.text += rest;
  term_.count = reader_.next();
  term_.numbers.clear();
  if (term_.count > kInlinePostingsMax) {
    term_.list_offset = segment_->postings_at_ + reader_.next();
  } else {
    uint64_t number = 0;
    for (uint64_t i = 0; i < term_.count; ++i) {
      number += reader_.next();
      term_.numbers.push_back(static_cast<uint32_t>(number));
    }
  }
  if (reader_.failed() || term_.text.size() <= kPlaceBytes) return damaged();
  return {};
}

Result<bool> Segment::TermCursor::next() {
  do {
    if (reader_.at_end()) {
      TRY_ASSIGN(const bool more, load());
      if (!more) return false;
    }
    TRY(decode());
  } while (term_.text < from_);
  return true;
}

Result<std::vector<Segment::ListBlock>> Segment::list_blocks(const Term& term) const {
  const auto count = (term.count + kPostingsBlock - 1) / kPostingsBlock;
  if (term.count > count_) return damaged(term.list_offset, "a list is longer than the segment");
  const auto table_length = count * 8 + kChecksumBytes;
  TRY_ASSIGN(const auto table, unit(term.list_offset, table_length));
  ByteReader entries(table);
  std::vector<ListBlock> blocks(count);
  auto offset = term.list_offset + table_length;
  for (auto& block : blocks) {
    TRY_ASSIGN(block.first, entries.u32());
    TRY_ASSIGN(block.length, entries.u32());
    block.offset = std::exchange(offset, offset + block.length);
  }
  return blocks;
}

Result<> Segment::read_list_block(const ListBlock& block, std::vector<uint32_t>& numbers) const {
  TRY_ASSIGN(const auto payload, unit(block.offset, block.length));
  VarintReader reader(payload);
  uint64_t number = block.first;
  numbers.push_back(block.first);
  while (!reader.at_end()) {
    number += reader.next();
    numbers.push_back(static_cast<uint32_t>(number));
  }
  if (reader.failed() || number >= count_) {
    return damaged(block.offset, "a list of events is wrong");
  }
  return {};
}

Result<std::vector<uint32_t>> Segment::of_id_hash(const Place& place, uint32_t hash) const {
  std::vector<uint32_t> numbers;
  // Equal hashes may begin at the end of the block before the first that starts with them.
  auto at = std::ranges::lower_bound(ids_, hash, {}, &IdsAt::first);
  if (at != ids_.begin()) --at;
  for (; at != ids_.end() && at->first <= hash; ++at) {
    TRY_ASSIGN(const auto payload, unit(at->offset, at->length));
    VarintReader reader(payload);
    uint64_t here = 0;
    while (!reader.at_end() && here <= hash) {
      here += reader.next();
      const auto number = reader.next();
      if (here != hash || number < place.first || number - place.first >= place.count) continue;
      numbers.push_back(static_cast<uint32_t>(number - place.first));
    }
    if (reader.failed()) return damaged(at->offset, "a list of event ids is wrong");
  }
  std::ranges::sort(numbers);
  return numbers;
}

}  // namespace traccia::history
