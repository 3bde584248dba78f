// Any bytes as predicates and events: the graph answers what the predicates mean one by one.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/assert.h"
#include "match/case_from_bytes.h"
#include "match/graph.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace traccia;
  match::CaseFromBytes source({reinterpret_cast<const char*>(data), size});
  const auto predicates = source.predicates();
  const auto graph = match::Graph::compile(predicates).value();
  match::Scratch scratch;
  for (int round = 0; round < 4; ++round) {
    const auto event = source.event();
    const auto view = event.view();
    const auto found = graph->evaluate(view, scratch);
    std::vector<match::SubscriptionIndex> matched(found.begin(), found.end());
    std::ranges::sort(matched);
    std::vector<match::SubscriptionIndex> expected;
    for (size_t i = 0; i < predicates.size(); ++i) {
      if (match::matches(predicates[i], view)) {
        expected.push_back(static_cast<match::SubscriptionIndex>(i));
      }
    }
    TRACCIA_ASSERT(matched == expected);
  }
  return 0;
}
