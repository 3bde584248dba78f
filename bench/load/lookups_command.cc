// traccia_load lookups, traccia_load freshness.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <poll.h>

#include <cstdio>
#include <memory>
#include <thread>

#include "commands.h"
#include "connection.h"
#include "event_source.h"
#include "lookup_source.h"
#include "signed_request.h"

namespace traccia::load {
namespace {

struct LookupsOptions {
  LoadOptions load;
  LookupSource::Options source;
  uint64_t seed = 1;  // of the events
  std::vector<std::string> kinds;
};

int look_up(LookupsOptions options) {
  for (const auto& name : options.kinds) {
    const auto at = std::ranges::find(kLookupNames, name, &LookupName::name);
    options.source.kinds.push_back(at->kind);
  }
  options.source.port = options.load.port;
  const EventPool pool(options.seed);
  LookupSource source(pool, credentials_of_environment(), options.source);
  const auto report = run_load(source, options.load);
  if (!source.first_complaint().empty()) {
    fmt::print(stderr, "traccia_load: first complaint: {}\n", source.first_complaint());
  }
  fmt::print("{{\"events_found\":{},{}}}\n", source.events(), report.json_members());
  return report.bad + report.refused + report.broken + report.unsent == 0 ? 0 : 1;
}

// One request at a time, waiting for each answer. Exits when the connection breaks.
Answer ask(Connection& connection, std::string_view request) {
  auto sent = connection.send(request);
  pollfd wait{connection.descriptor(), POLLOUT, 0};
  while (sent == Connection::Progress::Blocked) {
    ::poll(&wait, 1, -1);
    sent = connection.flush();
  }
  wait.events = POLLIN;
  while (sent != Connection::Progress::Broken) {
    ::poll(&wait, 1, -1);
    const auto received = connection.receive();
    if (received == Connection::Progress::Done) return connection.answer();
    if (received == Connection::Progress::Broken) break;
  }
  fmt::print(stderr, "traccia_load: the connection broke\n");
  std::exit(3);
}

struct FreshnessOptions {
  uint16_t port = 0;
  std::string token;
  uint64_t seed = 1, first = 0, count = 500;
  double pause_ms = 10, limit_ms = 5000;
};

// From the receipt of an event to the first look-up that shows it.
int measure_freshness(const FreshnessOptions& options) {
  const EventPool pool(options.seed);
  EventSource source(pool, {.token = options.token,
                            .port = options.port,
                            .first = options.first,
                            .count_max = options.count});
  const auto credentials = credentials_of_environment();
  Connection events(options.port), lookups(options.port);
  Histogram visible, asked;
  uint64_t polls = 0, late = 0;
  const auto limit = std::chrono::duration<double, std::milli>(options.limit_ms);
  for (uint64_t i = 0; i < options.count; ++i) {
    const auto lookup =
        signed_lookup(credentials, options.port, "EventId", pool.event_id(options.first + i));
    const auto ticket = source.next();
    if (!source.finish(ticket.id, ask(events, ticket.bytes))) {
      fmt::print(stderr, "traccia_load: {}\n", source.first_complaint());
      return 1;
    }
    const auto acknowledged = Clock::now();
    while (true) {
      const auto start = Clock::now();
      ++polls;
      const bool found = events_in(ask(lookups, lookup).body) > 0;
      const auto now = Clock::now();
      asked.add(now - start);
      if (found) {
        visible.add(now - acknowledged);
        break;
      }
      if (now - acknowledged > limit) {
        ++late;
        break;
      }
    }
    std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(options.pause_ms));
  }
  fmt::print(R"({{"events":{},"polls":{},"not_visible_in_time":{},"visible_us":{},"lookup_us":{}}})"
             "\n",
             options.count, polls, late, visible.json(), asked.json());
  return late == 0 ? 0 : 1;
}

}  // namespace

void add_lookups(CLI::App& app, Command& command) {
  auto* sub = app.add_subcommand(
      "lookups", "Look events up; credentials come from the environment (traccia env)");
  auto options = std::make_shared<LookupsOptions>();
  std::vector<std::string> names;
  for (const auto& one : kLookupNames) names.emplace_back(one.name);
  options->load.connections = 1;
  sub->add_option("--port", options->load.port, "of the server on 127.0.0.1")->required();
  sub->add_option("--kind", options->kinds, "what to look up, in turn")
      ->required()
      ->delimiter(',')
      ->check(CLI::IsMember(names));
  sub->add_option("--below", options->source.below, "events 0 … N-1 of the seed are there")
      ->required()
      ->check(CLI::PositiveNumber);
  sub->add_option("--seed", options->seed, "of the events");
  sub->add_option("--questions", options->source.distinct, "distinct requests");
  sub->add_option("--questions-seed", options->source.seed, "another seed, other questions");
  sub->add_option("--connections", options->load.connections);
  sub->add_option("--seconds", options->load.seconds);
  sub->add_option("--warmup", options->load.warmup, "seconds before that, not counted");
  sub->add_option("--rate", options->load.rate, "requests a second; 0: closed loop");
  sub->callback([options, &command] { command = [options] { return look_up(*options); }; });
}

void add_freshness(CLI::App& app, Command& command) {
  auto* sub = app.add_subcommand("freshness", "From the receipt to the first look-up that finds");
  auto options = std::make_shared<FreshnessOptions>();
  sub->add_option("--port", options->port, "of the server on 127.0.0.1")->required();
  sub->add_option("--token", options->token, "from traccia token create")->required();
  sub->add_option("--seed", options->seed);
  sub->add_option("--first", options->first, "number of the first event; N x 16000");
  sub->add_option("--count", options->count, "events");
  sub->add_option("--pause-ms", options->pause_ms, "between events");
  sub->callback(
      [options, &command] { command = [options] { return measure_freshness(*options); }; });
}

}  // namespace traccia::load
