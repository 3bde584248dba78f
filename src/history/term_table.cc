// An open hash table over values in an arena; arrivals in chunks that are linked backwards.
// SPDX-License-Identifier: Apache-2.0
#include "history/term_table.h"

#include <xxhash.h>

#include <algorithm>
#include <span>

#include "base/assert.h"

namespace traccia::history {
namespace {

constexpr uint32_t kChunkHead = 2;  // the one before, the size
constexpr uint32_t kChunkMin = 4;   // arrivals; each further chunk of a term holds twice as many
constexpr uint32_t kChunkMax = 64;
constexpr size_t kSlotsMin = 1024;

uint32_t hash_term(uint32_t place, Attribute attribute, std::string_view value) {
  const auto seed = uint64_t{place} << 8 | static_cast<uint64_t>(attribute);
  return static_cast<uint32_t>(XXH3_64bits_withSeed(value.data(), value.size(), seed));
}

}  // namespace

size_t TermTable::slot_of(uint32_t hash, uint32_t place, Attribute attribute,
                          std::string_view value) const {
  const auto mask = slots_.size() - 1;
  for (size_t slot = hash & mask;; slot = (slot + 1) & mask) {
    if (slots_[slot] == kNone) return slot;
    const auto& term = terms_[slots_[slot]];
    if (term.hash == hash && term.place == place && term.attribute == attribute &&
        term.value == value) {
      return slot;
    }
  }
}

// At most two of three slots are taken.
void TermTable::grow() {
  if (slots_.size() * 2 > terms_.size() * 3 + 2) return;
  slots_.assign(std::max(kSlotsMin, slots_.size() * 2), kNone);
  const auto mask = slots_.size() - 1;
  for (uint32_t i = 0; i < terms_.size(); ++i) {
    auto slot = terms_[i].hash & mask;
    while (slots_[slot] != kNone) slot = (slot + 1) & mask;
    slots_[slot] = i;
  }
}

void TermTable::append(Term& term, uint32_t arrival) {
  if (term.chunk == kNone || term.used == chunks_[term.chunk + 1]) {
    const auto size =
        term.chunk == kNone ? kChunkMin : std::min(chunks_[term.chunk + 1] * 2, kChunkMax);
    const auto at = chunks_.size();
    TRACCIA_ASSERT(at + kChunkHead + size < kNone);
    chunks_.resize(at + kChunkHead + size);
    chunks_[at] = std::exchange(term.chunk, static_cast<uint32_t>(at));
    chunks_[at + 1] = size;
    term.used = 0;
  }
  chunks_[term.chunk + kChunkHead + term.used++] = arrival;
}

void TermTable::add(uint32_t place, Attribute attribute, std::string_view value, uint32_t arrival) {
  grow();
  const auto hash = hash_term(place, attribute, value);
  auto& slot = slots_[slot_of(hash, place, attribute, value)];
  if (slot == kNone) {
    slot = count();
    terms_.push_back({.value = values_.copy(value),
                      .hash = hash,
                      .place = place,
                      .count = 1,
                      .first = arrival,
                      .last = arrival,
                      .attribute = attribute});
    if (place >= by_place_.size()) by_place_.resize(place + 1);
    by_place_[place][static_cast<size_t>(attribute)].push_back(slot);
    return;
  }
  auto& term = terms_[slot];
  if (term.last == arrival) return;
  TRACCIA_ASSERT(term.last < arrival);
  append(term, arrival);
  term.last = arrival;
  ++term.count;
}

std::optional<uint32_t> TermTable::find(uint32_t place, Attribute attribute,
                                        std::string_view value) const {
  if (slots_.empty()) return std::nullopt;
  const auto slot = slot_of(hash_term(place, attribute, value), place, attribute, value);
  if (slots_[slot] == kNone) return std::nullopt;
  return slots_[slot];
}

const std::vector<uint32_t>& TermTable::of(uint32_t place, Attribute attribute) const {
  static const std::vector<uint32_t> none;
  if (place >= by_place_.size()) return none;
  return by_place_[place][static_cast<size_t>(attribute)];
}

// What is left to read of a term, from the newest arrival down.
class TermTable::Arrivals : public Postings {
 public:
  Arrivals(const TermTable& table, const Term& term)
      : table_(table),
        count_(term.count),
        first_(term.first),
        chunk_(term.chunk),
        left_(term.chunk == kNone ? 1 : term.used) {}

  uint64_t count() const override { return count_; }
  Result<Step> below(uint32_t limit, Work& work) override {
    work.spend(1);
    for (; left_ > 0; drop_chunk(), work.spend(1)) {
      const auto here = arrivals();
      if (here.front() >= limit) continue;
      const auto end = std::ranges::lower_bound(here, limit) - here.begin();
      left_ = static_cast<uint32_t>(end);
      return Step::match(here[left_ - 1]);
    }
    return Step{};
  }
  // All that is left of the chunk, ascending.
  std::span<const uint32_t> arrivals() const {
    if (chunk_ == kNone) return {&first_, left_};
    return std::span(table_.chunks_).subspan(chunk_ + kChunkHead, left_);
  }
  bool at_end() const { return left_ == 0; }
  void drop_chunk() {
    if (chunk_ == kNone) {
      left_ = 0;
      return;
    }
    chunk_ = table_.chunks_[chunk_];
    left_ = chunk_ == kNone ? 1 : table_.chunks_[chunk_ + 1];
  }

 private:
  const TermTable& table_;
  uint64_t count_;
  uint32_t first_;
  uint32_t chunk_;  // kNone: what is left is the first arrival
  uint32_t left_;
};

PostingsPtr TermTable::postings(uint32_t term) const {
  return std::make_unique<Arrivals>(*this, terms_[term]);
}

void TermTable::append_arrivals(uint32_t term, std::vector<uint32_t>& out) const {
  for (Arrivals rest(*this, terms_[term]); !rest.at_end(); rest.drop_chunk()) {
    const auto here = rest.arrivals();
    out.insert(out.end(), here.rbegin(), here.rend());
  }
}

}  // namespace traccia::history
