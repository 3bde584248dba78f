// Turns a frozen head into a segment.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "history/encoding.h"
#include "history/segment.h"
#include "history/terms.h"

namespace traccia::history {
namespace {

constexpr size_t kWriteBytes = 8 << 20;

class Writer {
 public:
  explicit Writer(const Head& head) : head_(head) {}

  std::string render();

 private:
  void number_events();
  void add_records();
  void add_groups();
  void add_postings_and_terms();
  void add_ids();
  void add_postings(std::string& entry, const std::vector<uint32_t>& numbers, uint64_t origin);
  void add_group(uint32_t first, uint32_t end);
  void add_tail();

  const Head& head_;
  std::string out_;
  std::string footer_;
  std::vector<uint32_t> order_;      // arrival by number
  std::vector<uint32_t> number_of_;  // number by arrival
  struct PlaceRange {
    uint32_t number = 0;  // the head's
    uint32_t first = 0, count = 0;
  };
  std::vector<PlaceRange> places_;
  std::string groups_;  // their part of the footer
  uint32_t group_count_ = 0;
};

void Writer::number_events() {
  order_.reserve(head_.count());
  for (const auto& [name, place] : head_.places()) {
    auto arrivals = head_.arrivals(place);
    std::ranges::sort(arrivals, {}, [&](uint32_t arrival) { return head_.place_of(arrival); });
    places_.push_back(
        {place, static_cast<uint32_t>(order_.size()), static_cast<uint32_t>(arrivals.size())});
    order_.insert(order_.end(), arrivals.begin(), arrivals.end());
  }
  number_of_.resize(order_.size());
  for (uint32_t i = 0; i < order_.size(); ++i) number_of_[order_[i]] = i;
}

void Writer::add_records() {
  append_block(footer_, {});  // version 1 has no options
  const auto dictionary_length = append_unit(out_, head_.dictionary()->text());
  append_u32(footer_, dictionary_length);
  append_u32(footer_, static_cast<uint32_t>(head_.blocks().size()));
  for (const auto& block : head_.blocks()) append_u32(footer_, append_unit(out_, *block));
}

// Differences to the event before, of time, arrival, and sequence less that of arrival.
void Writer::add_group(uint32_t first, uint32_t end) {
  std::string payload;
  const auto base = head_.place_of(order_[first]);
  auto before = base;
  int64_t arrival = 0;
  for (auto i = first; i < end; ++i) {
    const auto at = head_.place_of(order_[i]);
    append_varint(payload, static_cast<uint64_t>(at.event_time - before.event_time));
    append_varint(payload, zigzag(order_[i] - arrival));
    append_varint(payload, zigzag((at.sequence - before.sequence) - (order_[i] - arrival)));
    arrival = order_[i];
    before = at;
  }
  append_u32(groups_, append_unit(out_, payload));
  append_u64(groups_, static_cast<uint64_t>(base.event_time));
  append_u64(groups_, static_cast<uint64_t>(base.sequence));
  ++group_count_;
}

void Writer::add_groups() {
  append_u64(footer_, out_.size());
  append_u32(footer_, static_cast<uint32_t>(places_.size()));
  auto range = places_.begin();
  for (const auto& [name, place] : head_.places()) {
    append_block(footer_, name.first);
    append_block(footer_, name.second);
    append_u32(footer_, range->first);
    append_u32(footer_, range->count);
    append_u32(footer_, group_count_);
    const auto end = range->first + range->count;
    append_u64(footer_, static_cast<uint64_t>(head_.place_of(order_[end - 1]).event_time));
    for (auto i = range->first; i < end; i += kGroupEvents) {
      add_group(i, std::min(end, i + kGroupEvents));
    }
    ++range;
  }
  append_u32(footer_, group_count_);
  footer_ += groups_;
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

void Writer::add_postings_and_terms() {
  std::vector<uint32_t> rank(places_.size());  // place in the segment by place in the head
  for (uint32_t i = 0; i < places_.size(); ++i) rank[places_[i].number] = i;
  std::vector<std::pair<std::string, const std::vector<uint32_t>*>> terms;
  terms.reserve(head_.terms().size());
  for (const auto& [term, arrivals] : head_.terms()) {
    std::string renamed;
    append_place(renamed, rank[place_of_term(term)]);
    renamed.append(term, kPlaceBytes);
    terms.emplace_back(std::move(renamed), &arrivals);
  }
  std::ranges::sort(terms, {}, [](const auto& term) -> const std::string& { return term.first; });
  const auto origin = out_.size();
  append_u64(footer_, origin);
  std::vector<std::string> blocks;
  std::vector<uint32_t> numbers;
  for (size_t i = 0; i < terms.size(); ++i) {
    const auto& [term, arrivals] = terms[i];
    if (i % kTermsBlock == 0) blocks.emplace_back();
    auto& block = blocks.back();
    std::string_view before;
    if (i % kTermsBlock != 0) before = terms[i - 1].first;
    const auto shared =
        static_cast<size_t>(std::ranges::mismatch(before, term).in1 - before.begin());
    append_varint(block, shared);
    append_varint(block, term.size() - shared);
    block.append(term, shared);
    const auto first = places_[place_of_term(term)].first;
    numbers.clear();
    for (const auto arrival : *arrivals) {
      numbers.push_back(number_of_[arrival] - first);
    }
    std::ranges::sort(numbers);
    add_postings(block, numbers, origin);
  }
  append_u64(footer_, out_.size());
  append_u32(footer_, static_cast<uint32_t>(blocks.size()));
  for (size_t i = 0; i < blocks.size(); ++i) {
    append_u32(footer_, append_unit(out_, blocks[i]));
    append_block(footer_, terms[i * kTermsBlock].first);
  }
}

void Writer::add_ids() {
  std::vector<std::pair<uint32_t, uint32_t>> ids;  // hash, number
  ids.reserve(order_.size());
  for (uint32_t i = 0; i < order_.size(); ++i) ids.emplace_back(head_.id_hash(order_[i]), i);
  std::ranges::sort(ids);
  append_u64(footer_, out_.size());
  append_u32(footer_, static_cast<uint32_t>((ids.size() + kIdsBlock - 1) / kIdsBlock));
  for (size_t i = 0; i < ids.size(); i += kIdsBlock) {
    std::string payload;
    uint32_t before = 0;
    for (auto j = i; j < std::min(ids.size(), i + kIdsBlock); ++j) {
      append_varint(payload, ids[j].first - std::exchange(before, ids[j].first));
      append_varint(payload, ids[j].second);
    }
    append_u32(footer_, append_unit(out_, payload));
    append_u32(footer_, ids[i].first);
  }
}

void Writer::add_tail() {
  append_u32(footer_, static_cast<uint32_t>(head_.ingest_points().size()));
  for (const auto& [sequence, second] : head_.ingest_points()) {
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

std::string Writer::render() {
  out_ = "TRACHIS1";
  append_u64(footer_, head_.start().position);
  append_u64(footer_, head_.start().taken);
  append_u64(footer_, head_.end().position);
  append_u64(footer_, head_.end().taken);
  append_u32(footer_, head_.count());
  number_events();
  add_records();
  add_groups();
  add_postings_and_terms();
  add_ids();
  add_tail();
  return std::move(out_);
}

}  // namespace

Result<std::string> write_segment(os::FileSystem& files, const std::string& directory,
                                  const Head& head) {
  const auto path = fmt::format("{}/{:020}-{:010}{}", directory, head.start().position,
                                head.start().taken, kSegmentSuffix);
  const auto temporary = path + ".new";
  const auto bytes = Writer(head).render();
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
