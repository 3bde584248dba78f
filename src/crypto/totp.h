// Time-based one-time passwords (RFC 6238), and Base32 (RFC 4648) in which their seeds are written.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"

namespace traccia::crypto {

// RFC 2104 with SHA-1: what authenticator apps use.
std::string hmac_sha1(std::string_view key, std::string_view bytes);

inline constexpr int64_t kTotpStepSeconds = 30;
inline constexpr unsigned kTotpDigits = 6;

int64_t totp_step(Time time);
// The code of that step, with leading zeros. `digits` is 6 to 8.
std::string totp_code(std::string_view seed, int64_t step, unsigned digits = kTotpDigits);

// Upper case, padded with `=` to a multiple of eight characters.
std::string base32_encode(std::string_view bytes);

}  // namespace traccia::crypto
