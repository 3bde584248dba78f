// Numbers and sorts what a head keeps by arrival.
// SPDX-License-Identifier: Apache-2.0
#include "history/head_source.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "history/terms.h"

namespace traccia::history {

HeadSource::HeadSource(const Head& head) : head_(head) {
  number_events();
}

void HeadSource::number_events() {
  order_.reserve(head_.count());
  rank_.resize(head_.places().size());
  for (const auto& [name, place] : head_.places()) {
    auto arrivals = head_.arrivals(place);
    std::ranges::sort(arrivals, {}, [&](uint32_t arrival) { return head_.place_of(arrival); });
    rank_[place] = static_cast<uint32_t>(places_.size());
    first_.push_back(static_cast<uint32_t>(order_.size()));
    places_.push_back({name.first, name.second, static_cast<uint32_t>(arrivals.size())});
    order_.insert(order_.end(), arrivals.begin(), arrivals.end());
  }
  number_of_.resize(order_.size());
  for (uint32_t i = 0; i < order_.size(); ++i) number_of_[order_[i]] = i;
}

Result<bool> HeadSource::next_block(std::string& block) {
  if (block_ == head_.blocks().size()) return false;
  block = *head_.blocks()[block_++];
  return true;
}

Result<bool> HeadSource::next_event(SegmentEvent& event) {
  if (event_ == order_.size()) return false;
  const auto arrival = order_[event_++];
  event = {head_.place_of(arrival), arrival};
  return true;
}

void HeadSource::sort_terms() {
  const auto& table = head_.terms();
  terms_.resize(table.count());
  std::iota(terms_.begin(), terms_.end(), 0);
  std::ranges::sort(terms_, {}, [&](uint32_t term) {
    return std::tuple(rank_[table.place(term)], table.attribute(term), table.value(term));
  });
}

Result<bool> HeadSource::next_term(Term& term) {
  if (term_ == 0) sort_terms();
  if (term_ == terms_.size()) return false;
  const auto& table = head_.terms();
  const auto number = terms_[term_++];
  const auto rank = rank_[table.place(number)];
  render_term(term.text, rank, table.attribute(number), table.value(number));
  term.numbers.clear();
  table.append_arrivals(number, term.numbers);
  for (auto& arrival : term.numbers) arrival = number_of_[arrival] - first_[rank];
  std::ranges::sort(term.numbers);
  return true;
}

void HeadSource::sort_ids() {
  ids_.reserve(order_.size());
  for (uint32_t i = 0; i < order_.size(); ++i) ids_.push_back({head_.id_hash(order_[i]), i});
  std::ranges::sort(ids_, {}, [](const Id& id) { return std::pair(id.hash, id.number); });
}

Result<bool> HeadSource::next_id(Id& id) {
  if (id_ == 0) sort_ids();
  if (id_ == ids_.size()) return false;
  id = ids_[id_++];
  return true;
}

}  // namespace traccia::history
