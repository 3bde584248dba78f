// Writes a segment from its source.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"
#include "history/encoding.h"
#include "history/segment.h"

namespace traccia::history {
namespace {

constexpr size_t kWriteBytes = 8 << 20;

class Writer {
 public:
  explicit Writer(SegmentSource& source) : source_(source) {}

  Result<std::string> render();

 private:
  Result<> add_records();
  Result<> add_groups();
  Result<> add_postings_and_terms();
  Result<> add_ids();
  Result<> add_group(uint32_t count);
  void add_postings(std::string& entry, const std::vector<uint32_t>& numbers, uint64_t origin);
  void add_tail();

  SegmentSource& source_;
  std::string out_;
  std::string footer_;
  std::string groups_;  // their part of the footer
  uint32_t group_count_ = 0;
  int64_t newest_ = 0;  // time of the event read last
};

Result<> Writer::add_records() {
  append_block(footer_, {});  // there are no options yet
  const auto dictionary_length = append_unit(out_, source_.dictionary());
  append_u32(footer_, dictionary_length);
  std::string block, lengths;
  uint32_t count = 0;
  while (true) {
    TRY_ASSIGN(const bool more, source_.next_block(block));
    if (!more) break;
    append_u32(lengths, append_unit(out_, block));
    ++count;
  }
  append_u32(footer_, count);
  footer_ += lengths;
  return {};
}

// Differences to the event before, of time, arrival, and sequence less that of arrival.
Result<> Writer::add_group(uint32_t count) {
  std::string payload;
  SegmentEvent base, before, event;
  for (uint32_t i = 0; i < count; ++i) {
    TRY_ASSIGN(const bool more, source_.next_event(event));
    TRACCIA_ASSERT(more);
    if (i == 0) base = before = {event.at, 0};
    const auto arrivals = int64_t{event.arrival} - before.arrival;
    append_varint(payload, static_cast<uint64_t>(event.at.event_time - before.at.event_time));
    append_varint(payload, zigzag(arrivals));
    append_varint(payload, zigzag(event.at.sequence - before.at.sequence - arrivals));
    before = event;
  }
  append_u32(groups_, append_unit(out_, payload));
  append_u64(groups_, static_cast<uint64_t>(base.at.event_time));
  append_u64(groups_, static_cast<uint64_t>(base.at.sequence));
  ++group_count_;
  newest_ = event.at.event_time;
  return {};
}

Result<> Writer::add_groups() {
  append_u64(footer_, out_.size());
  append_u32(footer_, static_cast<uint32_t>(source_.places().size()));
  uint32_t first = 0;
  for (const auto& place : source_.places()) {
    append_block(footer_, place.account);
    append_block(footer_, place.region);
    append_u32(footer_, std::exchange(first, first + place.count));
    append_u32(footer_, place.count);
    append_u32(footer_, group_count_);
    for (uint32_t i = 0; i < place.count; i += kGroupEvents) {
      TRY(add_group(std::min(place.count - i, kGroupEvents)));
    }
    append_u64(footer_, static_cast<uint64_t>(newest_));
  }
  append_u32(footer_, group_count_);
  footer_ += groups_;
  return {};
}

// Numbers are ascending. Few of them go into the dictionary entry itself.
void Writer::add_postings(std::string& entry, const std::vector<uint32_t>& numbers,
                          uint64_t origin) {
  append_varint(entry, numbers.size());
  if (numbers.size() <= kInlinePostingsMax) {
    uint32_t before = 0;
    for (const auto number : numbers) append_varint(entry, number - std::exchange(before, number));
    return;
  }
  std::string blocks, table;
  for (size_t i = 0; i < numbers.size(); i += kPostingsBlock) {
    std::string payload;
    const auto end = std::min(numbers.size(), i + kPostingsBlock);
    for (auto j = i + 1; j < end; ++j) append_varint(payload, numbers[j] - numbers[j - 1]);
    append_u32(table, numbers[i]);
    append_u32(table, append_unit(blocks, payload));
  }
  append_varint(entry, out_.size() - origin);
  append_unit(out_, table);
  out_ += blocks;
}

Result<> Writer::add_postings_and_terms() {
  const auto origin = out_.size();
  append_u64(footer_, origin);
  std::vector<std::string> blocks, firsts;
  SegmentSource::Term term;
  std::string before;
  for (size_t i = 0;; ++i) {
    TRY_ASSIGN(const bool more, source_.next_term(term));
    if (!more) break;
    if (i % kTermsBlock == 0) {
      blocks.emplace_back();
      firsts.push_back(term.text);
      before.clear();
    }
    auto& block = blocks.back();
    const auto shared =
        static_cast<size_t>(std::ranges::mismatch(before, term.text).in1 - before.begin());
    append_varint(block, shared);
    append_varint(block, term.text.size() - shared);
    block.append(term.text, shared);
    add_postings(block, term.numbers, origin);
    before.swap(term.text);
  }
  append_u64(footer_, out_.size());
  append_u32(footer_, static_cast<uint32_t>(blocks.size()));
  for (size_t i = 0; i < blocks.size(); ++i) {
    append_u32(footer_, append_unit(out_, blocks[i]));
    append_block(footer_, firsts[i]);
  }
  return {};
}

Result<> Writer::add_ids() {
  append_u64(footer_, out_.size());
  append_u32(footer_, (source_.count() + kIdsBlock - 1) / kIdsBlock);
  for (uint32_t i = 0; i < source_.count(); i += kIdsBlock) {
    std::string payload;
    uint32_t first = 0, before = 0;
    for (auto j = i; j < std::min(source_.count(), i + kIdsBlock); ++j) {
      SegmentSource::Id id;
      TRY_ASSIGN(const bool more, source_.next_id(id));
      TRACCIA_ASSERT(more);
      if (j == i) first = id.hash;
      append_varint(payload, id.hash - std::exchange(before, id.hash));
      append_varint(payload, id.number);
    }
    append_u32(footer_, append_unit(out_, payload));
    append_u32(footer_, first);
  }
  return {};
}

void Writer::add_tail() {
  append_u32(footer_, static_cast<uint32_t>(source_.ingest_points().size()));
  for (const auto& [sequence, second] : source_.ingest_points()) {
    append_u64(footer_, sequence);
    append_u64(footer_, static_cast<uint64_t>(second));
  }
  const auto offset = out_.size();
  const auto length = append_unit(out_, footer_);
  std::string tail;
  append_u64(tail, offset);
  append_u32(tail, length);
  append_unit(out_, tail);
  out_ += "TRACHISE";
}

Result<std::string> Writer::render() {
  out_ = "TRACHIS2";
  append_u64(footer_, source_.start().position);
  append_u64(footer_, source_.start().taken);
  append_u64(footer_, source_.end().position);
  append_u64(footer_, source_.end().taken);
  append_u32(footer_, source_.count());
  TRY(add_records());
  TRY(add_groups());
  TRY(add_postings_and_terms());
  TRY(add_ids());
  add_tail();
  return std::move(out_);
}

}  // namespace

Result<std::string> write_segment(os::FileSystem& files, const std::string& directory,
                                  SegmentSource& source) {
  const auto path = fmt::format("{}/{:020}-{:010}{}", directory, source.start().position,
                                source.start().taken, kSegmentSuffix);
  const auto temporary = path + ".new";
  TRY_ASSIGN(const auto bytes, Writer(source).render());
  TRY_ASSIGN(const auto file, files.open(temporary, os::OpenMode::CreateReadWrite));
  TRY(file->truncate(0));
  for (size_t at = 0; at < bytes.size(); at += kWriteBytes) {
    TRY(file->write_at(at, std::string_view(bytes).substr(at, kWriteBytes)));
  }
  TRY(file->sync_data());
  TRY(files.rename(temporary, path));
  TRY(files.sync_directory(directory));
  return path;
}

}  // namespace traccia::history
