// The server over loopback: keep-alive, limits, refusals, streaming, graceful stop; and the client.
// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <numeric>
#include <thread>

#include "http/client.h"
#include "http/response_head.h"

namespace traccia::http {
namespace {

// A plain connection that sends and reads bytes as they are.
class RawConnection {
 public:
  explicit RawConnection(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~RawConnection() { ::close(socket_); }
  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(count));
    }
  }
  // Until the other side closes, or `end` was seen.
  std::string read(std::string_view end = "") const {
    std::string out;
    char piece[4096];
    while (end.empty() || out.find(end) == std::string::npos) {
      const auto count = ::recv(socket_, piece, sizeof piece, 0);
      if (count <= 0) break;
      out.append(piece, static_cast<size_t>(count));
    }
    return out;
  }

 private:
  int socket_;
};

class Pieces : public BodySource {
 public:
  explicit Pieces(uint64_t size, uint64_t breaks_at) : size_(size), breaks_at_(breaks_at) {}
  uint64_t size() const override { return size_; }
  Result<size_t> read(std::span<char> out) override {
    if (given_ >= breaks_at_) return fail(ErrorCode::DataLoss, "a block is damaged");
    const auto count = std::min<uint64_t>(out.size(), size_ - given_);
    std::fill_n(out.begin(), count, 'p');
    given_ += count;
    return count;
  }

 private:
  uint64_t size_, breaks_at_, given_ = 0;
};

Response text(std::string body) {
  Response response;
  response.body = std::move(body);
  return response;
}

void handle(Request request, Responder respond) {
  if (request.path == "/echo") return respond(text(request.method + " " + request.body));
  if (request.path == "/query") return respond(text(request.query));
  if (request.path == "/dropped") return;
  if (request.path == "/later") {
    std::thread([respond = std::move(respond)]() mutable { respond(text("later")); }).detach();
    return;
  }
  Response response;
  if (request.path == "/large") response.stream = std::make_unique<Pieces>(5'000'000, ~0ULL);
  if (request.path == "/broken") response.stream = std::make_unique<Pieces>(5'000'000, 1'000'000);
  if (request.path == "/nothing") response.status = 204;
  respond(std::move(response));
}

Response refuse(int status, std::string_view code, std::string_view) {
  Response response;
  response.status = status;
  response.body = code;
  return response;
}

std::unique_ptr<Server> start(ServerOptions options = {}, Handler handler = handle) {
  return Server::start(std::move(options), std::move(handler), refuse).value();
}

std::string base(const Server& server) {
  return fmt::format("http://127.0.0.1:{}", server.port());
}

Request make(std::string method, std::string path, std::string body = "") {
  Request request;
  request.method = std::move(method);
  request.path = std::move(path);
  request.body = std::move(body);
  return request;
}

