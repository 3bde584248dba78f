// One connection: reads a request, hands it to a worker, writes the answer, again. Included by
// server.cc only: it brings all of Beast.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <type_traits>

#include "http/event_loop.h"
#include "http/server.h"
#include "http/worker_pool.h"

namespace traccia::http {

namespace beast = boost::beast;

// What the sessions of one server share. The server outlives them.
struct Shared {
  Shared(ServerOptions chosen, Handler handle, Refusal refuse, QuickHandler quick_handle)
      : options(std::move(chosen)),
        handler(std::move(handle)),
        quick(std::move(quick_handle)),
        refusal(std::move(refuse)),
        workers(options.worker_threads, options.worker_queue_max) {}

  ServerOptions options;
  Handler handler;
  QuickHandler quick;
  Refusal refusal;
  WorkerPool workers;
  std::atomic<bool> stopping{false};
  std::atomic<uint64_t> requests{0}, open{0}, total{0}, refused{0};
  std::atomic<uint64_t> bodies_bytes{0};  // in memory, all connections together
  std::atomic<uint64_t> busy{0};          // requests being handled or answered
};

// Bytes of a body count against the server's budget while this lives.
class BodyBudget {
 public:
  explicit BodyBudget(Shared& shared) : shared_(&shared) {}
  BodyBudget(BodyBudget&& other) noexcept
      : shared_(other.shared_), held_(std::exchange(other.held_, 0)) {}
  BodyBudget& operator=(BodyBudget&&) = delete;
  ~BodyBudget() {
    if (held_ > 0) shared_->bodies_bytes -= held_;  // an answerer that is done may outlive `shared`
  }

  // False when the server has no room for a body of `bytes`.
  bool grow_to(uint64_t bytes) {
    if (bytes <= held_) return true;
    const auto more = bytes - held_;
    const auto all = shared_->bodies_bytes.fetch_add(more) + more;
    held_ = bytes;
    return all <= shared_->options.bodies_bytes_max;
  }

 private:
  Shared* shared_;
  uint64_t held_ = 0;
};

template <typename Stream>
class Session : public Connection, public std::enable_shared_from_this<Session<Stream>> {
  static constexpr bool kTls = !std::is_same_v<Stream, beast::tcp_stream>;

 public:
  Session(Stream stream, Shared& shared, EventLoop& loop)
      : stream_(std::move(stream)), shared_(shared), loop_(loop) {
    ++shared_.open;
    ++shared_.total;
  }
  ~Session() override { --shared_.open; }

  void start() {
    asio::dispatch(stream_.get_executor(), [self = self()] {
      beast::error_code code;
      const auto peer = beast::get_lowest_layer(self->stream_).socket().remote_endpoint(code);
      if (code) return;
      self->peer_ = peer.address().to_string();
      if constexpr (kTls) {
        self->arm(self->shared_.options.header_timeout);
        self->stream_.async_handshake(asio::ssl::stream_base::server,
                                      [self](beast::error_code failed) {
                                        if (failed) return self->disarm();
                                        self->note_tls();
                                        self->read_header();
                                      });
      } else {
        self->read_header();
      }
    });
  }

  // Answers without reading anything: there are too many connections.
  void start_refusing() {
    asio::dispatch(stream_.get_executor(), [self = self()] {
      self->refuse(503, "TooManyConnections", "the server has no room for another connection");
    });
  }

  void close_from_outside(When when) override {
    asio::dispatch(stream_.get_executor(), [self = self(), when] {
      if (when == When::Now || !self->handling_) self->close();
    });
  }
  void end_when_late(std::chrono::steady_clock::time_point now) override {
    if (now < deadline_) return;
    deadline_ = kNever;
    timed_out_ = true;
    beast::get_lowest_layer(stream_).cancel();
  }
  void answer(Response response) override { write(std::move(response)); }

 private:
  using Parser = beast::http::request_parser<beast::http::string_body>;
  static constexpr size_t kBodyReadBytes = 64 << 10;
  static constexpr auto kNever = std::chrono::steady_clock::time_point::max();

