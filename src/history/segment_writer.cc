// Parts go out as they come; what the footer says of them is gathered meanwhile.
// SPDX-License-Identifier: Apache-2.0
#include "history/segment_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "base/assert.h"
#include "history/bits.h"
#include "history/encoding.h"
#include "history/segment.h"

namespace traccia::history {
namespace {

constexpr uint32_t kStepEvents = 4096;  // of a segment that is written in one go
constexpr uint64_t kWriteBytes = 1 << 20;
constexpr uint64_t kSyncBytes = 1 << 20;  // so that no sync of the log waits long behind these

// The numbers after the first.
void append_list_block(std::string& out, std::span<const uint32_t> numbers) {
  const auto width =
      rice_width(numbers.back() - numbers.front() - (numbers.size() - 1), numbers.size() - 1);
  out.push_back(static_cast<char>(width));
  BitWriter writer(out);
  for (size_t i = 1; i < numbers.size(); ++i) {
    writer.append_rice(numbers[i] - numbers[i - 1] - 1, width);
  }
}

}  // namespace

std::string segment_path(const std::string& directory, Cursor start) {
  return fmt::format("{}/{:020}-{:010}{}", directory, start.position, start.taken, kSegmentSuffix);
}

Result<std::unique_ptr<SegmentWriter>> SegmentWriter::create(os::FileSystem& files,
                                                             const std::string& directory,
                                                             SegmentSource& source) {
  std::unique_ptr<SegmentWriter> writer(new SegmentWriter(files, source));
  writer->directory_ = directory;
  writer->path_ = segment_path(directory, source.start());
  writer->temporary_path_ = writer->path_ + ".new";
  TRY_ASSIGN(writer->file_, files.open(writer->temporary_path_, os::OpenMode::CreateReadWrite));
  TRY(writer->file_->truncate(0));
  writer->begin();
  return writer;
}

void SegmentWriter::begin() {
  out_ = "TRACHIS3";
  // Terms are mostly fewer than events.
  if (source_.count() <= KeyFilter::kEventsMax) {
    filter_ = std::make_shared<KeyFilter>(2 * uint64_t{source_.count()});
  }
  for (const auto cursor : {source_.start(), source_.end()}) {
    append_u64(footer_, cursor.position);
    append_u64(footer_, cursor.taken);
  }
  append_u32(footer_, source_.count());
  const char options[] = {kPackedBlocks, static_cast<char>(kBlockRecords)};
  append_block(footer_, std::string_view(options, sizeof options));
  append_u32(footer_, append_unit(out_, source_.dictionary()));
}

Result<bool> SegmentWriter::step(uint32_t events) {
  TRACCIA_ASSERT(events > 0);
  bool complete = false;
  switch (part_) {
    case Part::Records: {
      TRY_ASSIGN(complete, add_records(events));
      break;
    }
    case Part::Times: {
      TRY_ASSIGN(complete, add_groups(events));
      break;
    }
    case Part::Terms: {
      TRY_ASSIGN(complete, add_terms(events));
      break;
    }
    case Part::Ids: {
      TRY_ASSIGN(complete, add_ids(events));
      break;
    }
    case Part::Tail:
      add_tail();
      TRY(flush(0));
      TRY(file_->sync_data());
      complete = true;
      break;
    case Part::Done:
      return true;
  }
  TRY(flush(kWriteBytes));
  if (complete) part_ = static_cast<Part>(static_cast<uint8_t>(part_) + 1);
  return part_ == Part::Done;
}

Result<> SegmentWriter::flush(uint64_t at_least) {
  if (out_.size() < at_least) return {};
  for (size_t at = 0; at < out_.size(); at += kWriteBytes) {
    const auto piece = std::string_view(out_).substr(at, kWriteBytes);
    TRY(file_->write_at(written_ + at, piece));
  }
  written_ += out_.size();
  out_.clear();
  if (written_ - synced_ < kSyncBytes) return {};
  synced_ = written_;
  return file_->sync_data();
}

Result<> SegmentWriter::publish() {
  TRACCIA_ASSERT(part_ == Part::Done);
  if (!named_) TRY(files_.rename(temporary_path_, path_));
  named_ = true;
  return files_.sync_directory(directory_);
}

Result<bool> SegmentWriter::add_records(uint32_t events) {
  std::string block;
  for (uint64_t done = 0; done < events; done += kBlockRecords) {
    TRY_ASSIGN(const bool more, source_.next_block(block));
    if (!more) {
      finish_records();
      return true;
    }
    append_u32(lengths_, append_unit(out_, block));
    ++units_;
  }
  return false;
}

void SegmentWriter::finish_records() {
  append_u32(footer_, std::exchange(units_, 0));
  footer_ += std::exchange(lengths_, {});
  append_u64(footer_, offset());
}

// Of the differences to the event before, those columns that say something.
Result<> SegmentWriter::add_group(uint32_t count) {
  SegmentEvent events[kGroupEvents];
  uint8_t columns = kTimesInSeconds;
  for (uint32_t i = 0; i < count; ++i) {
    TRY_ASSIGN(const bool more, source_.next_event(events[i]));
    TRACCIA_ASSERT(more);
    if (i == 0) continue;
    const auto& [at, arrival] = events[i];
    const auto& before = events[i - 1];
    const auto arrivals = int64_t{arrival} - before.arrival;
    if ((at.event_time - before.at.event_time) % 1'000'000'000 != 0) columns &= ~kTimesInSeconds;
    if (arrivals != 1) columns |= kTimesOfArrivals;
    if (at.sequence - before.at.sequence != arrivals) columns |= kTimesOfExcess;
  }
  std::string payload(1, static_cast<char>(columns));
  append_varint(payload, events[0].arrival);
  const int64_t unit = (columns & kTimesInSeconds) != 0 ? 1'000'000'000 : 1;
  for (uint32_t i = 1; i < count; ++i) {
    const auto& [at, arrival] = events[i];
    const auto& before = events[i - 1];
    const auto arrivals = int64_t{arrival} - before.arrival;
    append_varint(payload, static_cast<uint64_t>((at.event_time - before.at.event_time) / unit));
    if ((columns & kTimesOfArrivals) != 0) append_varint(payload, zigzag(arrivals));
    if ((columns & kTimesOfExcess) == 0) continue;
    append_varint(payload, zigzag(at.sequence - before.at.sequence - arrivals));
  }
  append_u32(lengths_, append_unit(out_, payload));
  append_u64(lengths_, static_cast<uint64_t>(events[0].at.event_time));
  append_u64(lengths_, static_cast<uint64_t>(events[0].at.sequence));
  ++units_;
  newest_ = events[count - 1].at.event_time;
  return {};
}

Result<bool> SegmentWriter::add_groups(uint32_t events) {
  const auto& places = source_.places();
  for (uint64_t done = 0; place_ < places.size(); done += kGroupEvents) {
    if (done >= events) return false;
    const auto& place = places[place_];
    if (in_place_ == 0) {
      append_block(places_, place.account);
      append_block(places_, place.region);
      append_u32(places_, first_);
      append_u32(places_, place.count);
      append_u32(places_, units_);
      first_ += place.count;
    }
    const auto count = std::min(place.count - in_place_, kGroupEvents);
    TRY(add_group(count));
    in_place_ += count;
    if (in_place_ < place.count) continue;
    append_u64(places_, static_cast<uint64_t>(newest_));
    in_place_ = 0;
    ++place_;
  }
  finish_groups();
  return true;
}

void SegmentWriter::finish_groups() {
  append_u32(footer_, static_cast<uint32_t>(source_.places().size()));
  footer_ += std::exchange(places_, {});
  append_u32(footer_, std::exchange(units_, 0));
  footer_ += std::exchange(lengths_, {});
  lists_at_ = offset();
  append_u64(footer_, lists_at_);
}

// A page's blocks and then their table, whose unit's bytes are given back.
std::string SegmentWriter::add_page(const std::vector<uint32_t>& numbers, size_t begin,
                                    size_t end) {
  std::string table, payload, unit;
  uint32_t before = 0;
  for (auto i = begin; i < end; i += kPostingsBlock) {
    const auto block = std::span(numbers).subspan(i, std::min<size_t>(kPostingsBlock, end - i));
    payload.clear();
    append_list_block(payload, block);
    append_varint(table, block.front() - std::exchange(before, block.front()));
    append_varint(table, append_unit(out_, payload));
  }
  append_unit(unit, table);
  return unit;
}

// Appends the list to the file, and to the terms where its root is. Few numbers become a part of
// the terms.
void SegmentWriter::add_list(const std::vector<uint32_t>& numbers) {
  append_varint(terms_, numbers.size());
  if (numbers.size() <= kInlinePostingsMax) {
    uint32_t before = 0;
    for (const auto number : numbers) append_varint(terms_, number - std::exchange(before, number));
    return;
  }
  std::string root;
  if (numbers.size() <= kPostingsBlock) {
    std::string payload;
    append_list_block(payload, numbers);
    append_varint(terms_, numbers.front());
    append_unit(root, payload);
  } else if (numbers.size() <= size_t{kPostingsBlock} * kPageBlocks) {
    root = add_page(numbers, 0, numbers.size());
  } else {
    std::string table;
    constexpr size_t kPage = size_t{kPostingsBlock} * kPageBlocks;
    uint32_t before = 0;
    for (size_t i = 0; i < numbers.size(); i += kPage) {
      const auto start = offset();
      const auto page = add_page(numbers, i, std::min(numbers.size(), i + kPage));
      append_varint(table, numbers[i] - std::exchange(before, numbers[i]));
      append_varint(table, offset() - start);
      append_varint(table, page.size());
      out_ += page;
    }
    append_unit(root, table);
  }
  append_varint(terms_, offset() - lists_at_);
  append_varint(terms_, root.size());
  out_ += root;
}

void SegmentWriter::add_term(const SegmentSource::Term& term) {
  auto shared =
      static_cast<size_t>(std::ranges::mismatch(before_, term.text).in1 - before_.begin());
  if (terms_count_ == 0) {
    terms_from_ = term.text.substr(0, shared + 1);
    shared = 0;
  }
  append_varint(terms_, shared);
  append_varint(terms_, term.text.size() - shared);
  terms_.append(term.text, shared);
  add_list(term.numbers);
}

void SegmentWriter::finish_terms_unit() {
  append_u32(lengths_, static_cast<uint32_t>(offset() - lists_at_));
  append_u32(lengths_, append_unit(out_, terms_));
  append_block(lengths_, terms_from_);
  lists_at_ = offset();
  terms_.clear();
  terms_count_ = 0;
  ++units_;
}

Result<bool> SegmentWriter::add_terms(uint32_t events) {
  SegmentSource::Term term;
  for (uint64_t done = 0; done < events; done += 1 + term.numbers.size() / 8) {
    TRY_ASSIGN(const bool more, source_.next_term(term));
    if (!more) {
      if (terms_count_ > 0) finish_terms_unit();
      append_u32(footer_, std::exchange(units_, 0));
      footer_ += std::exchange(lengths_, {});
      append_u64(footer_, offset());
      append_u32(footer_,
                 static_cast<uint32_t>((uint64_t{source_.count()} + kIdsBlock - 1) / kIdsBlock));
      return true;
    }
    add_term(term);
    if (filter_) filter_->add_term(term.text);
    before_.swap(term.text);
    if (++terms_count_ == kTermsBlock) finish_terms_unit();
  }
  return false;
}

Result<bool> SegmentWriter::add_ids(uint32_t events) {
  const auto number_width = static_cast<unsigned>(std::bit_width(source_.count()));
  for (uint64_t done = 0; done < events; done += kIdsBlock) {
    const auto first = uint64_t{units_} * kIdsBlock;
    if (first >= source_.count()) return true;
    std::vector<SegmentSource::Id> ids(std::min<uint64_t>(kIdsBlock, source_.count() - first));
    for (auto& id : ids) {
      TRY_ASSIGN(const bool more, source_.next_id(id));
      TRACCIA_ASSERT(more);
      if (filter_) filter_->add_id(id.hash);
    }
    const auto width = rice_width(ids.back().hash - ids.front().hash, ids.size());
    std::string payload{static_cast<char>(width), static_cast<char>(number_width)};
    {
      BitWriter writer(payload);
      for (size_t i = 0; i < ids.size(); ++i) {
        if (i > 0) writer.append_rice(ids[i].hash - ids[i - 1].hash, width);
        writer.append(ids[i].number, number_width);
      }
    }
    append_u32(footer_, append_unit(out_, payload));
    append_u32(footer_, ids.front().hash);
    ++units_;
  }
  return false;
}

void SegmentWriter::add_tail() {
  append_u32(footer_, static_cast<uint32_t>(source_.ingest_points().size()));
  for (const auto& [sequence, second] : source_.ingest_points()) {
    append_u64(footer_, sequence);
    append_u64(footer_, static_cast<uint64_t>(second));
  }
  const auto at = offset();
  const auto length = append_unit(out_, footer_);
  std::string tail;
  append_u64(tail, at);
  append_u32(tail, length);
  append_unit(out_, tail);
  out_ += "TRACHISE";
}

Result<WrittenSegment> write_segment(os::FileSystem& files, const std::string& directory,
                                     SegmentSource& source) {
  TRY_ASSIGN(const auto writer, SegmentWriter::create(files, directory, source));
  for (bool written = false; !written;) {
    TRY_ASSIGN(written, writer->step(kStepEvents));
  }
  TRY(writer->publish());
  return WrittenSegment{writer->path(), writer->filter()};
}

}  // namespace traccia::history
