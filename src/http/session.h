// One connection: reads a request, hands it to a worker, writes the answer, again. Included by
// server.cc only: it brings Asio and Beast.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <type_traits>

#include "http/event_loop.h"
#include "http/request_parser.h"
#include "http/response_head.h"
#include "http/server.h"
#include "http/worker_pool.h"

namespace traccia::http {

// Both with the executor's type spelt out: type-erased ones cost more than the work they post.
using PlainStream = asio::basic_stream_socket<asio::ip::tcp, asio::io_context::executor_type>;
using TlsStream = asio::ssl::stream<PlainStream>;

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
  static constexpr bool kTls = std::is_same_v<Stream, TlsStream>;

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
      const auto peer = self->stream_.lowest_layer().remote_endpoint(code);
      if (code) return;
      self->peer_ = peer.address().to_string();
      if constexpr (kTls) {
        self->arm(self->shared_.options.header_timeout);
        self->stream_.async_handshake(asio::ssl::stream_base::server,
                                      [self](beast::error_code failed) {
                                        if (failed) return self->disarm();
                                        self->note_tls();
                                        self->read_request();
                                      });
      } else {
        self->read_request();
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
    beast::error_code ignored;
    stream_.lowest_layer().cancel(ignored);
  }
  void answer(Response response) override { write(std::move(response)); }

 private:
  static constexpr size_t kReadBytes = 8 << 10;
  static constexpr size_t kBodyReadBytes = 64 << 10;
  static constexpr size_t kJoinBytesMax = 16 << 10;  // bodies that are copied behind their head
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

  void read_request() {
    if (shared_.stopping) return close();
    handling_ = false;
    parser_.emplace(ParserLimits{shared_.options.header_bytes_max, shared_.options.body_bytes_max});
    budget_.emplace(shared_);
    arm(shared_.options.header_timeout);
    if (buffer_.size() > 0) return parse();
    read_more();
  }

  void read_more() {
    const bool body = parser_->is_header_done();
    stream_.async_read_some(buffer_.prepare(body ? kBodyReadBytes : kReadBytes),
                            [self = self()](beast::error_code code, size_t count) {
                              if (code) return self->on_read_error();
                              self->buffer_.commit(count);
                              self->parse();
                            });
  }

  // Takes what is in the buffer, as far as that goes.
  void parse() {
    while (!parser_->is_done()) {
      if (buffer_.size() == 0) return read_more();
      const bool in_body = parser_->is_header_done();
      beast::error_code code;
      buffer_.consume(parser_->put(buffer_.cdata(), code));
      if (code == beast::http::error::need_more) return read_more();
      if (code) return refuse_parsed(code);
      if (in_body) {
        if (!budget_->grow_to(parser_->request().body.size())) return refuse_memory();
      } else if (parser_->is_header_done() && !take_header()) {
        return;
      }
    }
    disarm();
    hand_over();
  }

  // False when the request is refused, or goes on after an interim answer.
  bool take_header() {
    handling_ = true;
    begun_ = std::chrono::steady_clock::now();
    parser_->eager(true);
    arm(shared_.options.body_timeout);
    const auto length = parser_->content_length();
    if (length && *length > shared_.options.body_bytes_max) {
      refuse_body();
      return false;
    }
    if (length && !budget_->grow_to(*length)) {
      refuse_memory();
      return false;
    }
    if (!equal_ignoring_case(parser_->request().headers.get("Expect"), "100-continue")) return true;
    write_continue();
    return false;
  }

  void write_continue() {
    out_ = parser_->version() == 10 ? "HTTP/1.0 100 Continue\r\n\r\n"
                                    : "HTTP/1.1 100 Continue\r\n\r\n";
    arm(shared_.options.write_timeout);
    asio::async_write(stream_, asio::buffer(out_), [self = self()](beast::error_code code, size_t) {
      if (code) return self->close();
      self->arm(self->shared_.options.body_timeout);
      self->parse();
    });
  }

  // The connection ended, broke, or was late.
  void on_read_error() {
    const bool inside_request = parser_->got_some() || buffer_.size() > 0;
    if (!timed_out_ || !inside_request) return close();
    refuse(408, "RequestTimeout", "the request did not arrive in time");
  }

  void refuse_parsed(beast::error_code code) {
    using beast::http::error;
    if (code == error::header_limit) {
      return refuse(431, "RequestHeaderSectionTooLarge", "the header is larger than the limit");
    }
    if (code == error::body_limit) return refuse_body();
    refuse(400, "BadRequest", "the request is not HTTP/1.1: " + code.message());
  }
  void refuse_body() {
    refuse(413, "EntityTooLarge", "the body is larger than the limit of one request");
  }
  void refuse_memory() {
    refuse(503, "SlowDown", "the server holds too many request bodies; retry later");
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
    auto& request = parser_->request();
    head_ = request.method == "HEAD";
    version_ = parser_->version();
    keep_alive_ = parser_->keep_alive();
    if (!parser_->has_path()) return refuse(400, "BadRequest", "the request target is not a path");
    request.peer_address = peer_;
    request.tls = tls_;
    request.version = version_;
    ++shared_.requests;
    ++shared_.busy;
    counted_busy_ = true;
    taken_ = std::chrono::steady_clock::now();
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
    if (!counted_busy_) return;
    counted_busy_ = false;
    --shared_.busy;
    const auto now = std::chrono::steady_clock::now();
    loop_.latencies().add(class_, now - taken_);
    if (!on_sent_) return;
    const auto body = written_ > head_bytes_ ? written_ - head_bytes_ : 0;
    std::exchange(on_sent_, nullptr)({body, now - begun_, first_ - taken_});
  }

