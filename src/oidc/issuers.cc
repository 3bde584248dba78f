// Fetching the keys of issuers.
// SPDX-License-Identifier: Apache-2.0
#include "oidc/issuers.h"

#include <fmt/format.h>

#include "json/json.h"

namespace traccia::oidc {
namespace {

constexpr std::string_view kScheme = "https://";

std::unexpected<Error> unavailable(std::string message) {
  return fail(ErrorCode::Unavailable, std::move(message));
}

}  // namespace

Result<std::string> Issuers::get(const std::string& url) const {
  if (!url.starts_with(kScheme)) return unavailable(fmt::format("'{}' is not https", url));
  const auto slash = std::min(url.find('/', kScheme.size()), url.size());
  http::ClientOptions options;
  options.connect_timeout = options.total_timeout = kFetchTimeout;
  options.response_bytes_max = kDocumentBytesMax;
  options.ca_file = options_.ca_file;
  options.guard = &options_.guard;
  http::Client client(std::move(options));
  http::Request request;
  request.method = "GET";
  request.path = slash < url.size() ? url.substr(slash) : "/";
  request.headers.add("Accept", "application/json");
  TRY_ASSIGN(auto answer, client.send(url.substr(0, slash), request));
  if (answer.status != 200) return unavailable(fmt::format("{} answers {}", url, answer.status));
  return std::move(answer.body);
}

// OpenID Connect Discovery 1.0, 4.
Result<Issuers::Keys> Issuers::fetch(const std::string& url) const {
  const auto base = url.ends_with('/') ? url.substr(0, url.size() - 1) : url;
  TRY_ASSIGN(const auto text, get(base + "/.well-known/openid-configuration"));
  const auto document = json::parse(text, {.bytes_max = kDocumentBytesMax, .depth_max = 32});
  if (!document || !document->is_object()) {
    return unavailable(fmt::format("the discovery document of {} is no JSON object", url));
  }
  const auto& object = document->get_object();
  if (json::find_string(object, "issuer") != url) {
    return unavailable(fmt::format("the discovery document of {} names another issuer", url));
  }
  TRY_ASSIGN(const auto keys, get(std::string(json::find_string(object, "jwks_uri"))));
  auto set = KeySet::parse(keys);
  if (!set) return unavailable(fmt::format("keys of {}: {}", url, set.error().message()));
  return std::make_shared<const KeySet>(std::move(*set));
}

Result<Issuers::Keys> Issuers::keys_of(const std::string& url, std::string_view key_id) {
  const auto now = clock_.monotonic();
  {
    const MutexLock lock(mutex_);
    if (entries_.size() >= kIssuersMax && !entries_.contains(url)) {
      std::erase_if(entries_, [](const auto& entry) { return !entry.second.fetching; });
    }
    auto& entry = entries_[url];
    const bool fresh = entry.keys != nullptr && now < entry.fetched + kKeysLifetime;
    if (fresh && entry.keys->has(key_id)) return entry.keys;
    const bool tried = entry.ever_tried && now < entry.tried + kFetchInterval;
    if (tried || entry.fetching || fetches_ >= kFetchesMax) {
      if (fresh) return entry.keys;
      return unavailable(fmt::format("the keys of {} were asked for just now", url));
    }
    entry.fetching = entry.ever_tried = true;
    entry.tried = now;
    ++fetches_;
  }
  auto fetched = fetch(url);
  const MutexLock lock(mutex_);
  auto& entry = entries_[url];
  entry.fetching = false;
  --fetches_;
  if (!fetched) return std::unexpected(std::move(fetched).error());
  entry.keys = *fetched;
  entry.fetched = now;
  return fetched;
}

}  // namespace traccia::oidc
