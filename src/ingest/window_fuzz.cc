// Any bytes as a file of the repeat window: opening and reading give records or an error.
// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"
#include "compress/compress.h"
#include "ingest/window_file.h"
#include "os/fake_os.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace traccia;
  os::FakeOs fake;
  if (!fake.files.make_directories("/w")) return 0;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  // Half of the inputs are a header with its checksum, so that the fuzzer reaches what is in it.
  if (size > 0 && data[0] % 2 == 0) {
    const auto header = bytes.substr(1);
    bytes = "TRACWIN1";
    append_u32(bytes, static_cast<uint32_t>(header.size()));
    bytes += header;
    append_u32(bytes, compress::crc32c(header));
    bytes.resize((bytes.size() + 4095) / 4096 * 4096);
  }
  if (!os::write_file_atomically(fake.files, "/w/a.window", bytes)) return 0;
  const auto file = ingest::WindowFile::open(fake.files, "/w/a.window");
  if (!file) return 0;
  for (size_t page = 0; page < (*file)->pages(); ++page) (void)(*file)->read_page(page);
  (void)(*file)->find({});
  return 0;
}
