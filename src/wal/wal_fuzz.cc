// Any bytes as a segment file: opening and reading give entries or an error that names the place.
// SPDX-License-Identifier: Apache-2.0
#include "os/fake_os.h"
#include "wal/entry.h"
#include "wal/wal.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace traccia;
  os::FakeOs fake;
  if (!fake.files.make_directories("/wal")) return 0;
  {
    auto file = fake.files.open("/wal/00000000000000000000.wal", os::OpenMode::CreateNew);
    std::string bytes(reinterpret_cast<const char*>(data), size);
    // Half of the inputs start behind a sound header, so that the fuzzer reaches the entries.
    if (size > 0 && data[0] % 2 == 0) bytes = wal::render_segment_header(0) + bytes.substr(1);
    if (!file || !(*file)->write_at(0, bytes)) return 0;
  }
  auto log = wal::Wal::open(fake.files, "/wal", {});
  if (!log) return 0;
  auto at = (*log)->begin();
  while (true) {
    const auto entry = (*log)->read(at);
    if (!entry || !*entry) return 0;
    at = (*entry)->next;
  }
}
