// The key under which secrets are sealed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "os/os.h"

namespace traccia::identity {

// 32 random bytes in a file of mode 0600; made at first start. InvalidArgument when the file has
// another size or is readable by others.
class MasterKey {
 public:
  static Result<MasterKey> load_or_create(os::Os os, const std::string& path);
  explicit MasterKey(std::string bytes) : bytes_(std::move(bytes)) {}
  // AES-256-GCM; `context` binds the ciphertext to its place ("access-key/AKIA…").
  std::string seal(std::string_view plaintext, std::string_view context) const;
  Result<std::string> open(std::string_view sealed, std::string_view context) const;

 private:
  std::string bytes_;
};

}  // namespace traccia::identity