  std::shared_ptr<Session> self() { return this->shared_from_this(); }

  // Ends whatever operation is under way after about that long; its handler then sees timed_out_.
  void arm(std::chrono::milliseconds after) {
    timed_out_ = false;
    deadline_ = std::chrono::steady_clock::now() + after;
  }
  void disarm() { deadline_ = kNever; }

  void note_tls() {
    if constexpr (kTls) {
      auto* ssl = stream_.native_handle();
      tls_ = Tls{SSL_get_version(ssl), SSL_get_cipher_name(ssl)};
    }
  }

  void read_header() {
    if (shared_.stopping) return close();
    handling_ = false;
    parser_.emplace();
    parser_->header_limit(static_cast<uint32_t>(shared_.options.header_bytes_max));
    parser_->body_limit(shared_.options.body_bytes_max);
    budget_.emplace(shared_);
    arm(shared_.options.header_timeout);
    beast::http::async_read_header(stream_, buffer_, *parser_,
                                   [self = self()](beast::error_code code, size_t) {
                                     self->disarm();
                                     self->on_header(code);
                                   });
  }

  void on_header(beast::error_code code) {
    if (code) return on_read_error(code, parser_->got_some() || buffer_.size() > 0);
    handling_ = true;
    const auto length = parser_->content_length();
    if (length && *length > shared_.options.body_bytes_max) return refuse_body();
    if (length && !budget_->grow_to(*length)) return refuse_memory();
    if (equal_ignoring_case(view(parser_->get()[beast::http::field::expect]), "100-continue")) {
      return write_continue();
    }
    read_body();
  }

  void write_continue() {
    auto answer = std::make_shared<beast::http::response<beast::http::empty_body>>(
        beast::http::status::continue_, parser_->get().version());
    arm(shared_.options.write_timeout);
    beast::http::async_write(stream_, *answer,
                             [self = self(), answer](beast::error_code code, size_t) {
                               self->disarm();
                               if (code) return self->close();
                               self->read_body();
                             });
  }

  void read_body() {
    // A read takes at most what the buffer has room for, and it starts small.
    const auto length = parser_->content_length();
    if (!length || *length > kBodyReadBytes) buffer_.reserve(kBodyReadBytes);
    body_deadline_ = std::chrono::steady_clock::now() + shared_.options.body_timeout;
    read_more_body();
  }

  void read_more_body() {
    if (parser_->is_done()) return hand_over();
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        body_deadline_ - std::chrono::steady_clock::now());
    arm(std::max(left, std::chrono::milliseconds(1)));
    beast::http::async_read_some(
        stream_, buffer_, *parser_, [self = self()](beast::error_code code, size_t) {
          self->disarm();
          if (code) return self->on_read_error(code, true);
          if (!self->budget_->grow_to(self->parser_->get().body().size())) {
            return self->refuse_memory();
          }
          self->read_more_body();
        });
  }

  void on_read_error(beast::error_code code, bool inside_request) {
    using beast::http::error;
    if (code == error::end_of_stream || !inside_request) return close();
    if (timed_out_) return refuse(408, "RequestTimeout", "the request did not arrive in time");
    if (code == error::header_limit) {
      return refuse(431, "RequestHeaderSectionTooLarge", "the header is larger than the limit");
    }
    if (code == error::body_limit) return refuse_body();
    if (code.category() == beast::http::make_error_code(error::bad_method).category() &&
        code != error::partial_message) {
      return refuse(400, "BadRequest", "the request is not HTTP/1.1: " + code.message());
    }
    close();
  }

  void refuse_body() {
    refuse(413, "EntityTooLarge", "the body is larger than the limit of one request");
  }
  void refuse_memory() {
    refuse(503, "SlowDown", "the server holds too many request bodies; retry later");
  }

  static std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

