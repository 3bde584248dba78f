// Renders the server's state.
// SPDX-License-Identifier: Apache-2.0
#include "server/pages.h"

#include <fmt/format.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <sstream>

#include "json/json.h"

namespace traccia::server {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

ClientMetric metric(MetricType type, double value, std::vector<ClientMetric::Label> labels) {
  ClientMetric out;
  out.label = std::move(labels);
  if (type == MetricType::Counter) {
    out.counter.value = value;
  } else {
    out.gauge.value = value;
  }
  return out;
}

MetricFamily single(std::string name, std::string help, MetricType type, double value) {
  return {std::move(name), std::move(help), type, {metric(type, value, {})}};
}

MetricFamily request_family(const ServerState& state) {
  MetricFamily family{"traccia_requests_total", "Answered API requests", MetricType::Counter, {}};
  for (const auto& [name, count] : state.requests) {
    std::istringstream words(name);
    std::string service, operation, status;
    words >> service >> operation >> status;
    family.metric.push_back(
        metric(MetricType::Counter, static_cast<double>(count),
               {{"service", service}, {"operation", operation}, {"status", status}}));
  }
  return family;
}

MetricFamily latency_family(const http::Latencies& latencies) {
  constexpr std::array<const char*, http::kRequestClasses> kNames{"other", "ingest", "lookup",
                                                                  "tail"};
  MetricFamily family{"traccia_http_request_seconds",
                      "From the whole request to its answer given to the kernel",
                      MetricType::Histogram,
                      {}};
  for (size_t i = 0; i < latencies.size(); ++i) {
    ClientMetric one;
    one.label = {{"class", kNames[i]}};
    uint64_t count = 0;
    for (size_t j = 0; j < latencies[i].buckets.size(); ++j) {
      count += latencies[i].buckets[j];
      const double bound = j < http::kLatencyBounds.size()
                               ? std::chrono::duration<double>(http::kLatencyBounds[j]).count()
                               : std::numeric_limits<double>::infinity();
      one.histogram.bucket.push_back({count, bound});
    }
    one.histogram.sample_count = count;
    one.histogram.sample_sum = std::chrono::duration<double>(latencies[i].sum).count();
    family.metric.push_back(std::move(one));
  }
  return family;
}

uint64_t kept(const ServerState& state, const LogKeeper& keeper) {
  return state.log_end > keeper.from ? state.log_end - keeper.from : 0;
}

// The one that needs the most.
std::string_view keeper_of(const ServerState& state) {
  const auto most = std::ranges::min_element(state.log_keepers, {}, &LogKeeper::from);
  return most == state.log_keepers.end() ? std::string_view("nobody") : most->name;
}

std::string_view status_of(const ServerState& state) {
  if (state.log_stopped) return "stopped";
  if (state.log_disk_full) return "full";
  return state.log_check.damages.empty() ? "ok" : "damaged";
}

std::string message_of(const ServerState& state) {
  if (state.log_stopped) {
    return "a write to the log failed; events are refused until the server restarts on a sound "
           "disk";
  }
  if (state.log_disk_full) {
    return fmt::format(
        "the log has reached its limit, '{}' keeps the most of it; events are refused until it is "
        "cut, the disk has room again, or --log-disk-max is raised",
        keeper_of(state));
  }
  return "entries of the log are damaged on the disk: see logCheck; events are accepted. Where "
         "'nobody' needs them any more, nothing is lost, and the file goes when the log is cut; "
         "who needs them stops there until the file is restored from a copy";
}

json::Object render_check(const ServerState& state) {
  json::Array damages;
  for (const auto& damage : state.log_check.damages) {
    damages.push_back(json::Object{{"file", damage.path},
                                   {"byte", damage.byte},
                                   {"error", damage.what},
                                   {"places", damage.places},
                                   {"neededBy", needing(state.log_keepers, damage)}});
  }
  return {{"bytes", state.log_check.bytes},
          {"checkedBytes", state.log_check.bytes_checked},
          {"damages", std::move(damages)}};
}

json::Object render_objects(const s3::ScrubState& state) {
  json::Array damaged;
  for (const auto& one : state.damaged) {
    damaged.push_back(json::Object{{"bucket", one.bucket},
                                   {"key", one.key},
                                   {"versionId", one.version_id},
                                   {"error", one.what}});
  }
  return {{"passes", state.passes},
          {"scrubbedObjects", state.objects},
          {"scrubbedBytes", state.bytes},
          {"damagedCount", state.damaged_count},
          {"damaged", std::move(damaged)}};
}

uint64_t behind(const ServerState& state, const SinkState& sink) {
  return state.log_end > sink.position ? state.log_end - sink.position : 0;
}

json::Object render_outside(const ServerState& state) {
  json::Object out;
  for (const auto& bucket : state.outside) {
    json::Object one{{"conditionalPut", to_string(bucket.conditional_put)}};
    if (bucket.checked) one["checked"] = format_iso_seconds(*bucket.checked);
    if (!bucket.error.empty()) one["error"] = bucket.error;
    out[bucket.name] = std::move(one);
  }
  return out;
}

// Server access logs of buckets.
void add_access_logs(const api::AccessLogCounters& logs, std::vector<MetricFamily>& families) {
  const auto add = [&](const char* name, const char* help, MetricType type, uint64_t value) {
    families.push_back(single(name, help, type, static_cast<double>(value)));
  };
  add("traccia_access_log_records_total", "Records of access logs made", MetricType::Counter,
      logs.records);
  add("traccia_access_log_delivered_total", "Records of them in their target buckets",
      MetricType::Counter, logs.delivered);
  add("traccia_access_log_dropped_total", "Records of them dropped", MetricType::Counter,
      logs.dropped);
  add("traccia_access_log_objects_total", "Objects of access logs written", MetricType::Counter,
      logs.objects);
  add("traccia_access_log_refusals_total", "PUTs of them that the target refused",
      MetricType::Counter, logs.refusals);
  add("traccia_access_log_waiting_bytes", "Bytes of records that wait", MetricType::Gauge,
      logs.waiting_bytes);
}

// One gauge a bucket for each: nothing wrong when last probed, the condition honoured.
void add_outside(const ServerState& state, std::vector<MetricFamily>& families) {
  if (state.outside.empty()) return;
  MetricFamily sound{"traccia_outside_bucket_sound",
                     "1 when the last probe of an outside bucket found nothing wrong",
                     MetricType::Gauge,
                     {}};
  MetricFamily condition{"traccia_outside_bucket_conditional_put",
                         "1 when the store of an outside bucket honours If-None-Match",
                         MetricType::Gauge,
                         {}};
  for (const auto& bucket : state.outside) {
    const std::vector<ClientMetric::Label> label{{"bucket", bucket.name}};
    sound.metric.push_back(
        metric(MetricType::Gauge, bucket.checked && bucket.error.empty() ? 1 : 0, label));
    const bool honoured = bucket.conditional_put == api::ConditionalPut::Honoured;
    condition.metric.push_back(metric(MetricType::Gauge, honoured ? 1 : 0, label));
  }
  families.push_back(std::move(sound));
  families.push_back(std::move(condition));
}

}  // namespace

