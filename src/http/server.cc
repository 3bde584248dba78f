// Listens, and runs the event loops.
// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include <fmt/format.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <thread>
#include <vector>

#include "base/time.h"
#include "http/session.h"

namespace traccia::http {
namespace {

using Tcp = asio::ip::tcp;

class BeastServer : public Server {
 public:
  BeastServer(ServerOptions options, Handler handler, Refusal refusal, QuickHandler quick)
      : shared_(std::move(options), std::move(handler), std::move(refusal), std::move(quick)) {
    for (unsigned i = 0; i < shared_.options.event_threads; ++i) {
      loops_.push_back(std::make_unique<EventLoop>(i));
    }
    acceptor_.emplace(loops_.front()->context());
  }
  ~BeastServer() override { stop(std::chrono::seconds(5)); }

  Result<> start() {
    TRY(load_certificate());
    TRY(listen());
    accept();
    for (const auto& loop : loops_) loop->start();
    return {};
  }

  uint16_t port() const override { return port_; }

  ServerCounters counters() const override {
    ServerCounters counters{shared_.requests, shared_.open, shared_.total, shared_.refused, {}};
    for (const auto& loop : loops_) loop->latencies().add_to(counters.latencies);
    return counters;
  }

  void stop(std::chrono::seconds drain) override {
    if (stopped_.exchange(true)) return;
    shared_.stopping = true;
    asio::post(acceptor_->get_executor(), [this] {
      beast::error_code ignored;
      acceptor_->close(ignored);
    });
    close_sessions(Connection::When::Idle);
    const auto deadline = std::chrono::steady_clock::now() + drain;
    while (shared_.open > 0 && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      close_sessions(Connection::When::Idle);
    }
    shared_.workers.stop();
    close_sessions(Connection::When::Now);
    for (const auto& loop : loops_) loop->stop();
  }

 private:
  Result<> load_certificate() {
    const auto& options = shared_.options;
    if (options.certificate_file.empty()) return {};
    try {
      tls_.emplace(asio::ssl::context::tls_server);
      tls_->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                        asio::ssl::context::no_tlsv1_1 | asio::ssl::context::no_compression);
      tls_->use_certificate_chain_file(options.certificate_file);
      tls_->use_private_key_file(options.key_file, asio::ssl::context::pem);
    } catch (const boost::system::system_error& error) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("TLS certificate '{}' with key '{}': {}", options.certificate_file,
                              options.key_file, error.code().message()));
    }
    return {};
  }

  Result<> listen() {
    const auto& options = shared_.options;
    const auto failed = [&](std::string_view doing, const beast::error_code& code) {
      return fail(ErrorCode::Unavailable, fmt::format("{} {}:{}: {}", doing, options.address,
                                                      options.port, code.message()));
    };
    beast::error_code code;
    const auto address = asio::ip::make_address(options.address, code);
    if (code) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("'{}' is not a numeric address to listen on", options.address));
    }
    const Tcp::endpoint endpoint(address, options.port);
    acceptor_->open(endpoint.protocol(), code);
    if (code) return failed("open a socket for", code);
    acceptor_->set_option(asio::socket_base::reuse_address(true), code);
    acceptor_->bind(endpoint, code);
    if (code) return failed("listen on", code);
    acceptor_->listen(asio::socket_base::max_listen_connections, code);
    if (code) return failed("listen on", code);
    port_ = acceptor_->local_endpoint(code).port();
    return {};
  }

  void accept() {
    auto& loop = *loops_[next_loop_++ % loops_.size()];
    acceptor_->async_accept(
        loop.context(), [this, &loop](beast::error_code code, PlainStream socket) {
          if (!acceptor_->is_open()) return;
          if (!code) serve(std::move(socket), loop);
          accept();  // an error concerns one connection (or descriptors are short for a moment)
        });
  }

  void serve(PlainStream socket, EventLoop& loop) {
    beast::error_code ignored;
    socket.set_option(Tcp::no_delay(true), ignored);
    socket.non_blocking(true, ignored);
    if (tls_) {
      begin(
          std::make_shared<Session<TlsStream>>(TlsStream(std::move(socket), *tls_), shared_, loop),
          loop);
    } else {
      begin(std::make_shared<Session<PlainStream>>(std::move(socket), shared_, loop), loop);
    }
  }

  template <typename OneSession>
  void begin(const std::shared_ptr<OneSession>& session, EventLoop& loop) {
    loop.add(session);
    if (shared_.open > shared_.options.connections_max) return session->start_refusing();
    session->start();
  }

  void close_sessions(Connection::When when) {
    for (const auto& loop : loops_) loop->close_all(when);
  }

  std::optional<asio::ssl::context> tls_;
  Shared shared_;
  std::vector<std::unique_ptr<EventLoop>> loops_;
  std::optional<Tcp::acceptor> acceptor_;  // of the first loop
  size_t next_loop_ = 0;                   // of the acceptor's thread
  uint16_t port_ = 0;
  std::atomic<bool> stopped_{false};
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, Handler handler,
                                              Refusal refusal, QuickHandler quick) {
  auto server = std::make_unique<BeastServer>(std::move(options), std::move(handler),
                                              std::move(refusal), std::move(quick));
  TRY(server->start());
  return server;
}

}  // namespace traccia::http
