// The key that seals every secret at rest.
// SPDX-License-Identifier: Apache-2.0
#include "identity/master_key.h"

#include <fmt/format.h>

#include "crypto/crypto.h"

namespace traccia::identity {

std::string MasterKey::seal(std::string_view plaintext, std::string_view context) const {
  return crypto::seal(bytes_, plaintext, context);
}

std::string MasterKey::fingerprint(std::string_view text, std::string_view context) const {
  const auto key = crypto::hmac_sha256(bytes_, "traccia fingerprint key 1");
  return crypto::hmac_sha256(key, fmt::format("{}\n{}", context, text));
}

Result<std::string> MasterKey::open(std::string_view sealed, std::string_view context) const {
  auto opened = crypto::open_sealed(bytes_, sealed, context);
  if (!opened) {
    return std::unexpected(
        std::move(opened).error().with_context(fmt::format("open the secret '{}'", context)));
  }
  return opened;
}

}  // namespace traccia::identity
