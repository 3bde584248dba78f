// The keys that sign digests: one RSA key per region at a time, sealed at rest.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "crypto/crypto.h"
#include "meta/database.h"

namespace traccia::digest {

extern const std::string_view kKeySchema;

struct PublicKey {
  std::string public_pkcs1_der;
  Time valid_from;
  Time valid_to;
  std::string fingerprint;
};

// Facts 4.3: about 30 days, overlapping at rotation.
inline constexpr std::chrono::hours kKeyValidity{30 * 24};
inline constexpr std::chrono::hours kKeyOverlap{24};
inline constexpr unsigned kKeyBits = 2048;

// Seals and opens private keys; bound to the place by `context`.
struct Sealer {
  std::function<std::string(std::string_view plaintext, std::string_view context)> seal;
  std::function<Result<std::string>(std::string_view sealed, std::string_view context)> open;
};

struct SigningKey {
  crypto::RsaPrivateKey key;
  std::string fingerprint;
};

// The region's key to sign with at `now`; made when there is none or the newest enters its overlap.
Result<SigningKey> signing_key(meta::Transaction& transaction, const Sealer& sealer,
                               std::string_view region, Time now);

// Keys whose validity overlaps [start, end], oldest first; without `start` those valid at `now`.
Result<std::vector<PublicKey>> list_public_keys(meta::Transaction& transaction,
                                                std::string_view region, std::optional<Time> start,
                                                std::optional<Time> end, Time now);

}  // namespace traccia::digest
