// Reading and asking key sets.
// SPDX-License-Identifier: Apache-2.0
#include "oidc/key_set.h"

#include <algorithm>

#include "json/json.h"

namespace traccia::oidc {
namespace {

constexpr json::ParseLimits kLimits{.bytes_max = 1 << 20, .depth_max = 16};

Result<crypto::JwkPublicKey> read_key(const json::Object& jwk) {
  const auto bytes = [&](std::string_view name) {
    return base64url_decode(json::find_string(jwk, name));
  };
  const auto type = json::find_string(jwk, "kty");
  if (type == "RSA") {
    TRY_ASSIGN(const auto modulus, bytes("n"));
    TRY_ASSIGN(const auto exponent, bytes("e"));
    return crypto::JwkPublicKey::rsa(modulus, exponent);
  }
  if (type == "EC" && json::find_string(jwk, "crv") == "P-256") {
    TRY_ASSIGN(const auto x, bytes("x"));
    TRY_ASSIGN(const auto y, bytes("y"));
    return crypto::JwkPublicKey::p256(x, y);
  }
  return fail(ErrorCode::InvalidArgument, "a key of another type");
}

}  // namespace

Result<KeySet> KeySet::parse(std::string_view text) {
  TRY_ASSIGN(const auto value, json::parse(text, kLimits));
  const auto* list = value.is_object() ? json::find(value.get_object(), "keys") : nullptr;
  if (list == nullptr || !list->is_array() || list->get_array().size() > kKeysMax) {
    return fail(ErrorCode::InvalidArgument, "not a key set");
  }
  KeySet set;
  for (const auto& item : list->get_array()) {
    if (!item.is_object()) continue;
    const auto& jwk = item.get_object();
    const auto use = json::find_string(jwk, "use");
    if (!use.empty() && use != "sig") continue;
    auto key = read_key(jwk);
    if (key) set.keys_.push_back({std::string(json::find_string(jwk, "kid")), std::move(*key)});
  }
  return set;
}

bool KeySet::has(std::string_view key_id) const {
  return std::ranges::any_of(keys_,
                             [&](const Key& key) { return key_id.empty() || key.id == key_id; });
}

bool KeySet::verifies(const Token& token) const {
  return std::ranges::any_of(keys_, [&](const Key& key) {
    if (!token.key_id.empty() && key.id != token.key_id) return false;
    if (token.algorithm != (key.key.is_rsa() ? "RS256" : "ES256")) return false;
    return key.key.verifies_sha256(token.signed_part, token.signature);
  });
}

}  // namespace traccia::oidc