std::string needing(const std::vector<LogKeeper>& keepers, const wal::Damage& damage) {
  std::string names;
  for (const auto& keeper : keepers) {
    if (keeper.from >= damage.end) continue;
    if (!names.empty()) names += ',';
    names += keeper.name;
  }
  return names.empty() ? "nobody" : names;
}

http::Response render_health(const ServerState& state) {
  json::Object sinks;
  for (const auto& sink : state.sinks) {
    json::Object one{{"caughtUp", behind(state, sink) == 0}, {"behindBytes", behind(state, sink)}};
    if (!sink.error.empty()) one["error"] = sink.error;
    sinks[sink.name] = std::move(one);
  }
  const auto status = status_of(state);
  json::Object body{{"status", status}};
  if (status != "ok") body["message"] = message_of(state);
  json::Object keepers;
  for (const auto& keeper : state.log_keepers) keepers[keeper.name] = kept(state, keeper);
  body["logKeptBytes"] = std::move(keepers);
  body["logCheck"] = render_check(state);
  body["sinks"] = std::move(sinks);
  body["objects"] = render_objects(state.objects);
  if (!state.outside.empty()) body["outsideBuckets"] = render_outside(state);
  http::Response response;
  response.status = status == "ok" ? 200 : 503;
  response.headers.add("Content-Type", "application/json");
  response.headers.add("Cache-Control", "no-store");
  response.body = json::serialize(body) + "\n";
  return response;
}

