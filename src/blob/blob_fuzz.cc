// Any bytes as a blob's file: it is read whole or refused.
// SPDX-License-Identifier: Apache-2.0
#include "base/assert.h"
#include "blob/blob.h"
#include "blob/format.h"
#include "os/fake_os.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace traccia;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto header = blob::parse_header(bytes.substr(0, blob::kHeaderBytes))) {
    TRACCIA_ASSERT(header->size <= 1ULL << 48);
  }
  const std::string data_key(blob::kDataKeyBytes, 'k');
  os::FakeOs fake;
  const auto store = blob::BlobStore::open(fake.os(), "/b").value();
  const auto id = store->put(bytes).value();
  TRACCIA_ASSERT(store->read_all(id).value() == bytes);
  auto file = fake.files.open("/b/" + id.substr(0, 2) + "/" + id, os::OpenMode::ReadWrite).value();
  TRACCIA_ASSERT(file->write_at(0, bytes).has_value());
  (void)store->read_all(id).has_value();
  (void)store->read_all(id, data_key).has_value();
  (void)store->scrub(id).has_value();
  const auto small = store->put(bytes, data_key, blob::Packing::Small).value();
  TRACCIA_ASSERT(store->read_all(small, data_key).value() == bytes);
  return 0;
}