  // The server's own answer; the connection ends after it, because the request was not read whole.
  void refuse(int status, std::string_view code, std::string_view message) {
    ++shared_.refused;
    keep_alive_ = false;
    handling_ = true;
    lingering_ = true;
    budget_.reset();  // what was refused must not keep others waiting
    if (parser_ && parser_->is_header_done()) {
      head_ = parser_->request().method == "HEAD";
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
    class_ = response.request_class;
    const bool no_body = head_ || response.status == 204 || response.status == 304;
    const auto size = response.stream ? response.stream->size() : response.body.size();
    out_.clear();
    append_head(out_, response, {version_, keep_alive_, size, loop_.date()});
    on_sent_ = std::move(response.on_sent);
    if (on_sent_) first_ = std::chrono::steady_clock::now();
    head_bytes_ = out_.size();
    written_ = 0;
    if (response.stream && !no_body) return write_stream(std::move(response.stream));
    if (no_body) response.body.clear();
    if (response.body.size() <= kJoinBytesMax) {
      out_ += response.body;
    } else {
      body_ = std::move(response.body);
    }
    write_out();
  }

  // Writes what is in out_ and body_: at once as far as the socket has the room.
  void write_out() {
    std::array<asio::const_buffer, 2> rest{asio::buffer(out_), asio::buffer(body_)};
    if constexpr (!kTls) {
      beast::error_code code;
      const auto count =
          body_.empty() ? stream_.write_some(rest[0], code) : stream_.write_some(rest, code);
      if (code && code != asio::error::would_block) return on_written(code);
      written_ = count;
      const auto of_head = std::min(count, out_.size());
      rest[0] += of_head;
      rest[1] += count - of_head;
      if (asio::buffer_size(rest) == 0) return on_written({});
    }
    arm(shared_.options.write_timeout + std::chrono::seconds(body_.size() >> 16));
    asio::async_write(stream_, rest, [self = self()](beast::error_code code, size_t count) {
      self->written_ += count;
      self->on_written(code);
    });
  }

  // A body that is read piece by piece.
  struct Streaming {
    std::unique_ptr<BodySource> source;
    uint64_t left;
    std::array<char, 256 << 10> piece;
  };

  void write_stream(std::unique_ptr<BodySource> source) {
    auto streaming = std::make_shared<Streaming>();
    streaming->left = source->size();
    streaming->source = std::move(source);
    arm(shared_.options.write_timeout);
    asio::async_write(stream_, asio::buffer(out_),
                      [self = self(), streaming](beast::error_code code, size_t count) {
                        self->written_ += count;
                        if (code) return self->on_written(code);
                        self->write_piece(streaming);
                      });
  }

  void write_piece(const std::shared_ptr<Streaming>& streaming) {
    if (streaming->left == 0) return on_written({});
    const auto room = std::min<uint64_t>(streaming->left, streaming->piece.size());
    const auto count = streaming->source->read(std::span(streaming->piece).first(room));
    // The length promised cannot be kept: the client must see that.
    if (!count || *count == 0) return close();
    streaming->left -= *count;
    arm(shared_.options.write_timeout);
    asio::async_write(stream_, asio::buffer(streaming->piece.data(), *count),
                      [self = self(), streaming](beast::error_code code, size_t written) {
                        self->written_ += written;
                        if (code) return self->on_written(code);
                        self->write_piece(streaming);
                      });
  }

  void on_written(beast::error_code code) {
    disarm();
    finish_busy();
    body_ = {};
    if (code) return close();
    if (lingering_) return linger();
    if (!keep_alive_) return close();
    read_request();
  }

  // Reads on for a moment: closing with unread bytes would destroy the answer on its way.
  void linger() {
    beast::error_code ignored;
    stream_.lowest_layer().shutdown(asio::socket_base::shutdown_send, ignored);
    arm(std::chrono::seconds(2));
    discard();
  }
  void discard() {
    plain().async_read_some(asio::buffer(waste_), [self = self()](beast::error_code code, size_t) {
      if (code || self->timed_out_) return self->close();
      self->discard();
    });
  }

  void close() {
    disarm();
    finish_busy();
    beast::error_code ignored;
    auto& socket = stream_.lowest_layer();
    socket.shutdown(asio::socket_base::shutdown_both, ignored);
    socket.close(ignored);
  }

  PlainStream& plain() {
    if constexpr (kTls) {
      return stream_.next_layer();
    } else {
      return stream_;
    }
  }

  Stream stream_;
  Shared& shared_;
  EventLoop& loop_;
  std::chrono::steady_clock::time_point deadline_ = kNever;
  beast::flat_buffer buffer_;
  std::optional<RequestParser> parser_;
  std::optional<BodyBudget> budget_;
  std::string peer_;
  std::optional<Tls> tls_;
  std::string out_, body_;  // being written
  std::array<char, 16 << 10> waste_;
  std::chrono::steady_clock::time_point begun_;  // when the request's header was whole
  std::chrono::steady_clock::time_point taken_;  // when the request was
  std::chrono::steady_clock::time_point first_;  // when the answer began, for on_sent_
  std::move_only_function<void(const Sent&)> on_sent_;
  uint64_t head_bytes_ = 0, written_ = 0;  // of the answer
  RequestClass class_ = RequestClass::Other;
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
