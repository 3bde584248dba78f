// libcurl as a blocking client.
// SPDX-License-Identifier: Apache-2.0
#include "http/client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <optional>

#include "base/assert.h"

namespace traccia::http {
namespace {

// One global initialisation for the process.
void initialise() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  TRACCIA_ASSERT(code == CURLE_OK);
}

struct Incoming {
  Response response;
  uint64_t bytes_max = 0;
  uint64_t header_bytes = 0;
  bool head_ended = false;
  bool too_large = false;
};

constexpr uint64_t kHeaderBytesMax = 256 << 10;

size_t on_body(char* data, size_t, size_t count, void* user) {
  auto& incoming = *static_cast<Incoming*>(user);
  if (incoming.response.body.size() + count > incoming.bytes_max) {
    incoming.too_large = true;
    return 0;
  }
  incoming.response.body.append(data, count);
  return count;
}

size_t on_header(char* data, size_t, size_t count, void* user) {
  auto& incoming = *static_cast<Incoming*>(user);
  incoming.header_bytes += count;
  if (incoming.header_bytes > kHeaderBytesMax) {
    incoming.too_large = true;
    return 0;
  }
  std::string_view line(data, count);
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) {
    incoming.response.headers = {};  // of an interim answer before
    incoming.head_ended = false;
  } else if (line.empty()) {
    incoming.head_ended = true;
  } else if (const auto colon = line.find(':'); colon != line.npos) {
    incoming.response.headers.add(line.substr(0, colon), line.substr(colon + 1));
  }
  return count;
}

struct Guarded {
  const AddressGuard& guard;
  bool refused = false;
};

// libcurl's own way of opening a socket, asked first; it is libcurl's from then on.
curl_socket_t open_guarded(void* user, curlsocktype, curl_sockaddr* address) {
  auto& guarded = *static_cast<Guarded*>(user);
  if (!guarded.guard.admits(address->addr)) {
    guarded.refused = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

struct ListFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderLines = std::unique_ptr<curl_slist, ListFree>;

HeaderLines header_lines(const Request& request) {
  HeaderLines lines;
  const auto add = [&](const std::string& line) {
    auto* longer = curl_slist_append(lines.get(), line.c_str());
    TRACCIA_ASSERT(longer != nullptr);
    (void)lines.release();
    lines.reset(longer);
  };
  for (const auto& [name, value] : request.headers) {
    add(value.empty() ? fmt::format("{};", name) : fmt::format("{}: {}", name, value));
  }
  // curl would add these by itself; signatures and servers want to see only what was asked for.
  for (const auto* name : {"Accept", "Expect", "Content-Type", "User-Agent"}) {
    if (!request.headers.find(name)) add(std::string(name) + ":");
  }
  return lines;
}

// libcurl asks at least once a second.
int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(user)->load() ? 1 : 0;
}

}  // namespace

struct Client::State {
  ClientOptions options;
  CURL* handle = nullptr;
};

Client::Client(ClientOptions options) : state_(std::make_unique<State>()) {
  initialise();
  state_->options = std::move(options);
  state_->handle = curl_easy_init();
  TRACCIA_ASSERT(state_->handle != nullptr);
}

Client::~Client() {
  curl_easy_cleanup(state_->handle);
}

Result<Response> Client::send(const std::string& base_url, const Request& request) {
  auto* curl = state_->handle;
  const auto& options = state_->options;
  if (options.stop != nullptr && *options.stop) {
    return fail(ErrorCode::Unavailable, fmt::format("{} {}: stopped", request.method, base_url));
  }
  curl_easy_reset(curl);  // keeps connections
  const auto url = fmt::format("{}{}{}{}", base_url, request.path, request.query.empty() ? "" : "?",
                               request.query);
  const auto headers = header_lines(request);
  Incoming incoming;
  incoming.bytes_max = options.response_bytes_max;
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(options.connect_timeout.count()));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(options.total_timeout.count()));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &incoming);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &incoming);
  if (!options.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, options.ca_file.c_str());
  if (request.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  } else if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
  }
  std::optional<Guarded> guarded;
  if (options.guard != nullptr) {
    guarded.emplace(Guarded{*options.guard});
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_guarded);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &*guarded);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
  }
  if (options.stop != nullptr) {
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    // libcurl hands it back as it got it; on_progress() only reads.
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, const_cast<std::atomic<bool>*>(options.stop));
  }
  const auto code = curl_easy_perform(curl);
  if (incoming.too_large) {
    return fail(ErrorCode::ResourceExhausted,
                fmt::format("the answer has more than {} bytes, or {} of headers",
                            options.response_bytes_max, kHeaderBytesMax));
  }
  if (code != CURLE_OK && guarded && guarded->refused) {
    return fail(ErrorCode::PermissionDenied,
                fmt::format("{} {}: its address is not public, and is not allowed", request.method,
                            base_url));
  }
  if (code != CURLE_OK) {
    return fail(ErrorCode::Unavailable,
                fmt::format("{} {}: {}", request.method, base_url, curl_easy_strerror(code)));
  }
  // libcurl takes what it has for the whole.
  if (!incoming.head_ended) {
    return fail(ErrorCode::Unavailable,
                fmt::format("{} {}: the answer's head was cut", request.method, base_url));
  }
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  incoming.response.status = static_cast<int>(status);
  return std::move(incoming.response);
}

}  // namespace traccia::http
