// The wire protocol of transit secrets engines: POST /v1/MOUNT/encrypt/KEY and …/decrypt/KEY.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "custody/wrapper.h"
#include "http/client.h"
#include "json/json.h"

namespace traccia::custody {
namespace {

constexpr std::string_view kScheme = "transit+";
constexpr std::string_view kNamespace = "namespace=";
constexpr uint64_t kAnswerBytesMax = 1 << 20;
constexpr size_t kWordsShown = 300;  // of a service's own error texts
constexpr std::chrono::seconds kTimeout{10};

std::unexpected<Error> invalid(std::string message) {
  return fail(ErrorCode::InvalidArgument, std::move(message));
}

// "https://vault:8200/transit/traccia" in its parts.
struct Address {
  std::string base;  // "https://vault:8200"
  std::string host;
  std::string mount;  // "transit", may have slashes
  std::string key;
  std::string space;  // namespace; empty: none
};

bool is_plain(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_./").contains(c);
  });
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

Result<Address> parse(const std::string& url) {
  auto rest = std::string_view(url).substr(kScheme.size());
  const auto authority = rest.find("://");
  const auto path = authority == rest.npos ? rest.npos : rest.find('/', authority + 3);
  if (path == rest.npos) {
    return invalid("write the transit service as transit+https://HOST:PORT/MOUNT/KEY");
  }
  Address out;
  out.base = rest.substr(0, path);
  const auto scheme = rest.substr(0, authority);
  auto host = rest.substr(authority + 3, path - authority - 3);
  if (host.contains('@')) return invalid("the transit service's URL must not have credentials");
  if (const auto colon = host.rfind(':'); colon != host.npos && !host.ends_with(']')) {
    host = host.substr(0, colon);
  }
  out.host = host;
  rest = rest.substr(path + 1);
  if (const auto query = rest.find('?'); query != rest.npos) {
    const auto asked = rest.substr(query + 1);
    if (!asked.starts_with(kNamespace) || !is_plain(asked.substr(kNamespace.size()))) {
      return invalid("the transit service's URL takes no parameter but namespace=NAME");
    }
    out.space = asked.substr(kNamespace.size());
    rest = rest.substr(0, query);
  }
  const auto slash = rest.rfind('/');
  if (slash == rest.npos || !is_plain(rest.substr(0, slash)) || !is_plain(rest.substr(slash + 1))) {
    return invalid("the transit service's URL names no key: /MOUNT/KEY must follow the host");
  }
  out.mount = rest.substr(0, slash);
  out.key = rest.substr(slash + 1);
  if (scheme == "https") return out;
  if (scheme == "http" && is_loopback(out.host)) return out;
  if (scheme != "http") return invalid("the transit service's URL must be transit+https://…");
  return invalid(fmt::format(
      "transit+http:// would send the token and the key to {} in the clear; use transit+https://",
      out.host));
}

// What the service says of an error: {"errors":["…"]}.
std::string words_of(const http::Response& response) {
  const auto document = json::parse(response.body);
  if (!document || !document->is_object()) return "";
  const auto* errors = json::find(document->get_object(), "errors");
  if (errors == nullptr || !errors->is_array()) return "";
  std::string out;
  for (const auto& one : errors->get_array()) {
    if (!one.is_string()) continue;
    out += fmt::format("{}{}", out.empty() ? "" : "; ", std::string_view(one.get_string()));
  }
  for (auto& c : out) {
    if (c == '\n' || c == '\t') c = ' ';
  }
  return out.substr(0, kWordsShown);
}

class Transit : public Wrapper {
 public:
  Transit(Address address, std::string_view token, std::string_view ca_file)
      : address_(std::move(address)),
        token_(token),
        client_({.total_timeout = kTimeout,
                 .response_bytes_max = kAnswerBytesMax,
                 .ca_file = std::string(ca_file)}) {}

  std::string_view kind() const override { return "transit"; }

  Result<std::string> wrap(std::string_view key) override {
    return ask("encrypt", {{"plaintext", base64_encode(key)}}, "ciphertext");
  }

  Result<std::string> unwrap(std::string_view text) override {
    TRY_ASSIGN(const auto answer, ask("decrypt", {{"ciphertext", text}}, "plaintext"));
    const auto key = base64_decode(answer);
    if (!key) return fail(ErrorCode::Unavailable, "the transit service answered no base64");
    return *key;
  }

 private:
  Result<std::string> ask(std::string_view action, const json::Object& body,
                          std::string_view member) {
    http::Request request;
    request.method = "POST";
    request.path = fmt::format("/v1/{}/{}/{}", address_.mount, action, address_.key);
    request.headers.add("X-Vault-Token", token_);
    request.headers.add("X-Vault-Request", "true");  // agents want it
    if (!address_.space.empty()) request.headers.add("X-Vault-Namespace", address_.space);
    request.headers.add("Content-Type", "application/json");
    request.body = json::serialize(body);
    const auto response = client_.send(address_.base, request);
    if (!response) {
      return fail(ErrorCode::Unavailable,
                  fmt::format("the transit service cannot be asked for the master key: {}",
                              response.error().message()));
    }
    if (response->status != 200) return refused(action, *response);
    const auto document = json::parse(response->body);
    if (document && document->is_object()) {
      const auto* data = json::find(document->get_object(), "data");
      if (data != nullptr && data->is_object()) {
        auto text = std::string(json::find_string(data->get_object(), member));
        if (!text.empty()) return text;
      }
    }
    return fail(ErrorCode::Unavailable,
                fmt::format("{} answered without data.{}; is it a transit service?", address_.base,
                            member));
  }

  std::unexpected<Error> refused(std::string_view action, const http::Response& response) const {
    const auto words = words_of(response);
    const auto said = fmt::format("the transit service {} answered {}{}{}", address_.base,
                                  response.status, words.empty() ? "" : ": ", words);
    switch (response.status) {
      case 403:
        return fail(ErrorCode::PermissionDenied,
                    fmt::format("{}; the token must be valid and have the capability update on "
                                "{}/{}/{}",
                                said, address_.mount, action, address_.key));
      case 400:
        return invalid(fmt::format("{}; is {}/{} the key that wrapped the master key?", said,
                                   address_.mount, address_.key));
      case 404:
        return fail(ErrorCode::NotFound,
                    fmt::format("{}; is a transit engine mounted at {}/?", said, address_.mount));
      case 503:
        return fail(ErrorCode::Unavailable, fmt::format("{}; unseal it and start again", said));
      default:
        return fail(ErrorCode::Unavailable, said);
    }
  }

  Address address_;
  std::string token_;
  http::Client client_;
};

}  // namespace

bool is_transit_url(std::string_view text) {
  return text.starts_with(kScheme);
}

Result<std::unique_ptr<Wrapper>> open_transit(const std::string& url, std::string_view token,
                                              std::string_view ca_file) {
  TRY_ASSIGN(auto address, parse(url));
  return std::make_unique<Transit>(std::move(address), token, ca_file);
}

}  // namespace traccia::custody
