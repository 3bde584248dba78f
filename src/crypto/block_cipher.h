// Authenticated encryption of a stream's blocks, each to be read without the others.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "crypto/secret.h"

namespace traccia::crypto {

// AES-256-GCM with a block's number as its nonce: each stream needs a key of its own, and each
// block is sealed once. Owned by one thread.
class BlockCipher {
 public:
  static constexpr size_t kKeyBytes = 32;
  static constexpr size_t kTagBytes = 16;

  explicit BlockCipher(std::string_view key);  // of kKeyBytes
  ~BlockCipher();
  BlockCipher(const BlockCipher&) = delete;
  BlockCipher& operator=(const BlockCipher&) = delete;

  // Appends the ciphertext, as long as `plaintext`, and the tag. `context` is authenticated, not
  // stored.
  void seal(uint64_t number, std::string_view plaintext, std::string_view context,
            std::string& out);
  // Opens the ciphertext in its place. DataLoss when anything is not as it was sealed.
  Result<> open(uint64_t number, std::span<char> ciphertext, std::string_view tag,
                std::string_view context);

 private:
  Secret key_;
  void* cipher_;
};

}  // namespace traccia::crypto
