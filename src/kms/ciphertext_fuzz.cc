// Ciphertexts are outside bytes: whatever they are, they are refused or read, and none opens that
// was not made with the material.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "kms/ciphertext.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace traccia::kms;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto read = decode_ciphertext(bytes);
  if (!read) {
    TRACCIA_ASSERT(read.error().reason() == "InvalidCiphertext");
    return 0;
  }
  TRACCIA_ASSERT(read->header.size() + read->sealed.size() == bytes.size());
  // What the header names, encrypted anew, is under the same header.
  const std::string material(kMaterialBytes, 'm');
  const auto made =
      encrypt(material, {read->account, read->key_id, read->material}, read->salt, "plaintext", {});
  TRACCIA_ASSERT(made.starts_with(read->header));
  const auto again = decode_ciphertext(made);
  TRACCIA_ASSERT(again && decrypt(material, *again, {}).value() == "plaintext");
  TRACCIA_ASSERT(!decrypt(material, *again, {{"k", "v"}}));
  TRACCIA_ASSERT(!decrypt(std::string(kMaterialBytes, 'n'), *read, {}));
  return 0;
}
