// When outside buckets are probed, and what the log tells of it.
// SPDX-License-Identifier: Apache-2.0
#include "server/outside_watch.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "base/log.h"

namespace traccia::server {
namespace {

// A store's software or a bucket's versioning may change while the server runs.
constexpr std::chrono::minutes kProbeInterval{10};
constexpr std::chrono::seconds kRetryFirst{2};  // doubles up to kRetryMax
constexpr std::chrono::seconds kRetryMax{300};
constexpr std::chrono::milliseconds kIdle{500};

struct Watched {
  Duration next{}, delay{};
  std::optional<std::string> told_error;
  api::ConditionalPut told = api::ConditionalPut::Unknown;
};

void tell(Watched& watched, const api::OutsideState& state) {
  if (watched.told_error != state.error) {
    if (state.error.empty()) {
      log(LogLevel::Info, "an outside bucket takes objects, keeps their metadata and lists them",
          {{"bucket", state.name},
           {"endpoint", state.endpoint},
           {"conditional_put", to_string(state.conditional_put)}});
    } else {
      log(LogLevel::Error, "an outside bucket cannot be used as it is",
          {{"bucket", state.name}, {"endpoint", state.endpoint}, {"error", state.error}});
    }
    watched.told_error = state.error;
  }
  if (watched.told == state.conditional_put) return;
  watched.told = state.conditional_put;
  if (state.conditional_put == api::ConditionalPut::Honoured) return;
  log(LogLevel::Warning,
      "the store does not honour If-None-Match: keys are looked up before each PUT, which leaves a "
      "moment in which another writer's object could be replaced. Let nobody else write below "
      "AWSLogs/; on a RADOS gateway turn the bucket's versioning off, or use a store that has "
      "conditional writes",
      {{"bucket", state.name},
       {"endpoint", state.endpoint},
       {"conditional_put", to_string(state.conditional_put)}});
}

void probe(api::OutsideBuckets& buckets, const std::string& name, Watched& watched) {
  const bool found = buckets.probe(name).has_value();
  watched.delay =
      found ? Duration{} : std::clamp<Duration>(watched.delay * 2, kRetryFirst, kRetryMax);
}

}  // namespace

void watch_outside(api::OutsideBuckets& buckets, os::Clock& clock, StopSignal& stop) {
  std::map<std::string, Watched> all;
  for (const auto& name : buckets.names()) all[name] = {};
  while (!stop.is_set()) {
    for (auto& [name, watched] : all) {
      if (stop.is_set()) return;
      if (clock.monotonic() < watched.next) continue;
      probe(buckets, name, watched);
      if (stop.is_set()) return;  // what stop() cut short says nothing
      watched.next =
          clock.monotonic() + (watched.delay > Duration{} ? watched.delay : kProbeInterval);
      const auto states = buckets.states();
      tell(watched, *std::ranges::find(states, name, &api::OutsideState::name));
    }
    stop.wait_for(kIdle);
  }
}

}  // namespace traccia::server
