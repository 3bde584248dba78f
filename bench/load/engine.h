// Drives keep-alive HTTP connections from one thread, closed loop or at a fixed rate.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "histogram.h"

namespace traccia::load {

using Clock = std::chrono::steady_clock;

struct Answer {
  int status = 0;
  std::string_view body;
};

// Whole requests, ready to send. Used from the thread that runs the load.
class RequestSource {
 public:
  struct Ticket {
    size_t id = 0;
    std::string_view bytes;  // stay as they are until finish(id)
  };
  virtual ~RequestSource() = default;
  virtual Ticket next() = 0;
  // False when there is nothing more to send.
  virtual bool more() const = 0;
  // True when the answer is what was asked for. A status of 0: the connection broke.
  virtual bool finish(size_t id, const Answer& answer) = 0;
};

struct LoadOptions {
  uint16_t port = 0;
  size_t connections = 64;
  double seconds = 10;
  double warmup = 0;  // sent and answered, not counted
  // Requests a second at intended times of even distance; a late answer counts from the intended
  // time, so a stall shows in every request that it held up. 0: closed loop, the next request of
  // a connection follows the answer.
  double rate = 0;
};

struct LoadReport {
  double seconds = 0;     // from the end of the warm-up to the last answer
  uint64_t requests = 0;  // good answers
  uint64_t refused = 0;   // answers with another status; sent again after a pause
  uint64_t bad = 0;       // status 200 with something else in it than asked for
  uint64_t broken = 0;    // connections that broke
  uint64_t unsent = 0;    // open loop: due and never sent
  uint64_t bytes_sent = 0, bytes_received = 0;
  double cpu_seconds = 0;  // of this process
  Histogram latency;
  Histogram lateness;  // open loop: from intended to sent, the generator's share included
  std::string json_members() const;
};

// Exits with a message when the server cannot be reached.
LoadReport run_load(RequestSource& source, const LoadOptions& options);

// User and system time of this process.
double cpu_seconds();

}  // namespace traccia::load
