// Signing keys of Signature Version 4: derived from a secret for one day, region and service.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "aws/sigv4.h"
#include "base/mutex.h"

namespace traccia::aws {

// HMAC(HMAC(HMAC(HMAC("AWS4" + secret, date), region), service), "aws4_request"); 32 bytes.
std::string derive_signing_key(std::string_view secret_access_key, const Scope& scope);

// Saves the four HMACs of a derivation for callers that come again. Holds derived keys, each good
// for a day, and a hash of the secret, never the secret. When full it starts afresh: the keys in
// use come back at the price of one derivation each. thread-safe.
class SigningKeyCache {
 public:
  static constexpr size_t kKeysMax = 4096;

  std::string get(std::string_view secret_access_key, const Scope& scope);
  size_t size() const;

 private:
  mutable Mutex mutex_;
  std::map<std::string, std::string> keys_ GUARDED_BY(mutex_);
};

}  // namespace traccia::aws
