// A blocking HTTP(S) client over libcurl with connection reuse. Follows no redirects.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include "base/error.h"
#include "http/address_guard.h"
#include "http/message.h"

namespace traccia::http {

struct ClientOptions {
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds total_timeout{120000};
  uint64_t response_bytes_max = 256ULL << 20;
  std::string ca_file = {};  // empty: the system's; AWS_CA_BUNDLE is the caller's business
  // For URLs that somebody else chose: each address is asked about when a connection to it is to be
  // made, so a name cannot stand for another one later. Proxies are not used then. Borrowed.
  const AddressGuard* guard = nullptr;
  // Once it is true, a request under way ends within a second, as Unavailable. Borrowed.
  const std::atomic<bool>* stop = nullptr;
};

// Not thread-safe: one client per thread; each keeps its connections alive.
class Client {
 public:
  explicit Client(ClientOptions options);
  ~Client();
  // `base_url` is scheme://host[:port]; path and query come from the request, sent as they are.
  // Transport failures are Unavailable, addresses that the guard refuses PermissionDenied; any
  // HTTP status is a Response.
  Result<Response> send(const std::string& base_url, const Request& request);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace traccia::http
