// What a filled history takes on disk, and how fast it answers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "events.h"
#include "fill.h"
#include "questions.h"

namespace traccia::bench {

struct Asking {
  uint64_t below = 0;       // events 0 … below-1 are there
  size_t questions = 2000;  // distinct ones, asked in turn
  double seconds = 2;       // for each kind
};

// {"segments":…,"bytes_per_event":{"total":…,"records":…,…}}
Result<std::string> size_json(Store& store);
// {"few":{"per_second":…,"latency_us":{…}},"pages":{…},"by_attribute":{…}}
Result<std::string> lookups_json(Store& store, const load::EventPool& pool, const Asking& asking);

}  // namespace traccia::bench
