// Derivation and caching of signing keys.
// SPDX-License-Identifier: Apache-2.0
#include "aws/sigv4_key.h"

#include "aws/sigv4_canonical.h"
#include "crypto/crypto.h"

namespace traccia::aws {

std::string derive_signing_key(std::string_view secret_access_key, const Scope& scope) {
  std::string key = "AWS4";
  key.append(secret_access_key);
  key = crypto::hmac_sha256(key, scope.date);
  key = crypto::hmac_sha256(key, scope.region);
  key = crypto::hmac_sha256(key, scope.service);
  return crypto::hmac_sha256(key, kScopeEnd);
}

std::string SigningKeyCache::get(std::string_view secret_access_key, const Scope& scope) {
  std::string name = crypto::sha256(secret_access_key);
  name.append(scope_text(scope));
  {
    MutexLock lock(mutex_);
    if (const auto found = keys_.find(name); found != keys_.end()) return found->second;
  }
  std::string key = derive_signing_key(secret_access_key, scope);
  MutexLock lock(mutex_);
  if (keys_.size() >= kKeysMax) keys_.clear();
  keys_.emplace(std::move(name), key);
  return key;
}

size_t SigningKeyCache::size() const {
  MutexLock lock(mutex_);
  return keys_.size();
}

}  // namespace traccia::aws
