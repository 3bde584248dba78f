// The key under which secrets are sealed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace traccia::identity {

// Where it lies: custody/master_key.h. Immutable and thread-safe.
class MasterKey {
 public:
  // Of 32 bytes.
  explicit MasterKey(std::string bytes) : bytes_(std::move(bytes)) {}
  // AES-256-GCM; `context` binds the ciphertext to its place ("access-key/AKIA…").
  std::string seal(std::string_view plaintext, std::string_view context) const;
  // The same for the same text and context, and nobody tells which text it was.
  std::string fingerprint(std::string_view text, std::string_view context) const;
  Result<std::string> open(std::string_view sealed, std::string_view context) const;

 private:
  std::string bytes_;
};

}  // namespace traccia::identity
