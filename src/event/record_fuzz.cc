// Any bytes as a request body: each record is admitted or refused with a reason, and what was
// admitted reads back the same.
// SPDX-License-Identifier: Apache-2.0
#include "base/assert.h"
#include "event/record.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace traccia;
  const auto records = event::split_body({reinterpret_cast<const char*>(data), size}, 1000);
  if (!records) return 0;
  event::AdmitOptions options;
  options.account = "111122223333";
  options.default_region = "us-east-1";
  options.now = from_unix_seconds(1'800'000'000);
  options.may_import = true;
  options.new_event_id = [] { return std::string("id"); };
  event::RecordMemory memory(size);
  for (const auto& raw : *records) {
    const auto record = event::admit(raw.json, options, memory);
    if (!record) {
      TRACCIA_ASSERT(!record.error().reason().empty());
      continue;
    }
    TRACCIA_ASSERT(record->json.find('\n') == std::string::npos);
    const auto again = event::read_stored(memory.keep_padded(record->json), "", memory);
    TRACCIA_ASSERT(again && again->json == record->json && again->event_id == record->event_id);
  }
  return 0;
}
