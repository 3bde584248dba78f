// Reads the offset of the test clock.
// SPDX-License-Identifier: Apache-2.0
#include "server/test_clock.h"

#include <fmt/format.h>

#include <charconv>

namespace traccia::server {

Result<> TestClock::reload() {
  TRY_ASSIGN(const auto text, os::read_file(os_.files, path_, 64));
  int64_t seconds = 0;
  const auto line = std::string_view(text).substr(0, text.find('\n'));
  const auto* end = line.data() + line.size();
  if (line.empty() || std::from_chars(line.data(), end, seconds).ptr != end || seconds < 0) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("'{}' must hold a number of seconds that is not negative", path_));
  }
  // Time goes forward only, as monotonic() promises.
  if (seconds > offset_.load()) offset_.store(seconds);
  return {};
}

}  // namespace traccia::server
