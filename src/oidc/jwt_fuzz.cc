// Tokens and key sets are outside bytes: whatever they are, they are refused or read.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "oidc/key_set.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace traccia::oidc;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto set = KeySet::parse(text);
  if (set) TRACCIA_ASSERT(set->size() <= KeySet::kKeysMax);
  const auto token = decode_token(text);
  if (!token) return 0;
  TRACCIA_ASSERT(text.starts_with(token->signed_part));
  TRACCIA_ASSERT(!token->claims.issuer.empty() && !token->claims.audiences.empty());
  TRACCIA_ASSERT(token->claims.audiences.size() <= kAudiencesMax);
  return 0;
}
