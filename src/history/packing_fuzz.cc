// Unpacking outside bytes is bounded, and packing loses nothing.
// SPDX-License-Identifier: Apache-2.0
#include "base/assert.h"
#include "history/packing.h"

namespace traccia::history {
namespace {

constexpr size_t kBytesMax = 64 << 10;

void run(std::string_view input) {
  Packer packer;
  std::string skeleton, bits, record;
  packer.pack(input, skeleton, bits);
  TRACCIA_ASSERT(unpack(skeleton, bits, input.size(), record));
  TRACCIA_ASSERT(record == input);
  const auto cut = input.size() / 2;
  record.clear();
  (void)unpack(input.substr(0, cut), input.substr(cut), kBytesMax, record);
  TRACCIA_ASSERT(record.size() <= kBytesMax + UINT8_MAX);
}

}  // namespace
}  // namespace traccia::history

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  traccia::history::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
