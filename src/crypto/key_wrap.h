// AES Key Wrap with Padding (RFC 5649).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace traccia::crypto {

// `key` is of 16, 24 or 32 bytes; what is wrapped has one byte at least. Thread-safe.
std::string wrap_padded(std::string_view key, std::string_view plaintext);
// InvalidArgument when the bytes were not wrapped under this key, or the key has another size.
Result<std::string> unwrap_padded(std::string_view key, std::string_view wrapped);

}  // namespace traccia::crypto
