// What a symmetric key makes of a plaintext: bytes that name the key that opens them.
// Format: docs/formats/kms.md.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/error.h"

namespace traccia::kms {

using EncryptionContext = std::map<std::string, std::string>;

// The pairs in the order of their keys' bytes: the same for the same context, another for another.
std::string canonical(const EncryptionContext& context);

inline constexpr size_t kAccountBytes = 12;
inline constexpr size_t kKeyIdBytes = 36;
inline constexpr size_t kSaltBytes = 16;
inline constexpr size_t kMaterialBytes = 32;

// Views the bytes that it was read from.
struct CiphertextView {
  std::string_view account;
  std::string_view key_id;
  uint32_t material = 0;  // version, from 1
  std::string_view salt;
  std::string_view header;  // all of the above
  std::string_view sealed;  // nonce, ciphertext, tag
};

// Reason InvalidCiphertext for what cannot be one of these.
Result<CiphertextView> decode_ciphertext(std::string_view bytes);

// Which material of which key.
struct MaterialName {
  std::string_view account;  // 12 digits
  std::string_view key_id;   // as is_key_id() has it
  uint32_t version = 0;
};

// `material` is of kMaterialBytes. Each salt, which must be random, gives a key for one message, so
// that the count of messages under one material is not bounded by the size of AES-GCM's nonces.
std::string encrypt(std::string_view material, const MaterialName& name, std::string_view salt,
                    std::string_view plaintext, const EncryptionContext& context);
// Reason InvalidCiphertext when the bytes, the context or the material are not those of encrypt().
Result<std::string> decrypt(std::string_view material, const CiphertextView& ciphertext,
                            const EncryptionContext& context);

// As KMS answers: without a text.
std::unexpected<Error> invalid_ciphertext();

}  // namespace traccia::kms