TEST(HttpServer, AnswersOnOneConnection) {
  const auto server = start();
  Client client({});
  for (int i = 0; i < 10; ++i) {
    const auto body = std::string(static_cast<size_t>(i) * 40'000, 'b');
    EXPECT_EQ(client.send(base(*server), make("POST", "/echo", body))->body, "POST " + body);
  }
  EXPECT_EQ(server->counters().connections_total, 1U);
  EXPECT_EQ(server->counters().requests, 10U);
  EXPECT_EQ(client.send(base(*server), make("GET", "/nothing"))->status, 204);
  EXPECT_EQ(client.send(base(*server), make("GET", "/later"))->body, "later");
}

TEST(HttpServer, AnAnswerThatIsDroppedIsA500) {
  const auto server = start();
  Client client({});
  EXPECT_EQ(client.send(base(*server), make("GET", "/dropped"))->status, 500);
}

TEST(HttpServer, HeadTellsTheSizeAndSendsNothing) {
  const auto server = start();
  Client client({});
  const auto answer = client.send(base(*server), make("HEAD", "/large")).value();
  EXPECT_EQ(answer.headers.get("Content-Length"), "5000000");
  EXPECT_TRUE(answer.body.empty());
  EXPECT_EQ(client.send(base(*server), make("GET", "/large"))->body.size(), 5'000'000U);
}

TEST(HttpServer, AStreamThatBreaksIsNotPassedOffAsWhole) {
  const auto server = start();
  Client client({});
  EXPECT_EQ(client.send(base(*server), make("GET", "/broken")).error().code(),
            ErrorCode::Unavailable);
}

TEST(HttpServer, TellsHowAnAnswerWentOut) {
  std::promise<Sent> told;
  const auto server = start({}, [&](Request request, Responder respond) {
    const auto path = request.path;
    const auto version = request.version;
    handle(std::move(request),
           [&told, path, version, respond = std::move(respond)](Response response) mutable {
             if (path == "/slow") std::this_thread::sleep_for(std::chrono::milliseconds(20));
             if (path == "/slow") response = text(std::to_string(version));
             response.on_sent = [&told](const Sent& sent) { told.set_value(sent); };
             respond(std::move(response));
           });
  });
  const auto send = [&](std::string method, std::string path) {
    told = {};
    auto sent = told.get_future();
    // A broken answer is an error to the client; to this it is what was sent of it.
    (void)Client({}).send(base(*server), make(std::move(method), std::move(path), "body"));
    return sent.get();
  };
  EXPECT_EQ(send("POST", "/echo").body_bytes, 9U);
  EXPECT_EQ(send("GET", "/nothing").body_bytes, 0U);
  EXPECT_EQ(send("GET", "/large").body_bytes, 5'000'000U);
  EXPECT_EQ(send("HEAD", "/large").body_bytes, 0U);
  EXPECT_EQ(send("GET", "/broken").body_bytes, 1'048'576U);
  const auto slow = send("GET", "/slow");
  EXPECT_EQ(slow.body_bytes, 2U);
  EXPECT_GE(slow.turn_around, std::chrono::milliseconds(20));
  EXPECT_GE(slow.total, slow.turn_around);

  told = {};
  auto sent = told.get_future();
  const RawConnection old(server->port());
  old.send("GET /slow HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(old.read().ends_with("10"));
  EXPECT_EQ(sent.get().body_bytes, 2U);
}

TEST(HttpServer, ReadsChunkedBodiesAndPipelinedRequests) {
  const auto server = start();
  const RawConnection raw(server->port());
  raw.send(
      "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
      "GET http://host/query?a=%20&b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const auto answers = raw.read();
  EXPECT_NE(answers.find("POST abcde"), std::string::npos) << answers;
  EXPECT_NE(answers.find("a=%20&b"), std::string::npos) << answers;
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  const auto server = start();
  const RawConnection raw(server->port());
  std::string all;
  for (int i = 0; i < 50; ++i) {
    all += fmt::format("POST /{} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{:02}",
                       i % 3 == 0 ? "later" : "echo", i);
  }
  raw.send(all + "GET /query?end HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const auto answers = raw.read();
  size_t at = 0;
  for (int i = 0; i < 50; ++i) {
    at = answers.find(i % 3 == 0 ? "\r\n\r\nlater" : fmt::format("POST {:02}", i), at + 1);
    ASSERT_NE(at, std::string::npos) << i;
  }
  EXPECT_TRUE(answers.ends_with("\r\n\r\nend")) << answers;
}

TEST(HttpServer, TakesARequestByteByByte) {
  const auto server = start();
  const RawConnection raw(server->port());
  for (const char c : std::string_view("POST /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                                       "Transfer-Encoding: chunked\r\n\r\n"
                                       "3\r\nabc\r\n0\r\nX-Late: 1\r\n\r\n")) {
    raw.send({&c, 1});
  }
  EXPECT_TRUE(raw.read().ends_with("POST abc"));
}

// What two servers in a row could understand differently is refused, and the connection ends.
TEST(HttpServer, RefusesRequestsThatCouldBeSmuggled) {
  const auto server = start();
  const std::string hidden = "GET /query?hidden HTTP/1.1\r\nHost: h\r\n\r\n";
  for (const std::string head : {
           "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
           "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
           "Content-Length: +3\r\n\r\nabc",
           "Content-Length: 3, 4\r\n\r\nabc",
           "Content-Length: 18446744073709551617\r\n\r\nabc",
           "Content-Length : 3\r\n\r\nabc",
           "Transfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n",
           "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
           "X: a\nContent-Length: 3\r\n\r\nabc",
           "X\r\n\r\n",
       }) {
    const RawConnection raw(server->port());
    raw.send("POST /echo HTTP/1.1\r\nHost: h\r\n" + head + hidden);
    const auto answer = raw.read();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << head << " → " << answer;
    EXPECT_EQ(answer.find("\r\n\r\nhidden"), std::string::npos) << head;
  }
}

TEST(HttpServer, TrailersAreNoHeaders) {
  const auto server = start({}, [](Request request, Responder respond) {
    respond(text(std::string(request.headers.get("X-Early")) + "," +
                 std::string(request.headers.get("X-Late")) + "," + request.body));
  });
  const RawConnection raw(server->port());
  raw.send(
      "POST / HTTP/1.1\r\nHost: h\r\nX-Early: 1\r\nConnection: close\r\n"
      "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Late: 2\r\n\r\n");
  EXPECT_TRUE(raw.read().ends_with("\r\n\r\n1,,abc"));
}

TEST(HttpServer, TimesEachRequestByItsClass) {
  const auto server = start({}, [](Request request, Responder respond) {
    Response response;
    if (request.path == "/events") response.request_class = RequestClass::Ingest;
    respond(std::move(response));
  });
  Client client({});
  for (const auto* path : {"/events", "/events", "/else"}) {
    ASSERT_TRUE(client.send(base(*server), make("GET", path)));
  }
  server->stop(std::chrono::seconds(5));
  const auto latencies = server->counters().latencies;
  const auto count = [&](RequestClass kind) {
    const auto& buckets = latencies[static_cast<size_t>(kind)].buckets;
    return std::accumulate(buckets.begin(), buckets.end(), uint64_t{0});
  };
  EXPECT_EQ(count(RequestClass::Ingest), 2U);
  EXPECT_EQ(count(RequestClass::Other), 1U);
  EXPECT_EQ(count(RequestClass::Lookup), 0U);
}

TEST(HttpServer, SpeaksHttp10) {
  const auto server = start();
  const RawConnection raw(server->port());
  raw.send("GET /query?a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const auto first = raw.read("\r\n\r\na");
  EXPECT_TRUE(first.starts_with("HTTP/1.0 200 OK\r\n")) << first;
  EXPECT_NE(first.find("Connection: keep-alive\r\n"), std::string::npos);
  raw.send("GET /query?b HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(raw.read().ends_with("\r\n\r\nb"));
}

TEST(ResponseHead, NoValueCanEndItsLine) {
  Response response;
  response.status = 206;
  response.headers.add("X-A", "one\r\nSet-Cookie: two\t\x7f");
  std::string head = "before ";
  append_head(head, response, {11, false, 7, "now"});
  EXPECT_EQ(head,
            "before HTTP/1.1 206 Partial Content\r\nServer: Traccia\r\nDate: now\r\n"
            "X-A: one  Set-Cookie: two\t \r\nContent-Length: 7\r\nConnection: close\r\n\r\n");
  response = {};
  response.status = 304;
  head.clear();
  append_head(head, response, {11, true, 7, "now"});
  EXPECT_EQ(head, "HTTP/1.1 304 Not Modified\r\nServer: Traccia\r\nDate: now\r\n\r\n");
}

TEST(HttpServer, SendsContinueOnlyForABodyItTakes) {
  ServerOptions options;
  options.body_bytes_max = 10;
  const auto server = start(options);
  const RawConnection raw(server->port());
  raw.send("PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_NE(raw.read("\r\n\r\n").find("100 Continue"), std::string::npos);
  raw.send("hello");
  EXPECT_NE(raw.read("PUT hello").find("200 OK"), std::string::npos);
  raw.send("PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\nExpect: 100-continue\r\n\r\n");
  const auto refused = raw.read();
  EXPECT_EQ(refused.find("100 Continue"), std::string::npos);
  EXPECT_NE(refused.find(" 413 "), std::string::npos) << refused;
}

TEST(HttpServer, NamesTheLimitThatWasReached) {
  ServerOptions options;
  options.body_bytes_max = 100;
  options.header_bytes_max = 1000;
  options.bodies_bytes_max = 50;
  options.header_timeout = std::chrono::seconds(1);
  options.body_timeout = std::chrono::seconds(1);
  const auto server = start(options);
  const auto ask = [&](const std::string& bytes) {
    const RawConnection raw(server->port());
    raw.send(bytes);
    return raw.read();
  };
  const auto expect = [&](const std::string& bytes, std::string_view status) {
    const auto answer = ask(bytes);
    EXPECT_NE(answer.find(status), std::string::npos) << bytes.substr(0, 80) << " → " << answer;
  };
  const std::string head = "POST /echo HTTP/1.1\r\nHost: h\r\n";
  expect(head + "X: " + std::string(2000, 'x') + "\r\n\r\n", " 431 ");
  expect(head + "Content-Length: 101\r\n\r\n", " 413 ");
  expect(head + "Transfer-Encoding: chunked\r\n\r\n80\r\n" + std::string(128, 'x'), " 413 ");
  expect(head + "Content-Length: 60\r\n\r\n", " 503 ");
  expect(head + "Content-Length: 5\r\n\r\nab", " 408 ");
  expect("POST /ec", " 408 ");
  expect("NONSENSE\r\n\r\n", " 400 ");
  expect("GET echo HTTP/1.1\r\nHost: h\r\n\r\n", " 400 ");
  EXPECT_EQ(ask(head + "Content-Length: 5\r\n\r\nhello" + head +
                "Connection: close\r\n"
                "Content-Length: 0\r\n\r\n")
                .find(" 503 "),
            std::string::npos)
      << "the budget is given back";
}

TEST(HttpServer, TooManyConnectionsAndWaitingRequestsAreRefused) {
  ServerOptions options;
  options.connections_max = 2;
  options.worker_threads = 1;
  options.worker_queue_max = 1;
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  std::atomic<int> started{0};
  const auto server = start(options, [&](Request, Responder respond) {
    ++started;
    released.wait();
    respond(text("done"));
  });
  const std::string request = "GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  const RawConnection first(server->port());
  first.send(request);
  while (started == 0) std::this_thread::yield();
  const RawConnection second(server->port());
  second.send(request);
  while (server->counters().requests < 2) std::this_thread::yield();
  const RawConnection third(server->port());
  EXPECT_NE(third.read().find("503"), std::string::npos) << "one connection too many";
  release.set_value();
  EXPECT_NE(first.read().find("done"), std::string::npos);
  EXPECT_NE(second.read().find("done"), std::string::npos);
}

TEST(HttpServer, StoppingLetsStartedRequestsFinish) {
  std::promise<void> begun, release;
  const auto released = release.get_future().share();
  auto server = start({}, [&](Request, Responder respond) {
    begun.set_value();
    released.wait();
    respond(text("finished"));
  });
  const RawConnection idle(server->port());
  auto answer = std::async(std::launch::async, [&] {
    Client client({});
    return client.send(base(*server), make("GET", "/"))->body;
  });
  begun.get_future().wait();
  auto stopped = std::async(std::launch::async, [&] { server->stop(std::chrono::seconds(30)); });
  EXPECT_TRUE(idle.read().empty()) << "idle connections are closed";
  release.set_value();
  EXPECT_EQ(answer.get(), "finished");
  stopped.get();
}

TEST(HttpServer, TellsWhyItCannotStart) {
  ServerOptions options;
  options.address = "not an address";
  EXPECT_EQ(Server::start(options, handle, refuse).error().code(), ErrorCode::InvalidArgument);
  options.address = "127.0.0.1";
  options.port = start()->port();
  const auto holder = start();
  options.port = holder->port();
  EXPECT_EQ(Server::start(options, handle, refuse).error().code(), ErrorCode::Unavailable);
  options.port = 0;
  options.certificate_file = "/nonexistent/certificate.pem";
  options.key_file = "/nonexistent/key.pem";
  EXPECT_EQ(Server::start(options, handle, refuse).error().code(), ErrorCode::InvalidArgument);
}

TEST(HttpClient, LimitsTheAnswerAndReportsUnreachableServers) {
  const auto server = start();
  ClientOptions options;
  options.response_bytes_max = 1000;
  Client client(options);
  EXPECT_EQ(client.send(base(*server), make("GET", "/large")).error().code(),
            ErrorCode::ResourceExhausted);
  EXPECT_EQ(client.send("http://127.0.0.1:1", make("GET", "/")).error().code(),
            ErrorCode::Unavailable);
  EXPECT_FALSE(client.send("file:///etc", make("GET", "/passwd")));
}

TEST(Headers, CompareWithoutCaseAndTrim) {
  Headers headers;
  headers.add("X-A", "  one ");
  headers.add("x-a", "two");
  EXPECT_EQ(headers.get("X-a"), "one");
  EXPECT_EQ(headers.find_all("x-A").size(), 2U);
  headers.set("X-A", "three");
  EXPECT_EQ(headers.size(), 1U);
  headers.remove("x-a");
  EXPECT_FALSE(headers.find("X-A"));
}

TEST(ParseQuery, DecodesPairs) {
  const auto pairs = parse_query("a=1&b&c=%2F+&&a=2").value();
  ASSERT_EQ(pairs.size(), 4U);
  EXPECT_EQ(pairs[1].second, "");
  EXPECT_EQ(pairs[2].second, "/+");
  EXPECT_FALSE(parse_query("a=%2"));
  EXPECT_FALSE(parse_query("%zz=1"));
}

}  // namespace
}  // namespace traccia::http
