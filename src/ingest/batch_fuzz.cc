// Any bytes as a log entry's payload, compressed by us or not.
// SPDX-License-Identifier: Apache-2.0
#include "compress/compress.h"
#include "ingest/batch.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace traccia;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)ingest::decode_entry(bytes).has_value();
  (void)ingest::decode_batch_heads(bytes).has_value();
  (void)ingest::decode_entry(compress::zstd(bytes, 1)).has_value();
  return 0;
}
