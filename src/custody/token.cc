// The master key wrapped by a key in a token.
// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"
#include "custody/wrapper.h"
#include "pkcs11/token_key.h"

namespace traccia::custody {
namespace {

constexpr std::string_view kContext = "traccia master key 1";

class Token : public Wrapper {
 public:
  Token(os::Random& random, std::unique_ptr<pkcs11::TokenKey> key)
      : random_(random), key_(std::move(key)) {}

  std::string_view kind() const override { return "pkcs11"; }

  Result<std::string> wrap(std::string_view key) override {
    const auto nonce = random_.bytes(pkcs11::TokenKey::kNonceBytes);
    TRY_ASSIGN(const auto sealed, key_->encrypt(nonce, key, kContext));
    return base64_encode(nonce + sealed);
  }

  Result<std::string> unwrap(std::string_view text) override {
    const auto bytes = base64_decode(text);
    if (!bytes || bytes->size() < pkcs11::TokenKey::kNonceBytes) {
      return fail(ErrorCode::DataLoss, "not what a token wrapped");
    }
    const auto view = std::string_view(*bytes);
    return key_->decrypt(view.substr(0, pkcs11::TokenKey::kNonceBytes),
                         view.substr(pkcs11::TokenKey::kNonceBytes), kContext);
  }

 private:
  os::Random& random_;
  std::unique_ptr<pkcs11::TokenKey> key_;
};

}  // namespace

Result<std::unique_ptr<Wrapper>> open_token(os::Os os, const std::string& uri,
                                            std::string_view pin) {
  TRY_ASSIGN(auto key, pkcs11::TokenKey::open(uri, pin));
  return std::make_unique<Token>(os.random, std::move(key));
}

}  // namespace traccia::custody
