// What wraps the master key: a key that does not leave a token or a service.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "os/os.h"

namespace traccia::custody {

// Owned by one thread. Errors say what to do, and have no secrets.
class Wrapper {
 public:
  virtual ~Wrapper() = default;
  virtual std::string_view kind() const = 0;  // "pkcs11": what a wrapped key says of itself
  // One line of text, without spaces.
  virtual Result<std::string> wrap(std::string_view key) = 0;
  virtual Result<std::string> unwrap(std::string_view text) = 0;
};

// A key in the token that a PKCS#11 URI names.
Result<std::unique_ptr<Wrapper>> open_token(os::Os os, const std::string& uri,
                                            std::string_view pin);
// A key of a transit service (HashiCorp Vault, OpenBao):
// "transit+https://HOST[:PORT]/MOUNT/KEY[?namespace=NAME]", or transit+http:// to loopback.
// `ca_file` empty: the system's authorities. Nothing is asked before the first wrap or unwrap.
Result<std::unique_ptr<Wrapper>> open_transit(const std::string& url, std::string_view token,
                                              std::string_view ca_file);
bool is_transit_url(std::string_view text);

}  // namespace traccia::custody
