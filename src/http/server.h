// The HTTP server: connections on a few event-loop threads, handlers on a bounded worker pool.
// Beast and Asio stay behind server.cc.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/error.h"
#include "http/latency.h"
#include "http/message.h"

namespace traccia::http {

// Sends the answer; called exactly once, from any thread. Dropped without a call, it sends 500.
using Responder = std::move_only_function<void(Response)>;
// Runs on a worker thread. May return before it answers.
using Handler = std::function<void(Request, Responder)>;
// Runs on an event loop's thread before the handler, and must not wait for anything. True when it
// took the request and the responder; else both are as they were.
using QuickHandler = std::function<bool(Request&, Responder&)>;
// Renders the server's own refusals (400, 408, 413, 431, 503); `code` is a stable word.
using Refusal =
    std::function<Response(int status, std::string_view code, std::string_view message)>;

struct ServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;           // 0 picks a free one
  unsigned event_threads = 2;  // each with connections of its own
  unsigned worker_threads = 8;
  size_t worker_queue_max = 1024;      // requests waiting for a worker; beyond: 503 + Retry-After
  size_t connections_max = 4096;       // beyond: accepted and closed with 503
  size_t header_bytes_max = 64 << 10;  // 431
  uint64_t body_bytes_max = 65ULL << 20;     // 413
  uint64_t bodies_bytes_max = 512ULL << 20;  // all bodies in memory; beyond: 503 + Retry-After
  std::chrono::seconds header_timeout{30};   // idle keep-alive and header time
  std::chrono::seconds body_timeout{120};    // whole body
  std::chrono::seconds write_timeout{120};   // one write making no progress
  std::string certificate_file;              // PEM chain; with key_file turns TLS on
  std::string key_file;
};

struct ServerCounters {
  uint64_t requests = 0, connections_open = 0, connections_total = 0, refused = 0;
  Latencies latencies;  // from the whole request to its answer given to the kernel, by class
};

// Thread-safe. Handles Expect: 100-continue, keep-alive, pipelining one by one, chunked bodies.
class Server {
 public:
  static Result<std::unique_ptr<Server>> start(ServerOptions options, Handler handler,
                                               Refusal refusal, QuickHandler quick = nullptr);
  // Stops, if stop() was not called.
  virtual ~Server() = default;
  virtual uint16_t port() const = 0;
  virtual ServerCounters counters() const = 0;
  // Graceful: accepts no more, lets started requests finish and be answered (at most `drain`), then
  // closes. Returns when no handler runs any more.
  virtual void stop(std::chrono::seconds drain) = 0;
};

}  // namespace traccia::http