http::Response render_metrics(const ServerState& state) {
  std::vector<MetricFamily> families;
  families.push_back(request_family(state));
  families.push_back(single("traccia_http_requests_total", "HTTP requests read",
                            MetricType::Counter, static_cast<double>(state.http.requests)));
  families.push_back(single("traccia_http_refused_total", "Requests refused by a limit",
                            MetricType::Counter, static_cast<double>(state.http.refused)));
  families.push_back(single("traccia_http_connections", "Open connections", MetricType::Gauge,
                            static_cast<double>(state.http.connections_open)));
  families.push_back(single("traccia_http_connections_total", "Connections accepted",
                            MetricType::Counter,
                            static_cast<double>(state.http.connections_total)));
  families.push_back(latency_family(state.http.latencies));
  families.push_back(single("traccia_log_stopped", "1 once the log refuses events",
                            MetricType::Gauge, state.log_stopped ? 1 : 0));
  families.push_back(single("traccia_log_position_bytes", "End of the durable log",
                            MetricType::Gauge, static_cast<double>(state.log_end)));
  families.push_back(single("traccia_log_disk_bytes", "Bytes of the log on disk", MetricType::Gauge,
                            static_cast<double>(state.log_disk_bytes)));
  families.push_back(single("traccia_log_disk_full", "1 while the log's limit refuses events",
                            MetricType::Gauge, state.log_disk_full ? 1 : 0));
  families.push_back(single("traccia_log_check_bytes", "Bytes of the log to check after the start",
                            MetricType::Gauge, static_cast<double>(state.log_check.bytes)));
  families.push_back(single("traccia_log_checked_bytes", "Bytes of them that were checked",
                            MetricType::Gauge, static_cast<double>(state.log_check.bytes_checked)));
  families.push_back(single("traccia_log_damaged_segments", "Segments of the log with damage",
                            MetricType::Gauge,
                            static_cast<double>(state.log_check.damages.size())));
  families.push_back(single("traccia_objects_damaged", "S3 objects whose bytes are damaged",
                            MetricType::Gauge, static_cast<double>(state.objects.damaged_count)));
  families.push_back(single("traccia_objects_scrub_passes", "Times that all objects were read",
                            MetricType::Counter, static_cast<double>(state.objects.passes)));
  families.push_back(single("traccia_delivery_files_pending", "Log files whose PUT is outstanding",
                            MetricType::Gauge, static_cast<double>(state.files_pending)));
  MetricFamily lag{
      "traccia_sink_behind_bytes", "Log bytes a sink has not taken in", MetricType::Gauge, {}};
  for (const auto& sink : state.sinks) {
    lag.metric.push_back(
        metric(MetricType::Gauge, static_cast<double>(behind(state, sink)), {{"sink", sink.name}}));
  }
  families.push_back(std::move(lag));
  MetricFamily keepers{"traccia_log_kept_bytes",
                       "Log bytes that must not be cut yet, by what needs them",
                       MetricType::Gauge,
                       {}};
  for (const auto& keeper : state.log_keepers) {
    keepers.metric.push_back(
        metric(MetricType::Gauge, static_cast<double>(kept(state, keeper)), {{"by", keeper.name}}));
  }
  families.push_back(std::move(keepers));
  add_access_logs(state.access_logs, families);
  add_outside(state, families);
  http::Response response;
  response.headers.add("Content-Type", "text/plain; version=0.0.4");
  response.body = prometheus::TextSerializer().Serialize(families);
  return response;
}

}  // namespace traccia::server
