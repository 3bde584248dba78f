// The table of terms against maps and sorted lists.
// SPDX-License-Identifier: Apache-2.0
#include "history/term_table.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>
#include <string>
#include <tuple>

namespace traccia::history {
namespace {

using Key = std::tuple<uint32_t, Attribute, std::string>;
using Oracle = std::map<Key, std::set<uint32_t>>;

// Few keys, so that some have many arrivals.
Key random_key() {
  return {*rc::gen::inRange<uint32_t>(0, 3),
          *rc::gen::element(Attribute::EventName, Attribute::ResourceName),
          std::to_string(*rc::gen::inRange(0, *rc::gen::element(2, 500)))};
}

void add_random(TermTable& table, Oracle& oracle, uint32_t& arrival, int count) {
  for (int i = 0; i < count; ++i) {
    const auto key = random_key();
    arrival += *rc::gen::inRange<uint32_t>(0, 3);
    const auto& [place, attribute, value] = key;
    auto& arrivals = oracle[key];
    arrivals.insert(arrival);
    table.add(place, attribute, value, arrival);
  }
}

std::vector<uint32_t> below_all(Postings& postings, uint32_t limit) {
  Work work{1 << 30};
  std::vector<uint32_t> out;
  while (true) {
    const auto step = postings.below(limit, work).value();
    if (!step.is_match()) return out;
    out.push_back(step.number);
    limit = step.number;
  }
}

RC_GTEST_PROP(TermTable, FindsWhatWasAdded, ()) {
  TermTable table;
  Oracle oracle;
  uint32_t arrival = 0;
  RC_ASSERT(!table.find(0, Attribute::EventName, "none"));
  add_random(table, oracle, arrival, *rc::gen::inRange(0, 3000));
  RC_ASSERT(table.count() == oracle.size());
  std::map<std::pair<uint32_t, Attribute>, size_t> per_place;
  for (const auto& [key, arrivals] : oracle) {
    const auto& [place, attribute, value] = key;
    ++per_place[{place, attribute}];
    const auto term = table.find(place, attribute, value);
    RC_ASSERT(term.has_value());
    RC_ASSERT(table.place(*term) == place);
    RC_ASSERT(table.attribute(*term) == attribute);
    RC_ASSERT(table.value(*term) == value);
    RC_ASSERT(table.arrival_count(*term) == arrivals.size());
    std::vector<uint32_t> newest_first;
    table.append_arrivals(*term, newest_first);
    RC_ASSERT(newest_first == std::vector<uint32_t>(arrivals.rbegin(), arrivals.rend()));
    RC_ASSERT(below_all(*table.postings(*term), arrival + 1) == newest_first);
  }
  for (const auto& [where, count] : per_place) {
    RC_ASSERT(table.of(where.first, where.second).size() == count);
  }
  RC_ASSERT(table.of(17, Attribute::EventName).empty());
}

// As a look-up reads it in pieces, and from any limit down.
RC_GTEST_PROP(TermTable, ReadersKeepWhatTheySaw, ()) {
  TermTable table;
  Oracle oracle;
  uint32_t arrival = 0;
  add_random(table, oracle, arrival, *rc::gen::inRange(1, 2000));
  const auto& [key, arrivals] = *oracle.begin();
  const auto& [place, attribute, value] = key;
  const std::set<uint32_t> before = arrivals;
  const auto end = arrival + 1;
  const auto postings = table.postings(*table.find(place, attribute, value));
  RC_ASSERT(postings->count() == before.size());
  Work work{1 << 30};
  auto limit = end;
  while (limit > 0) {
    add_random(table, oracle, arrival, *rc::gen::inRange(0, 50));
    limit = *rc::gen::inRange<uint32_t>(0, limit);
    const auto step = postings->below(limit, work).value();
    const auto next = before.lower_bound(limit);
    RC_ASSERT(step.is_match() == (next != before.begin()));
    if (!step.is_match()) break;
    RC_ASSERT(step.number == *std::prev(next));
    RC_ASSERT(postings->below(limit, work).value().number == step.number);
  }
}

TEST(TermTable, LeapsOverWhatIsAboveTheLimit) {
  TermTable table;
  for (uint32_t i = 0; i < 100'000; ++i) table.add(0, Attribute::ReadOnly, "true", i);
  Work work{100'000};
  const auto postings = table.postings(0);
  EXPECT_EQ(postings->below(5, work).value().number, 4U);
  EXPECT_LT(100'000 - work.left, 2'000U) << "a chunk is one step";
}

}  // namespace
}  // namespace traccia::history
