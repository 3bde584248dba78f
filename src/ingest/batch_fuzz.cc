// Any bytes as a log entry's payload. What can be read is laid out as it says.
// SPDX-License-Identifier: Apache-2.0
#include "base/assert.h"
#include "ingest/batch.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace traccia;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)ingest::decode_batch_heads(bytes).has_value();
  const auto entry = ingest::decode_entry(bytes);
  if (!entry) return 0;
  size_t records = 0;
  for (const auto& block : (*entry)->blocks) {
    TRACCIA_ASSERT(block.first == records && block.count > 0);
    records += block.count;
  }
  TRACCIA_ASSERT(records == (*entry)->records.size());
  return 0;
}
