// Any bytes as a digest file or as a key: read, or refused.
// SPDX-License-Identifier: Apache-2.0
#include "base/assert.h"
#include "digest/format.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace traccia;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto parts = digest::parse_digest_key(text)) {
    TRACCIA_ASSERT(digest::parse_digest_key(digest::digest_key(*parts)).has_value());
  }
  (void)digest::parse_log_key(text);
  (void)digest::read_digest(text).has_value();
  if (const auto file = digest::parse_digest(text)) {
    const auto again = digest::render_digest(*file);
    TRACCIA_ASSERT(digest::render_digest(digest::parse_digest(again).value()) == again);
  }
  return 0;
}
