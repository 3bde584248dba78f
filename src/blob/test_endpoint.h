// For tests: an endpoint on loopback that answers with whatever bytes the test wants, and a small
// S3 on top of it that can be as faulty as stores are. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/mutex.h"
#include "http/message.h"

namespace traccia::blob::test {

// A whole answer as it goes over the wire.
inline std::string answer(int status, std::string_view body, std::string_view headers = "") {
  return fmt::format("HTTP/1.1 {} x\r\nContent-Length: {}\r\n{}\r\n{}", status, body.size(),
                     headers, body);
}
inline std::string error_answer(int status, std::string_view code) {
  return answer(status, fmt::format("<?xml version=\"1.0\"?><Error><Code>{}</Code><Message>said "
                                    "the store</Message></Error>",
                                    code));
}

// One connection a request, each on a thread of its own. The handler runs on those.
class Endpoint {
 public:
  using Handler = std::function<std::string(const http::Request&)>;
  explicit Endpoint(Handler handler) : handler_(std::move(handler)) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const plain = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(socket_, plain, size), 0);
    EXPECT_EQ(::listen(socket_, 64), 0);
    EXPECT_EQ(::getsockname(socket_, plain, &size), 0);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept(); });
  }
  ~Endpoint() {
    ::shutdown(socket_, SHUT_RDWR);
    acceptor_.join();
    ::close(socket_);
    for (auto& thread : threads_) thread.join();
  }
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  std::string url() const { return fmt::format("http://127.0.0.1:{}", port_); }
  std::string authority() const { return fmt::format("127.0.0.1:{}", port_); }

 private:
  void accept() {
    while (true) {
      const int connection = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) return;
      threads_.emplace_back([this, connection] {
        serve(connection);
        ::close(connection);
      });
    }
  }

  void serve(int connection) const {
    std::string bytes;
    const auto read_until = [&](size_t size) {
      char piece[16384];
      while (bytes.size() < size) {
        const auto count = ::recv(connection, piece, sizeof piece, 0);
        if (count <= 0) return false;
        bytes.append(piece, static_cast<size_t>(count));
      }
      return true;
    };
    size_t head_end = std::string::npos;
    while ((head_end = bytes.find("\r\n\r\n")) == std::string::npos) {
      if (!read_until(bytes.size() + 1)) return;
    }
    auto request = parse_head(std::string_view(bytes).substr(0, head_end));
    size_t body_bytes = 0;
    const auto length = request.headers.get("content-length");
    std::from_chars(length.data(), length.data() + length.size(), body_bytes);
    if (!read_until(head_end + 4 + body_bytes)) return;
    request.body = bytes.substr(head_end + 4, body_bytes);
    std::string_view out;
    const auto whole = handler_(request);
    out = whole;
    while (!out.empty()) {
      const auto count = ::send(connection, out.data(), out.size(), MSG_NOSIGNAL);
      if (count <= 0) return;
      out.remove_prefix(static_cast<size_t>(count));
    }
  }

  static http::Request parse_head(std::string_view head) {
    http::Request request;
    const auto line_end = std::min(head.find("\r\n"), head.size());
    const auto line = head.substr(0, line_end);
    const auto first = line.find(' ');
    const auto target = line.substr(first + 1, line.rfind(' ') - first - 1);
    const auto mark = std::min(target.find('?'), target.size());
    request.method = line.substr(0, first);
    request.path = target.substr(0, mark);
    request.query = target.substr(std::min(mark + 1, target.size()));
    for (auto rest = head.substr(std::min(line_end + 2, head.size())); !rest.empty();) {
      const auto end = std::min(rest.find("\r\n"), rest.size());
      const auto field = rest.substr(0, end);
      if (const auto colon = field.find(':'); colon != field.npos) {
        request.headers.add(field.substr(0, colon), field.substr(colon + 1));
      }
      rest.remove_prefix(std::min(end + 2, rest.size()));
    }
    return request;
  }

  Handler handler_;
  int socket_ = -1;
  uint16_t port_ = 0;
  std::thread acceptor_;
  std::vector<std::thread> threads_;  // the acceptor's until it ends
};

// Buckets in memory, path style. Thread-safe; its faults may change while it runs.
class FakeS3 {
 public:
  struct Object {
    std::string bytes;
    std::map<std::string, std::string> metadata;
  };
  enum class Condition { Honoured, Ignored, NotImplemented };
  struct Faults {
    Condition condition = Condition::Honoured;
    bool keeps_metadata = true;
    bool lists = true;
    std::string refusal;  // the code of every answer then, with this status
    int refusal_status = 403;
    std::string refused_prefix = {};  // only keys that begin with it; empty: all
    bool loses_answers = false;       // does as told and says nothing
  };

