// The keys of issuers, fetched when they are asked for and kept for a while.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/mutex.h"
#include "http/client.h"
#include "oidc/key_set.h"
#include "os/os.h"

namespace traccia::oidc {

struct IssuersOptions {
  http::AddressGuard guard = {};
  std::string ca_file = {};  // empty: the system's
};

// Thread-safe. Fetches block the thread that asks, for kFetchTimeout at most for each of two
// documents; while one runs for an issuer, others who need it are told to come again.
class Issuers {
 public:
  static constexpr size_t kIssuersMax = 256;
  static constexpr int kFetchesMax = 4;  // at a time
  static constexpr std::chrono::seconds kFetchTimeout{5};
  static constexpr size_t kDocumentBytesMax = 1 << 20;
  static constexpr std::chrono::minutes kKeysLifetime{60};
  // After a fetch, whatever its outcome: also for a key id that was not in it.
  static constexpr std::chrono::seconds kFetchInterval{10};

  using Keys = std::shared_ptr<const KeySet>;

  Issuers(os::Clock& clock, IssuersOptions options) : clock_(clock), options_(std::move(options)) {}

  // The keys behind https://…/.well-known/openid-configuration, fetched again when the key is not
  // among those that are kept. `url` is the issuer's, "https://host/path". Unavailable when it does
  // not answer as an issuer does; PermissionDenied for an address that the guard refuses.
  Result<Keys> keys_of(const std::string& url, std::string_view key_id);

 private:
  struct Entry {
    Keys keys;
    Duration fetched{0};  // of the monotonic clock
    Duration tried{0};
    bool ever_tried = false;
    bool fetching = false;
  };

  Result<Keys> fetch(const std::string& url) const;
  Result<std::string> get(const std::string& url) const;

  os::Clock& clock_;
  const IssuersOptions options_;
  Mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_ GUARDED_BY(mutex_);
  int fetches_ GUARDED_BY(mutex_) = 0;
};

}  // namespace traccia::oidc
