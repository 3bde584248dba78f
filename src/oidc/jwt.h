// JSON Web Tokens in their compact form (RFC 7519, 7515).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace traccia::oidc {

inline constexpr size_t kTokenBytesMax = 20'000;  // "AssumeRoleWithWebIdentity", WebIdentityToken
inline constexpr size_t kAudiencesMax = 32;
inline constexpr size_t kPrincipalTagsMax = 50;  // of a session

// What is claimed; nothing of it is proven.
struct Claims {
  std::string issuer;
  std::string subject;
  std::vector<std::string> audiences;
  std::string authorized_party;      // azp; empty when absent
  std::vector<std::string> methods;  // amr
  // What AWS passes on to the session ("Passing session tags using AssumeRoleWithWebIdentity").
  std::vector<std::pair<std::string, std::string>> principal_tags;
  std::vector<std::string> transitive_tag_keys;
  std::string source_identity;  // empty when absent
  Time expires;
  Time issued;
  std::optional<Time> not_before;
};

struct Token {
  std::string algorithm;  // of the header: "RS256"
  std::string key_id;     // empty when absent
  Claims claims;
  std::string signed_part;  // header and claims as they were sent
  std::string signature;    // bytes
};

// InvalidArgument for what is no such token, lacks a claim that AWS requires (iss, sub, aud, exp,
// iat), or has critical extensions (RFC 7515, 4.1.11).
Result<Token> decode_token(std::string_view text);

// RFC 4648, 5, without padding; strict.
Result<std::string> base64url_decode(std::string_view text);

}  // namespace traccia::oidc
