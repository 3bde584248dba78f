// Session tokens: a version byte, then the sealed session as JSON; in base64.
// SPDX-License-Identifier: Apache-2.0
#include "identity/sessions.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "identity/ids.h"
#include "json/json.h"

namespace traccia::identity {
namespace {

constexpr char kVersion = 1;
constexpr size_t kKeyIdLetters = 20;
constexpr size_t kAccountLetters = 8;  // 40 bits hold 12 digits

// `account` is 12 digits.
std::string account_letters(std::string_view account) {
  uint64_t number = 0;
  for (const char digit : account) number = number * 10 + static_cast<uint64_t>(digit - '0');
  std::string out(kAccountLetters, kIdLetters[0]);
  for (size_t i = kAccountLetters; i-- > 0; number >>= 5U) out[i] = kIdLetters[number & 0x1FU];
  return out;
}

std::string context_of(std::string_view access_key_id) {
  return fmt::format("session/{}", access_key_id);
}

json::Array texts(const std::vector<std::string>& list) {
  json::Array out;
  for (const auto& text : list) out.emplace_back(text);
  return out;
}

std::vector<std::string> read_texts(const json::Object& object, std::string_view name) {
  std::vector<std::string> out;
  const auto* list = json::find(object, name);
  if (list == nullptr || !list->is_array()) return out;
  for (const auto& item : list->get_array()) {
    if (item.is_string()) out.emplace_back(item.get_string());
  }
  return out;
}

// Members of one letter: tokens travel with each request. What is empty is left out.
json::Object encode(const Session& session, std::string_view secret) {
  json::Object out{{"k", static_cast<int64_t>(session.kind)},
                   {"a", session.account_id},
                   {"i", session.issuer_id},
                   {"b", to_unix_seconds(session.issued)},
                   {"e", to_unix_seconds(session.expires)},
                   {"s", secret}};
  if (!session.name.empty()) out["n"] = session.name;
  if (!session.policy.empty()) out["p"] = session.policy;
  if (!session.policy_arns.empty()) out["r"] = texts(session.policy_arns);
  json::Array tags;
  for (const auto& [key, value] : session.tags) {
    tags.emplace_back(key);
    tags.emplace_back(value);
  }
  if (!tags.empty()) out["t"] = std::move(tags);
  if (!session.transitive_tag_keys.empty()) out["x"] = texts(session.transitive_tag_keys);
  if (!session.source_identity.empty()) out["o"] = session.source_identity;
  if (session.mfa) out["m"] = to_unix_seconds(*session.mfa);
  if (!session.provider.empty()) out["f"] = session.provider;
  return out;
}

std::optional<int64_t> read_number(const json::Object& object, std::string_view name) {
  const auto* value = json::find(object, name);
  if (value == nullptr || !value->is_int64()) return std::nullopt;
  return value->get_int64();
}

// What was sealed is ours; a form that this version does not know is no session.
std::optional<Sessions::Opened> decode(const json::Object& object) {
  Sessions::Opened out;
  const auto text = [&](std::string_view name) {
    return std::string(json::find_string(object, name));
  };
  const auto kind = read_number(object, "k");
  const auto issued = read_number(object, "b"), expires = read_number(object, "e");
  if (!kind || *kind < 0 || *kind > 2 || !issued || !expires) return std::nullopt;
  auto& session = out.session;
  session.kind = static_cast<SessionKind>(*kind);
  session.account_id = text("a");
  session.issuer_id = text("i");
  session.name = text("n");
  session.issued = from_unix_seconds(*issued);
  session.expires = from_unix_seconds(*expires);
  session.policy = text("p");
  session.policy_arns = read_texts(object, "r");
  const auto tags = read_texts(object, "t");
  for (size_t i = 0; i + 1 < tags.size(); i += 2) session.tags.push_back({tags[i], tags[i + 1]});
  session.transitive_tag_keys = read_texts(object, "x");
  session.source_identity = text("o");
  if (const auto mfa = read_number(object, "m")) session.mfa = from_unix_seconds(*mfa);
  session.provider = text("f");
  out.secret = text("s");
  return out;
}

}  // namespace

int64_t packed_percent(const Session& session) {
  size_t bytes = session.policy.size();
  for (const auto& arn : session.policy_arns) bytes += arn.size();
  for (const auto& tag : session.tags) bytes += tag.key.size() + tag.value.size();
  return static_cast<int64_t>((bytes * 100 + kPackedBytesMax - 1) / kPackedBytesMax);
}

std::optional<std::string> account_of_temporary_key(std::string_view access_key_id) {
  if (!access_key_id.starts_with("ASIA") || access_key_id.size() != kKeyIdLetters) return {};
  uint64_t number = 0;
  for (const char letter : access_key_id.substr(4, kAccountLetters)) {
    const auto digit = kIdLetters.find(letter);
    if (digit == kIdLetters.npos) return {};
    number = number << 5U | digit;
  }
  auto account = fmt::format("{:012}", number);
  if (account.size() != 12) return {};
  return account;
}

TemporaryKey Sessions::issue(const Session& session, size_t token_bytes_min) {
  TemporaryKey made;
  made.id = "ASIA" + account_letters(session.account_id) +
            random_.characters(kKeyIdLetters - 4 - kAccountLetters, kIdLetters);
  made.secret = random_.characters(40, kSecretLetters);
  auto text = json::serialize(encode(session, made.secret));
  // Spaces behind the document are no part of it. Three bytes become four characters.
  const auto wanted = std::min(token_bytes_min, kTokenBytesMin) * 3 / 4;
  if (text.size() < wanted) text.resize(wanted, ' ');
  const auto sealed = master_key_.seal(text, context_of(made.id));
  made.token = base64_encode(std::string(1, kVersion) + sealed);
  return made;
}

std::optional<Sessions::Opened> Sessions::open(std::string_view access_key_id,
                                               std::string_view token) const {
  if (token.size() > kTokenBytesMax) return std::nullopt;
  const auto bytes = base64_decode(token);
  if (!bytes || !bytes->starts_with(kVersion)) return std::nullopt;
  const auto text = master_key_.open(std::string_view(*bytes).substr(1), context_of(access_key_id));
  if (!text) return std::nullopt;
  const auto parsed = json::parse(*text);
  if (!parsed || !parsed->is_object()) return std::nullopt;
  return decode(parsed->get_object());
}

}  // namespace traccia::identity