  explicit FakeS3(const std::vector<std::string>& buckets) {
    for (const auto& bucket : buckets) buckets_[bucket];
  }
  std::string url() const { return endpoint_.url(); }
  void set(Faults faults) {
    const MutexLock lock(mutex_);
    faults_ = std::move(faults);
  }
  std::map<std::string, Object> objects(const std::string& bucket) {
    const MutexLock lock(mutex_);
    return buckets_[bucket];
  }
  void store(const std::string& bucket, const std::string& key, std::string bytes) {
    const MutexLock lock(mutex_);
    buckets_[bucket][key] = {std::move(bytes), {}};
  }
  // "METHOD key" of every request, in order.
  std::vector<std::string> requests() {
    const MutexLock lock(mutex_);
    return requests_;
  }

 private:
  std::string handle(const http::Request& request) {
    const MutexLock lock(mutex_);
    const auto path = percent_decode(request.path).value();
    const auto slash = std::min(path.find('/', 1), path.size());
    const auto key = path.substr(std::min(slash + 1, path.size()));
    requests_.push_back(request.method + " " + key);
    if (!faults_.refusal.empty() && key.starts_with(faults_.refused_prefix)) {
      return error_answer(faults_.refusal_status, faults_.refusal);
    }
    const auto bucket = buckets_.find(path.substr(1, slash - 1));
    if (bucket == buckets_.end()) return error_answer(404, "NoSuchBucket");
    auto done = request.method == "PUT" ? put(bucket->second, key, request)
                : key.empty()           ? list(bucket->second, request)
                                        : get(bucket->second, key, request);
    return faults_.loses_answers ? "" : done;
  }

  std::string put(std::map<std::string, Object>& bucket, const std::string& key,
                  const http::Request& request) REQUIRES(mutex_) {
    if (request.headers.get("if-none-match") == "*") {
      if (faults_.condition == Condition::NotImplemented) {
        return error_answer(501, "NotImplemented");
      }
      if (faults_.condition == Condition::Honoured && bucket.contains(key)) {
        return error_answer(412, "PreconditionFailed");
      }
    }
    Object object{request.body, {}};
    for (const auto& [name, value] : request.headers) {
      constexpr std::string_view kPrefix = "x-amz-meta-";
      if (faults_.keeps_metadata && name.starts_with(kPrefix)) {
        object.metadata[std::string(name.substr(kPrefix.size()))] = value;
      }
    }
    bucket[key] = std::move(object);
    return answer(200, "");
  }

  static std::string get(const std::map<std::string, Object>& bucket, const std::string& key,
                         const http::Request& request) {
    const auto at = bucket.find(key);
    const bool head = request.method == "HEAD";
    if (at == bucket.end()) return head ? answer(404, "") : error_answer(404, "NoSuchKey");
    std::string headers;
    for (const auto& [name, value] : at->second.metadata) {
      headers += fmt::format("X-Amz-Meta-{}: {}\r\n", name, value);
    }
    if (!head) return answer(200, at->second.bytes, headers);
    return fmt::format("HTTP/1.1 200 x\r\nContent-Length: {}\r\n{}\r\n", at->second.bytes.size(),
                       headers);
  }

  std::string list(const std::map<std::string, Object>& bucket, const http::Request& request) const
      REQUIRES(mutex_) {
    std::string prefix;
    const auto query = http::parse_query(request.query).value();
    for (const auto& [name, value] : query) {
      if (name == "prefix") prefix = value;
    }
    std::string body = "<ListBucketResult><IsTruncated>false</IsTruncated>";
    for (const auto& [key, object] : bucket) {
      if (!faults_.lists || !key.starts_with(prefix)) continue;
      body += fmt::format("<Contents><Key>{}</Key></Contents>", key);
    }
    return answer(200, body + "</ListBucketResult>");
  }

  Mutex mutex_;
  std::map<std::string, std::map<std::string, Object>> buckets_ GUARDED_BY(mutex_);
  Faults faults_ GUARDED_BY(mutex_);
  std::vector<std::string> requests_ GUARDED_BY(mutex_);
  Endpoint endpoint_{[this](const http::Request& request) { return handle(request); }};
};

}  // namespace traccia::blob::test
