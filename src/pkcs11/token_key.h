// A secret key that stays in a token (HSM), over PKCS#11.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace traccia::pkcs11 {

// An AES key in a token, found by a URI (RFC 7512) that names the module, the token and the object:
// "pkcs11:token=TOKEN;object=KEY?module-path=/usr/lib/softhsm/libsofthsm2.so". Owned by one thread;
// holds a session with the token until it is destroyed.
class TokenKey {
 public:
  // Messages say what to do. InvalidArgument: the URI, or the PIN; NotFound: no such token or key;
  // Unavailable: the module or the token does not work. The PIN is not kept.
  static Result<std::unique_ptr<TokenKey>> open(const std::string& uri, std::string_view pin);
  ~TokenKey();

  // AES-GCM in the token, with a tag of 128 bits; `nonce` is of kNonceBytes and used once. The
  // context is authenticated, not stored.
  static constexpr size_t kNonceBytes = 12;
  Result<std::string> encrypt(std::string_view nonce, std::string_view plaintext,
                              std::string_view context);
  // InvalidArgument when the bytes were not encrypted so under this key.
  Result<std::string> decrypt(std::string_view nonce, std::string_view ciphertext,
                              std::string_view context);

 private:
  struct State;
  explicit TokenKey(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Whether the text is a URI of this kind.
bool is_uri(std::string_view text);

}  // namespace traccia::pkcs11
