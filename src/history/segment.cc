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

int64_t wrapping_sum(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

}  // namespace

std::unexpected<Error> Segment::damaged(uint64_t offset, std::string_view what) const {
  return fail(ErrorCode::DataLoss,
              fmt::format("'{}' at byte {}: {}; remove the history's directory to build it again "
                          "from the log that is left",
                          path_, offset, what));
}

std::unexpected<Error> Segment::damaged_block(uint32_t block_number, std::string_view what) const {
  return damaged(blocks_at_ + (block_number == 0 ? 0 : block_ends_[block_number - 1]), what);
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

Result<std::shared_ptr<const std::string>> Segment::kept_unit(uint64_t offset,
                                                              uint64_t length) const {
  const Cache::Key key{cache_owner_, offset};
  if (cache_ != nullptr) {
    if (auto kept = cache_->find<std::string>(key)) return kept;
  }
  TRY_ASSIGN(auto bytes, unit(offset, length));
  auto payload = std::make_shared<const std::string>(std::move(bytes));
  if (cache_ != nullptr) cache_->keep(key, payload, payload->capacity());
  return payload;
}

Result<std::shared_ptr<const Segment>> Segment::open(os::FileSystem& files, std::string path,
                                                     Cache* cache,
                                                     std::shared_ptr<const KeyFilter> filter) {
  std::shared_ptr<Segment> segment(new Segment(std::move(path)));
  segment->cache_ = cache;
  segment->filter_ = std::move(filter);
  if (cache != nullptr) segment->cache_owner_ = cache->new_owner();
  TRY_ASSIGN(segment->file_, files.open(segment->path_, os::OpenMode::ReadOnly));
  TRY_ASSIGN(segment->file_bytes_, segment->file_->size());
  TRY(segment->read_footer());
  return segment;
}

Result<> Segment::read_footer() {
  if (file_bytes_ < kHeaderBytes + kTailBytes) return damaged(file_bytes_, "the file is cut short");
  char edge[8];
  TRY_ASSIGN(const auto first, file_->read_at(0, edge));
  const std::string_view magic(edge, first);
  if (magic == "TRACHIS1" || magic == "TRACHIS2") {
    return damaged(0, "written by an earlier version of traccia");
  }
  if (magic != "TRACHIS3") return damaged(0, "not a history segment");
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

Result<> Segment::parse_options(std::string_view options) {
  if (options.size() != 2 || options[0] != kPackedBlocks) {
    return fail(ErrorCode::DataLoss, "written by another version of traccia");
  }
  block_records_ = static_cast<uint8_t>(options[1]);
  if (block_records_ == 0 || block_records_ > kBlockRecordsMax) {
    return fail(ErrorCode::DataLoss, "the size of record blocks is wrong");
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
  TRY(parse_options(options));
  TRY_ASSIGN(const auto dictionary_length, reader.u32());
  TRY_ASSIGN(auto dictionary, unit(kHeaderBytes, dictionary_length));
  TRY_ASSIGN(dictionary_, compress::Dictionary::read(std::move(dictionary)));
  blocks_at_ = kHeaderBytes + dictionary_length;
  TRY_ASSIGN(const auto block_count, reader.u32());
  if (block_count != (uint64_t{count_} + block_records_ - 1) / block_records_) {
    return fail(ErrorCode::DataLoss, "the count of record blocks is wrong");
  }
  uint64_t end = 0;
  for (uint32_t i = 0; i < block_count; ++i) {
    TRY_ASSIGN(const auto length, reader.u32());
    block_ends_.push_back(end += length);
  }
  TRY(parse_places(reader));
  TRY(parse_index(reader));
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

Result<> Segment::parse_places(ByteReader& reader) {
  TRY_ASSIGN(auto at, reader.u64());
  TRY_ASSIGN(const auto place_count, reader.u32());
  uint64_t events = 0;
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
    if (place.first != events) return fail(ErrorCode::DataLoss, "the table of places is wrong");
    events += place.count;
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
  if (events != count_) return fail(ErrorCode::DataLoss, "the table of places is wrong");
  return {};
}

Result<> Segment::parse_index(ByteReader& reader) {
  TRY_ASSIGN(auto at, reader.u64());
  TRY_ASSIGN(const auto terms_count, reader.u32());
  for (uint32_t i = 0; i < terms_count; ++i) {
    TermsAt terms;
    terms.lists_at = at;
    TRY_ASSIGN(const auto lists_length, reader.u32());
    TRY_ASSIGN(terms.length, reader.u32());
    TRY_ASSIGN(terms.from, reader.block());
    terms.offset = at + lists_length;
    at = terms.offset + terms.length;
    terms_.push_back(std::move(terms));
  }
  TRY_ASSIGN(at, reader.u64());
  TRY_ASSIGN(const auto ids_count, reader.u32());
  if (ids_count != (uint64_t{count_} + kIdsBlock - 1) / kIdsBlock) {
    return fail(ErrorCode::DataLoss, "the count of event ids is wrong");
  }
  for (uint32_t i = 0; i < ids_count; ++i) {
    IdsAt ids{at, 0, 0};
    TRY_ASSIGN(ids.length, reader.u32());
    TRY_ASSIGN(ids.first, reader.u32());
    at += ids.length;
    ids_.push_back(ids);
  }
  return {};
}

Segment::Bytes Segment::bytes() const {
  Bytes out;
  out.dictionary = blocks_at_ - kHeaderBytes;
  out.records = block_ends_.empty() ? 0 : block_ends_.back();
  for (const auto& group : groups_) out.times += group.length;
  for (const auto& terms : terms_) {
    out.terms += terms.length;
    out.postings += terms.offset - terms.lists_at;
  }
  for (const auto& ids : ids_) out.ids += ids.length;
  out.footer =
      file_bytes_ - (out.dictionary + out.records + out.times + out.terms + out.ids + out.postings);
  return out;
}

Result<std::shared_ptr<const RecordBlock>> Segment::block(uint32_t block_number) const {
  if (block_number >= block_ends_.size()) return damaged(0, "an event has no record");
  const auto begin = block_number == 0 ? 0 : block_ends_[block_number - 1];
  const auto offset = blocks_at_ + begin;
  const Cache::Key key{cache_owner_, offset};
  if (cache_ != nullptr) {
    if (auto kept = cache_->find<RecordBlock>(key)) return kept;
  }
  TRY_ASSIGN(const auto compressed, unit(offset, block_ends_[block_number] - begin));
  auto opened = RecordBlock::open(compressed, *dictionary_);
  if (!opened) return damaged(offset, opened.error().message());
  auto block = std::make_shared<const RecordBlock>(std::move(*opened));
  if (cache_ != nullptr) cache_->keep(key, block, block->bytes());
  return block;
}

// The events after the first in columns that are left out when they hold nothing: see kTimes….
Result<const Segment::Group*> Segment::group(uint32_t number, uint32_t count, Group& group) const {
  if (group.number == number) return &group;
  const auto& at = groups_[number];
  TRY_ASSIGN(const auto payload, kept_unit(at.offset, at.length));
  group.number.reset();
  group.events.clear();
  if (payload->empty()) return damaged(at.offset, "a table of times is wrong");
  const auto columns = static_cast<uint8_t>(payload->front());
  VarintReader reader(std::string_view(*payload).substr(1));
  SegmentEvent event{at.first, static_cast<uint32_t>(reader.next())};
  group.events.push_back(event);
  const int64_t unit = (columns & kTimesInSeconds) != 0 ? 1'000'000'000 : 1;
  for (uint32_t i = 1; i < count; ++i) {
    const auto time = static_cast<int64_t>(reader.next() * static_cast<uint64_t>(unit));
    const auto arrivals = (columns & kTimesOfArrivals) != 0 ? unzigzag(reader.next()) : 1;
    const auto excess = (columns & kTimesOfExcess) != 0 ? unzigzag(reader.next()) : 0;
    event.at.event_time = wrapping_sum(event.at.event_time, time);
    event.arrival = static_cast<uint32_t>(event.arrival + arrivals);
    event.at.sequence = wrapping_sum(event.at.sequence, wrapping_sum(excess, arrivals));
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
  if (below.event_time > place.newest) return place.count;
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
  const auto next = std::ranges::upper_bound(segment.terms_, from_, {}, &TermsAt::from);
  unit_ = static_cast<size_t>(next - segment.terms_.begin());
  if (unit_ > 0) --unit_;
}

Result<bool> Segment::TermCursor::load() {
  if (unit_ == segment_->terms_.size()) return false;
  const auto& at = segment_->terms_[unit_++];
  TRY_ASSIGN(payload_, segment_->kept_unit(at.offset, at.length));
  reader_ = VarintReader(*payload_);
  term_.text.clear();
  return true;
}

Result<> Segment::TermCursor::decode() {
  const auto& at = segment_->terms_[unit_ - 1];
  const auto shared = reader_.next();
  const auto rest = reader_.take(reader_.next());
  if (reader_.failed() || shared > term_.text.size()) {
    return segment_->damaged(at.offset, "a term is wrong");
  }
  term_.text.resize(shared);
  term_.text += rest;
  term_.count = reader_.next();
  term_.numbers.clear();
  if (term_.count > kInlinePostingsMax) {
    if (term_.count <= kPostingsBlock) term_.first = static_cast<uint32_t>(reader_.next());
    term_.list_offset = at.lists_at + reader_.next();
    term_.list_length = reader_.next();
  } else {
    uint64_t number = 0;
    for (uint64_t i = 0; i < term_.count; ++i) {
      number += reader_.next();
      term_.numbers.push_back(static_cast<uint32_t>(number));
    }
  }
  if (reader_.failed() || term_.text.size() <= kPlaceBytes) {
    return segment_->damaged(at.offset, "a term is wrong");
  }
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

}  // namespace traccia::history
