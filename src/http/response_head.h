// The bytes of a response before its body.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/message.h"

namespace traccia::http {

struct HeadOptions {
  unsigned version = 11;  // 10 or 11
  bool keep_alive = true;
  uint64_t body_bytes = 0;  // told unless the status has no body
  std::string_view date;    // as RFC 9110 writes it
};

// Appends status line and fields up to the empty line. Control characters in a field's value become
// spaces, so that no value can end its line.
void append_head(std::string& out, const Response& response, const HeadOptions& options);

}  // namespace traccia::http
