// Sends a request and reads its answer.
// SPDX-License-Identifier: Apache-2.0
#include "connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace traccia::load {
namespace {

constexpr size_t kBufferBytes = 64 << 10;
constexpr std::string_view kLength = "content-length:";

}  // namespace

Connection::Connection(uint16_t port) : buffer_(kBufferBytes) {
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    fmt::print(stderr, "traccia_load: cannot connect to port {}: {}\n", port, std::strerror(errno));
    std::exit(3);
  }
  const int yes = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  ::fcntl(socket_, F_SETFL, O_NONBLOCK);
}

Connection::~Connection() {
  ::close(socket_);
}

Connection::Progress Connection::send(std::string_view bytes) {
  rest_ = bytes;
  filled_ = head_bytes_ = whole_bytes_ = 0;
  return flush();
}

Connection::Progress Connection::flush() {
  while (!rest_.empty()) {
    const auto count = ::send(socket_, rest_.data(), rest_.size(), MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN ? Progress::Blocked : Progress::Broken;
    rest_.remove_prefix(static_cast<size_t>(count));
  }
  return Progress::Done;
}

// Whether the whole answer is in the buffer; finds its parts.
bool Connection::complete() {
  const std::string_view all(buffer_.data(), filled_);
  if (head_bytes_ == 0) {
    const auto end = all.find("\r\n\r\n");
    if (end == all.npos) return false;
    head_bytes_ = end + 4;
    whole_bytes_ = head_bytes_;
    auto head = all.substr(0, end);
    answer_.status = std::atoi(all.data() + std::strlen("HTTP/1.1 "));
    for (auto at = head.find("\r\n"); at != head.npos; at = head.find("\r\n", at + 2)) {
      const auto line = head.substr(at + 2);
      if (line.size() > kLength.size() &&
          ::strncasecmp(line.data(), kLength.data(), kLength.size()) == 0) {
        whole_bytes_ += std::strtoul(line.data() + kLength.size(), nullptr, 10);
      }
    }
    if (buffer_.size() < whole_bytes_) buffer_.resize(whole_bytes_ + kBufferBytes);
  }
  return filled_ >= whole_bytes_;
}

Connection::Progress Connection::receive() {
  while (true) {
    const auto count = ::recv(socket_, buffer_.data() + filled_, buffer_.size() - filled_, 0);
    if (count < 0 && errno == EAGAIN) return Progress::Blocked;
    if (count <= 0) return Progress::Broken;
    filled_ += static_cast<size_t>(count);
    received_ += static_cast<uint64_t>(count);
    if (complete()) break;
    if (filled_ == buffer_.size()) buffer_.resize(buffer_.size() * 2);
  }
  answer_.body = {buffer_.data() + head_bytes_, whole_bytes_ - head_bytes_};
  return Progress::Done;
}

}  // namespace traccia::load
