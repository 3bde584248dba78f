// Page tokens: where a look-up goes on, bound to the query that they were given for.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "history/history.h"

namespace traccia::history {

// The last event given. Events compare by time, then by sequence.
struct PagePlace {
  int64_t event_time = 0;  // unix nanoseconds
  int64_t sequence = 0;
  auto operator<=>(const PagePlace&) const = default;
};

std::string encode_token(const Query& query, PagePlace place);
// InvalidArgument, reason "InvalidNextToken", when the text is not a token for this query.
Result<PagePlace> decode_token(const Query& query, std::string_view token);

}  // namespace traccia::history
