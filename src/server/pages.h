// /healthz and /metrics.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "http/message.h"
#include "http/server.h"
#include "wal/wal.h"

namespace traccia::server {

// A sink of the log and where it stands.
struct SinkState {
  std::string name;
  wal::Position position = 0;
  std::string error;  // of its last step; empty when it went well
};

// What needs the log from a position on, so that it is not cut there.
struct LogKeeper {
  std::string name;
  wal::Position from = 0;
};

struct ServerState {
  bool log_stopped = false;
  wal::Position log_end = 0;
  uint64_t log_disk_bytes = 0;
  bool log_disk_full = false;
  std::vector<SinkState> sinks;
  std::vector<LogKeeper> log_keepers;
  size_t files_pending = 0;
  http::ServerCounters http;
  std::map<std::string, uint64_t> requests;  // by "service operation status"
};

// 200 while events are accepted, 503 once the log stopped or while it is full; JSON that says which
// sinks are behind, and how much of the log each keeper needs.
http::Response render_health(const ServerState& state);
// Prometheus text.
http::Response render_metrics(const ServerState& state);

}  // namespace traccia::server