  // Takes the message apart; false when the target is not a path.
  bool take_request(Request& request) {
    auto& message = parser_->get();
    auto target = view(message.target());
    for (const std::string_view scheme : {"http://", "https://"}) {
      if (!target.starts_with(scheme)) continue;
      target.remove_prefix(scheme.size());
      target.remove_prefix(std::min(target.find('/'), target.size()));
    }
    if (!target.starts_with('/')) return false;
    target = target.substr(0, target.find('#'));
    const auto mark = std::min(target.find('?'), target.size());
    request.method = view(message.method_string());
    request.path = target.substr(0, mark);
    request.query = target.substr(std::min(mark + 1, target.size()));
    for (const auto& field : message) {
      request.headers.add(view(field.name_string()), view(field.value()));
    }
    request.body = std::move(message.body());
    request.peer_address = peer_;
    request.tls = tls_;
    return true;
  }

  // Sends the answer once; an answer that is dropped becomes a 500.
  class Answerer {
   public:
    Answerer(std::shared_ptr<Session> session, BodyBudget budget)
        : session_(std::move(session)), budget_(std::move(budget)) {}
    Answerer(Answerer&&) noexcept = default;
    Answerer& operator=(Answerer&&) = delete;
    ~Answerer() {
      if (!session_) return;
      auto& refusal = session_->shared_.refusal;
      (*this)(refusal(500, "InternalError", "the request got no answer"));
    }
    void operator()(Response response) {
      auto session = std::move(session_);
      if (!session) return;
      const BodyBudget released = std::move(budget_);
      auto& loop = session->loop_;
      loop.deliver(std::move(session), std::move(response));
    }

   private:
    std::shared_ptr<Session> session_;
    BodyBudget budget_;
  };

  void hand_over() {
    Request request;
    head_ = parser_->get().method() == beast::http::verb::head;
    version_ = parser_->get().version();
    keep_alive_ = parser_->get().keep_alive();
    if (!take_request(request)) {
      return refuse(400, "BadRequest", "the request target is not a path");
    }
    ++shared_.requests;
    ++shared_.busy;
    counted_busy_ = true;
    Responder respond = Answerer(self(), std::move(*budget_));
    if (shared_.quick && shared_.quick(request, respond)) return;
    WorkerPool::Job job = [&handler = shared_.handler, request = std::move(request),
                           answer = std::move(respond)]() mutable {
      handler(std::move(request), std::move(answer));
    };
    if (shared_.workers.submit(job)) return;
    // The job, and with it the answerer, is dropped here: take its answer's place first.
    overloaded_ = true;
    job = nullptr;
  }

  void finish_busy() {
    if (counted_busy_) --shared_.busy;
    counted_busy_ = false;
  }

  // The server's own answer; the connection ends after it, because the request was not read whole.
  void refuse(int status, std::string_view code, std::string_view message) {
    ++shared_.refused;
    keep_alive_ = false;
    handling_ = true;
    lingering_ = true;
    budget_.reset();  // what was refused must not keep others waiting
    if (parser_ && parser_->is_header_done()) {
      head_ = parser_->get().method() == beast::http::verb::head;
    }
    auto response = shared_.refusal(status, code, message);
    if (status == 503) response.headers.set("Retry-After", "1");
    write(std::move(response));
  }

  void write(Response response) {
    if (overloaded_) {
      overloaded_ = false;
      ++shared_.refused;
      response = shared_.refusal(503, "SlowDown", "too many requests wait; retry later");
      response.headers.set("Retry-After", "1");
    }
    if (shared_.stopping) keep_alive_ = false;
    const bool no_body = head_ || response.status == 204 || response.status == 304;
    if (response.stream && !no_body) return write_stream(std::move(response));
    using Message = beast::http::response<beast::http::string_body>;
    auto message = std::make_shared<Message>();
    const auto size = response.stream ? response.stream->size() : response.body.size();
    fill_header(*message, response, size);
    if (!no_body) message->body() = std::move(response.body);
    // The serializer takes "no body" from an empty one; Content-Length still tells its size.
    arm(shared_.options.write_timeout + std::chrono::seconds(message->body().size() >> 16));
    beast::http::async_write(
        stream_, *message,
        [self = self(), message](beast::error_code code, size_t) { self->on_written(code); });
  }

