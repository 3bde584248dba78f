// /healthz and /metrics.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "api/outside_buckets.h"
#include "api/s3_access_logs.h"
#include "http/message.h"
#include "http/server.h"
#include "s3/scrub.h"
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
  wal::CheckState log_check;
  std::vector<SinkState> sinks;
  std::vector<LogKeeper> log_keepers;
  size_t files_pending = 0;
  s3::ScrubState objects;
  api::AccessLogCounters access_logs;
  std::vector<api::OutsideState> outside;
  http::ServerCounters http;
  std::map<std::string, uint64_t> requests;  // by "service operation status"
};

// Who still needs damaged bytes, by name and separated by commas; "nobody" when all have passed.
std::string needing(const std::vector<LogKeeper>& keepers, const wal::Damage& damage);

// 200 while events are accepted and the log is sound, 503 once the log stopped, while it is full,
// or damaged; JSON that says which sinks are behind, how much of the log each keeper needs, how far
// its check has come, what probes found of outside buckets, and which objects are damaged: events
// are safe meanwhile.
http::Response render_health(const ServerState& state);
// Prometheus text.
http::Response render_metrics(const ServerState& state);

}  // namespace traccia::server
