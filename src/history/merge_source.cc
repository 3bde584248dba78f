// Merges by place, time and sequence; what the index says is renumbered on the way.
// SPDX-License-Identifier: Apache-2.0
#include "history/merge_source.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "history/terms.h"

namespace traccia::history {
namespace {

constexpr uint32_t kSampleRecords = 16 << 10;
constexpr size_t kSampleBytesMax = 24 << 20;
constexpr size_t kMergedDictionaryBytesMax = 256 << 10;
// The best that still merges about 100 000 events a second and core.
constexpr int kMergedLevel = 7;

}  // namespace

Result<std::unique_ptr<MergeSource>> MergeSource::create(
    std::vector<std::shared_ptr<const Segment>> segments) {
  TRACCIA_ASSERT(!segments.empty());
  std::unique_ptr<MergeSource> source(new MergeSource());
  for (auto& segment : segments) {
    // Neighbours may begin and end in one second.
    auto& points = source->ingest_points_;
    for (const auto& point : segment->ingest_points()) {
      if (points.empty() || points.back().second < point.second) points.push_back(point);
    }
    auto& input = source->inputs_.emplace_back();
    input.first_arrival = source->count_;
    source->count_ += segment->count();
    input.new_numbers.resize(segment->count());
    input.segment = std::move(segment);
  }
  source->name_places();
  TRY(source->train());
  return source;
}

void MergeSource::name_places() {
  std::map<std::pair<std::string, std::string>, uint32_t> counts;
  for (const auto& input : inputs_) {
    for (const auto& [name, place] : input.segment->places()) counts[name] += place.count;
  }
  uint32_t first = 0;
  for (const auto& [name, count] : counts) {
    places_.push_back({name.first, name.second, count});
    firsts_.push_back(first);
    first += count;
  }
  for (auto& input : inputs_) {
    auto at = counts.begin();
    uint32_t rank = 0;
    for (const auto& [name, place] : input.segment->places()) {
      for (; at->first != name; ++at) ++rank;
      input.ranks.push_back(rank);
    }
  }
}

// Whole blocks from all over the inputs, so that it costs little.
Result<> MergeSource::train() {
  const auto step = std::max<uint32_t>(1, count_ / kSampleRecords);
  std::vector<std::string> samples;
  std::string bits;
  size_t bytes = 0;
  for (const auto& input : inputs_) {
    const auto size = input.segment->block_records();
    const auto blocks = (input.segment->count() + size - 1) / size;
    for (uint32_t number = 0; number < blocks && bytes < kSampleBytesMax; number += step) {
      TRY_ASSIGN(const auto block, input.segment->block(number));
      for (uint32_t i = 0; i < std::min(size, input.segment->count() - number * size); ++i) {
        TRY_ASSIGN(const auto record, block->record(i));
        auto& sample = samples.emplace_back();
        bits.clear();
        packer_->pack(record, sample, bits);
        bytes += sample.size();
      }
    }
  }
  dictionary_.emplace(compress::train_dictionary(samples, kMergedDictionaryBytesMax), kMergedLevel);
  return {};
}

Result<bool> MergeSource::next_record() {
  while (record_ == inputs_[record_input_].segment->count()) {
    if (record_input_ + 1 == inputs_.size()) return false;
    ++record_input_;
    record_ = 0;
  }
  const auto& segment = *inputs_[record_input_].segment;
  const auto size = segment.block_records();
  if (record_ % size == 0) {
    TRY_ASSIGN(block_, segment.block(record_ / size));
  }
  auto record = block_->record(record_ % size);
  if (!record) return segment.damaged_block(record_ / size, record.error().message());
  ++record_;
  builder_.add(*record, *packer_);
  return true;
}

Result<bool> MergeSource::next_block(std::string& block) {
  while (builder_.count() < kBlockRecords) {
    TRY_ASSIGN(const bool more, next_record());
    if (!more) break;
  }
  if (builder_.count() == 0) {
    block_.reset();
    return false;
  }
  block = builder_.finish(*dictionary_);
  return true;
}

Result<> MergeSource::load_event(Input& input) {
  input.event.reset();
  if (input.place == nullptr || input.number == input.place->count) return {};
  TRY_ASSIGN(input.event, input.segment->event(*input.place, input.number, input.group));
  return {};
}

void MergeSource::enter_place() {
  const auto& name = places_[place_];
  for (auto& input : inputs_) {
    const auto& places = input.segment->places();
    const auto at = places.find({name.account, name.region});
    input.place = at == places.end() ? nullptr : &at->second;
    input.number = 0;
  }
}

Result<bool> MergeSource::next_event(SegmentEvent& event) {
  if (place_ == places_.size()) return false;
  if (in_place_ == 0) {
    enter_place();
    for (auto& input : inputs_) TRY(load_event(input));
  }
  Input* first = nullptr;
  for (auto& input : inputs_) {
    if (input.event && (first == nullptr || input.event->at < first->event->at)) first = &input;
  }
  TRACCIA_ASSERT(first != nullptr);
  event = {first->event->at, first->first_arrival + first->event->arrival};
  first->new_numbers[first->place->first + first->number] = in_place_;
  ++first->number;
  TRY(load_event(*first));
  if (++in_place_ < places_[place_].count) return true;
  in_place_ = 0;
  ++place_;
  return true;
}

Result<> MergeSource::next_term_of(Input& input) {
  input.term.clear();
  TRY_ASSIGN(const bool more, input.terms->next());
  if (!more) return {};
  const auto& text = input.terms->term().text;
  const auto place = place_of_term(text);
  if (place >= input.ranks.size()) return input.segment->damaged(0, "a term is of no place");
  append_place(input.term, input.ranks[place]);
  input.term.append(text, kPlaceBytes);
  return {};
}

Result<> MergeSource::add_numbers(const Input& input, std::vector<uint32_t>& numbers) const {
  const auto& term = input.terms->term();
  const auto before = numbers.size();
  TRY(input.segment->read_list(term, numbers));
  const auto& name = places_[place_of_term(input.term)];
  const auto& place = input.segment->places().at({name.account, name.region});
  for (auto i = before; i < numbers.size(); ++i) {
    if (numbers[i] >= place.count) {
      return input.segment->damaged(term.list_offset, "a term names an event that is not there");
    }
    numbers[i] = input.new_numbers[place.first + numbers[i]];
  }
  return {};
}

Result<bool> MergeSource::next_term(Term& term) {
  if (!std::exchange(terms_begun_, true)) {
    for (auto& input : inputs_) {
      input.terms.emplace(*input.segment, "");
      TRY(next_term_of(input));
    }
  }
  const std::string* first = nullptr;
  for (const auto& input : inputs_) {
    if (!input.term.empty() && (first == nullptr || input.term < *first)) first = &input.term;
  }
  if (first == nullptr) return false;
  term.text = *first;
  term.numbers.clear();
  for (auto& input : inputs_) {
    if (input.term != term.text) continue;
    TRY(add_numbers(input, term.numbers));
    TRY(next_term_of(input));
  }
  if (!std::ranges::is_sorted(term.numbers)) std::ranges::sort(term.numbers);
  return true;
}

Result<> MergeSource::load_ids(Input& input) {
  if (input.id < input.ids.size()) return {};
  input.id = 0;
  input.ids.clear();
  if (input.id_unit == input.segment->id_units()) return {};
  TRY_ASSIGN(input.ids, input.segment->read_ids(input.id_unit++));
  return {};
}

Result<bool> MergeSource::next_id(Id& id) {
  Input* first = nullptr;
  for (auto& input : inputs_) {
    TRY(load_ids(input));
    if (input.ids.empty()) continue;
    if (first == nullptr || input.ids[input.id].hash < first->ids[first->id].hash) first = &input;
  }
  if (first == nullptr) return false;
  const auto& [hash, number] = first->ids[first->id++];
  // The places of a segment follow one another.
  const auto& places = first->segment->places();
  auto at = places.begin();
  uint32_t rank = 0;
  if (first->ranks.size() > 1) {
    while (number - at->second.first >= at->second.count) ++at, ++rank;
  }
  id = {hash, firsts_[first->ranks[rank]] + first->new_numbers[number]};
  return true;
}

}  // namespace traccia::history
