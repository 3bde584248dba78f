// One keep-alive HTTP/1.1 connection to loopback that does not block.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine.h"

namespace traccia::load {

// owned by one thread. Exits the process when the server cannot be reached at all.
class Connection {
 public:
  enum class Progress { Blocked, Done, Broken };

  explicit Connection(uint16_t port);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int descriptor() const { return socket_; }
  // Blocked: call flush() when the socket takes more.
  Progress send(std::string_view bytes);
  Progress flush();
  // Done: answer() holds until the next send.
  Progress receive();
  const Answer& answer() const { return answer_; }
  uint64_t bytes_received() const { return received_; }

 private:
  bool complete();

  int socket_ = -1;
  std::string_view rest_;
  std::vector<char> buffer_;
  size_t filled_ = 0, head_bytes_ = 0, whole_bytes_ = 0;
  uint64_t received_ = 0;
  Answer answer_;
};

}  // namespace traccia::load