  template <typename Message>
  void fill_header(Message& message, const Response& response, uint64_t size) {
    message.version(version_);
    message.result(static_cast<unsigned>(response.status));
    message.set(beast::http::field::server, "Traccia");
    message.set(
        beast::http::field::date,
        format_http_date(std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now())));
    for (const auto& [name, value] : response.headers) message.insert(name, value);
    if (response.status != 204 && response.status != 304) message.content_length(size);
    message.keep_alive(keep_alive_);
  }

  // A body that is read piece by piece.
  struct Streaming {
    std::unique_ptr<BodySource> source;
    beast::http::response<beast::http::buffer_body> message;
    std::optional<beast::http::response_serializer<beast::http::buffer_body>> serializer;
    std::array<char, 256 << 10> piece;
  };

  void write_stream(Response response) {
    auto streaming = std::make_shared<Streaming>();
    fill_header(streaming->message, response, response.stream->size());
    streaming->source = std::move(response.stream);
    streaming->message.body().data = nullptr;
    streaming->message.body().more = true;
    streaming->serializer.emplace(streaming->message);
    arm(shared_.options.write_timeout);
    beast::http::async_write_header(stream_, *streaming->serializer,
                                    [self = self(), streaming](beast::error_code code, size_t) {
                                      if (code) return self->on_written(code);
                                      self->write_piece(streaming);
                                    });
  }

  void write_piece(const std::shared_ptr<Streaming>& streaming) {
    auto& body = streaming->message.body();
    const auto count = streaming->source->read(streaming->piece);
    if (!count) return close();  // the length promised cannot be kept: the client must see that
    body.data = *count == 0 ? nullptr : streaming->piece.data();
    body.size = *count;
    body.more = *count != 0;
    arm(shared_.options.write_timeout);
    beast::http::async_write(stream_, *streaming->serializer,
                             [self = self(), streaming](beast::error_code code, size_t) {
                               if (code == beast::http::error::need_buffer)
                                 return self->write_piece(streaming);
                               self->on_written(code);
                             });
  }

  void on_written(beast::error_code code) {
    disarm();
    finish_busy();
    if (code) return close();
    if (lingering_) return linger();
    if (!keep_alive_) return close();
    read_header();
  }

  // Reads on for a moment: closing with unread bytes would destroy the answer on its way.
  void linger() {
    beast::error_code ignored;
    beast::get_lowest_layer(stream_).socket().shutdown(asio::ip::tcp::socket::shutdown_send,
                                                       ignored);
    arm(std::chrono::seconds(2));
    discard();
  }
  void discard() {
    beast::get_lowest_layer(stream_).socket().async_read_some(
        asio::buffer(waste_), [self = self()](beast::error_code code, size_t) {
          if (code || self->timed_out_) return self->close();
          self->discard();
        });
  }

  void close() {
    disarm();
    finish_busy();
    beast::error_code ignored;
    auto& socket = beast::get_lowest_layer(stream_).socket();
    socket.shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
    socket.close(ignored);
  }

  Stream stream_;
  Shared& shared_;
  EventLoop& loop_;
  std::chrono::steady_clock::time_point deadline_ = kNever;
  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::optional<BodyBudget> budget_;
  std::chrono::steady_clock::time_point body_deadline_;
  std::string peer_;
  std::optional<Tls> tls_;
  std::array<char, 16 << 10> waste_;
  unsigned version_ = 11;
  bool head_ = false;
  bool keep_alive_ = true;
  bool handling_ = false;  // a request is being read past its header, handled or answered
  bool timed_out_ = false;
  bool lingering_ = false;
  bool overloaded_ = false;
  bool counted_busy_ = false;
};

}  // namespace traccia::http
