// Assertions for programmer errors. On in every build: a wrong acknowledged record is worse than a
// restart that replays the log. Never used for bytes from disk, network or users.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <source_location>

namespace traccia {

[[noreturn]] void assertion_failed(const char* expression,
                                   std::source_location where = std::source_location::current());

}  // namespace traccia

#define TRACCIA_ASSERT(expression) \
  (static_cast<bool>(expression) ? void(0) : ::traccia::assertion_failed(#expression))
