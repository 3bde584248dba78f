// One-time passwords over OpenSSL's HMAC.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/totp.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/assert.h"

namespace traccia::crypto {

std::string hmac_sha1(std::string_view key, std::string_view bytes) {
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  const auto* done = HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()),
                          reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                          reinterpret_cast<unsigned char*>(out.data()), &size);
  TRACCIA_ASSERT(done != nullptr);
  out.resize(size);
  return out;
}

int64_t totp_step(Time time) {
  return to_unix_seconds(time) / kTotpStepSeconds;
}

// RFC 4226, 5.3: the last digit of the MAC says where the 31 bits lie.
std::string totp_code(std::string_view seed, int64_t step, unsigned digits) {
  std::string counter(8, '\0');
  auto left = static_cast<uint64_t>(step);
  for (size_t i = 8; i-- > 0; left >>= 8U) counter[i] = static_cast<char>(left & 0xFFU);
  const auto mac = hmac_sha1(seed, counter);
  const auto byte = [&](size_t at) { return static_cast<uint32_t>(static_cast<uint8_t>(mac[at])); };
  const size_t at = byte(mac.size() - 1) & 0xFU;
  uint32_t number =
      (byte(at) & 0x7FU) << 24U | byte(at + 1) << 16U | byte(at + 2) << 8U | byte(at + 3);
  uint32_t modulus = 1;
  for (unsigned i = 0; i < digits; ++i) modulus *= 10;
  return fmt::format("{:0{}}", number % modulus, digits);
}

std::string base32_encode(std::string_view bytes) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string out;
  uint32_t held = 0;
  unsigned bits = 0;
  for (const char c : bytes) {
    held = held << 8U | static_cast<uint8_t>(c);
    bits += 8;
    for (; bits >= 5; bits -= 5) out += kAlphabet[held >> (bits - 5) & 0x1FU];
    held &= (1U << bits) - 1;
  }
  if (bits > 0) out += kAlphabet[held << (5 - bits) & 0x1FU];
  while (out.size() % 8 != 0) out += '=';
  return out;
}

}  // namespace traccia::crypto
