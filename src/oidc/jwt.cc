// Decoding of tokens.
// SPDX-License-Identifier: Apache-2.0
#include "oidc/jwt.h"

#include <fmt/format.h>

#include <cmath>

#include "base/bytes.h"
#include "json/json.h"

namespace traccia::oidc {
namespace {

constexpr size_t kDepthMax = 16;
constexpr double kSecondsMax = 9e9;  // within what Time holds

std::unexpected<Error> invalid(std::string message) {
  return fail(ErrorCode::InvalidArgument, std::move(message));
}

Result<json::Object> read_part(std::string_view text) {
  TRY_ASSIGN(const auto bytes, base64url_decode(text));
  TRY_ASSIGN(auto value, json::parse(bytes, {.bytes_max = kTokenBytesMax, .depth_max = kDepthMax}));
  if (!value.is_object()) return invalid("a part of the token is no JSON object");
  return std::move(value.get_object());
}

Result<std::string> required_text(const json::Object& object, std::string_view name) {
  auto text = std::string(json::find_string(object, name));
  if (text.empty()) return invalid(fmt::format("the token has no '{}'", name));
  return text;
}

// NumericDate: seconds since 1970, fractions allowed.
Result<std::optional<Time>> read_time(const json::Object& object, std::string_view name) {
  const auto* value = json::find(object, name);
  if (value == nullptr) return std::nullopt;
  const double seconds = value->is_int64()    ? static_cast<double>(value->get_int64())
                         : value->is_double() ? value->get_double()
                                              : -1;
  if (!(seconds >= 0) || seconds > kSecondsMax) {
    return invalid(fmt::format("'{}' of the token is no time", name));
  }
  return from_unix_seconds(static_cast<int64_t>(std::floor(seconds)));
}

Result<Time> required_time(const json::Object& object, std::string_view name) {
  TRY_ASSIGN(const auto time, read_time(object, name));
  if (!time) return invalid(fmt::format("the token has no '{}'", name));
  return *time;
}

// A text, or a list of `items_max` texts at most.
Result<std::vector<std::string>> texts_of(const json::Value& value, std::string_view name,
                                          size_t items_max) {
  std::vector<std::string> out;
  if (value.is_string()) {
    out.emplace_back(value.get_string());
    return out;
  }
  const bool list = value.is_array() && value.get_array().size() <= items_max;
  if (!list) return invalid(fmt::format("'{}' of the token is no list of texts", name));
  for (const auto& item : value.get_array()) {
    if (!item.is_string()) return invalid(fmt::format("'{}' of the token is no text", name));
    out.emplace_back(item.get_string());
  }
  return out;
}

Result<std::vector<std::string>> read_texts(const json::Object& object, std::string_view name,
                                            size_t items_max = kAudiencesMax) {
  const auto* value = json::find(object, name);
  if (value == nullptr) return std::vector<std::string>();
  return texts_of(*value, name, items_max);
}

// The value of a tag is a list of one text.
Result<> add_tag(std::string_view key, const json::Value& value, Claims& claims) {
  if (claims.principal_tags.size() == kPrincipalTagsMax) {
    return invalid(fmt::format("the token has more than {} tags", kPrincipalTagsMax));
  }
  TRY_ASSIGN(auto texts, texts_of(value, key, 1));
  if (texts.size() != 1) return invalid(fmt::format("the tag '{}' of the token has no value", key));
  claims.principal_tags.emplace_back(key, std::move(texts.front()));
  return {};
}

// Nested in one claim, or each in a claim of its own.
Result<> read_tags(const json::Object& object, Claims& claims) {
  constexpr std::string_view kTags = "https://aws.amazon.com/tags";
  constexpr std::string_view kFlat = "https://aws.amazon.com/tags/principal_tags/";
  if (const auto* nested = json::find(object, kTags)) {
    if (!nested->is_object()) return invalid("the tags of the token are no JSON object");
    const auto* tags = json::find(nested->get_object(), "principal_tags");
    if (tags != nullptr && !tags->is_object()) {
      return invalid("'principal_tags' of the token is no JSON object");
    }
    if (tags != nullptr) {
      for (const auto& [key, value] : tags->get_object()) TRY(add_tag(key, value, claims));
    }
    TRY_ASSIGN(claims.transitive_tag_keys,
               read_texts(nested->get_object(), "transitive_tag_keys", kPrincipalTagsMax));
  }
  for (const auto& [name, value] : object) {
    const std::string_view claim = name;
    if (claim.starts_with(kFlat)) TRY(add_tag(claim.substr(kFlat.size()), value, claims));
  }
  TRY_ASSIGN(const auto flat, read_texts(object, "https://aws.amazon.com/tags/transitive_tag_keys",
                                         kPrincipalTagsMax));
  claims.transitive_tag_keys.insert(claims.transitive_tag_keys.end(), flat.begin(), flat.end());
  return {};
}

Result<Claims> read_claims(const json::Object& object) {
  Claims claims;
  TRY_ASSIGN(claims.issuer, required_text(object, "iss"));
  TRY_ASSIGN(claims.subject, required_text(object, "sub"));
  TRY_ASSIGN(claims.audiences, read_texts(object, "aud"));
  if (claims.audiences.empty()) return invalid("the token has no 'aud'");
  claims.authorized_party = json::find_string(object, "azp");
  TRY_ASSIGN(claims.methods, read_texts(object, "amr"));
  TRY_ASSIGN(claims.expires, required_time(object, "exp"));
  TRY_ASSIGN(claims.issued, required_time(object, "iat"));
  TRY_ASSIGN(claims.not_before, read_time(object, "nbf"));
  TRY(read_tags(object, claims));
  claims.source_identity = json::find_string(object, "https://aws.amazon.com/source_identity");
  return claims;
}

}  // namespace

Result<std::string> base64url_decode(std::string_view text) {
  std::string standard(text);
  for (char& c : standard) {
    if (c == '+' || c == '/' || c == '=') return invalid("not base64url");
    if (c == '-') c = '+';
    if (c == '_') c = '/';
  }
  if (standard.size() % 4 == 1) return invalid("not base64url");
  standard.append((4 - standard.size() % 4) % 4, '=');
  return base64_decode(standard);
}

Result<Token> decode_token(std::string_view text) {
  if (text.size() > kTokenBytesMax) return invalid("the token is too long");
  const auto first = text.find('.');
  const auto second = first == text.npos ? text.npos : text.find('.', first + 1);
  if (second == text.npos || text.find('.', second + 1) != text.npos) {
    return invalid("a token has three parts");
  }
  TRY_ASSIGN(const auto header, read_part(text.substr(0, first)));
  if (header.contains("crit")) return invalid("the token has critical extensions");
  Token token;
  TRY_ASSIGN(token.algorithm, required_text(header, "alg"));
  token.key_id = json::find_string(header, "kid");
  TRY_ASSIGN(const auto claims, read_part(text.substr(first + 1, second - first - 1)));
  TRY_ASSIGN(token.claims, read_claims(claims));
  token.signed_part = text.substr(0, second);
  TRY_ASSIGN(token.signature, base64url_decode(text.substr(second + 1)));
  return token;
}

}  // namespace traccia::oidc
