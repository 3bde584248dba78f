// Message authentication codes over OpenSSL 3.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace traccia::crypto {

enum class MacHash : uint8_t { Sha224, Sha256, Sha384, Sha512 };

// HMAC (RFC 2104), as long as the hash. Thread-safe.
std::string hmac(MacHash hash, std::string_view key, std::string_view bytes);

}  // namespace traccia::crypto
