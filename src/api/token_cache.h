// Ingest tokens that were found valid, so that events need no look-up in the database each.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "base/time.h"
#include "crypto/crypto.h"
#include "identity/identity.h"

namespace traccia::api {

// Thread-safe. Keeps hashes, not secrets.
class TokenCache {
 public:
  static constexpr size_t kTokensMax = 4096;

  // Changes with every forget(): what was read from the database before is not kept after it.
  uint64_t generation() const {
    const MutexLock lock(mutex_);
    return generation_;
  }
  std::optional<identity::Token> find(std::string_view secret, Time now) const {
    const auto hash = crypto::sha256(secret);
    const MutexLock lock(mutex_);
    const auto at = tokens_.find(hash);
    if (at == tokens_.end() || (at->second.expires && *at->second.expires <= now)) {
      return std::nullopt;
    }
    return at->second;
  }
  void keep(std::string_view secret, const identity::Token& token, uint64_t generation) {
    auto hash = crypto::sha256(secret);
    const MutexLock lock(mutex_);
    if (generation != generation_) return;
    if (tokens_.size() >= kTokensMax) tokens_.clear();
    tokens_.insert_or_assign(std::move(hash), token);
  }
  // After a token may have changed, before its change is answered.
  void forget() {
    const MutexLock lock(mutex_);
    ++generation_;
    tokens_.clear();
  }

 private:
  mutable Mutex mutex_;
  uint64_t generation_ GUARDED_BY(mutex_) = 0;
  std::map<std::string, identity::Token> tokens_ GUARDED_BY(mutex_);  // by SHA-256 of the secret
};

}  // namespace traccia::api
