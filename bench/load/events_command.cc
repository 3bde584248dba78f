// traccia_load events, traccia_load write.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "commands.h"
#include "event_source.h"
#include "signed_request.h"

namespace traccia::load {
namespace {

struct EventsOptions {
  LoadOptions load;
  EventSourceOptions events;
  uint64_t seed = 1;
  bool sign = false;
};

int send_events(EventsOptions options) {
  const EventPool pool(options.seed);
  options.events.port = options.load.port;
  if (options.sign) options.events.credentials = credentials_of_environment();
  EventSource source(pool, options.events);
  const auto report = run_load(source, options.load);
  if (!source.first_complaint().empty()) {
    fmt::print(stderr, "traccia_load: first complaint: {}\n", source.first_complaint());
  }
  const auto events = report.requests * options.events.batch;
  fmt::print(R"({{"events":{},"events_per_second":{:.1f},"event_bytes_mean":{:.1f},)"
             R"("accepted":{},"duplicates":{},"rejected":{},"complete_below":{},)"
             R"("unused_from":{},{}}})"
             "\n",
             events, static_cast<double>(events) / report.seconds, pool.mean_bytes(),
             source.accepted(), source.duplicates(), source.rejected(), source.complete_below(),
             source.unused_from(), report.json_members());
  return report.bad == 0 && report.broken == 0 && report.unsent == 0 ? 0 : 1;
}

struct WriteOptions {
  uint64_t seed = 1, first = 0, count = 0;
  std::string file;
  std::string time;
};

int write_events(const WriteOptions& options) {
  const EventPool pool(options.seed);
  auto time = event_time_now();
  if (!options.time.empty()) std::copy_n(options.time.begin(), time.size(), time.begin());
  auto* const file = options.file == "-" ? stdout : std::fopen(options.file.c_str(), "wb");
  if (file == nullptr) {
    fmt::print(stderr, "traccia_load: cannot write {}\n", options.file);
    return 3;
  }
  std::string text;
  for (uint64_t i = 0; i < options.count; ++i) {
    text = pool.event(options.first + i, time);
    text += '\n';
    if (std::fwrite(text.data(), 1, text.size(), file) != text.size()) return 3;
  }
  if (std::fflush(file) != 0) return 3;
  if (file != stdout) {
    std::fclose(file);
    fmt::print(R"({{"events":{},"event_bytes_mean":{:.1f},"entropy_bytes_mean":{:.1f}}})"
               "\n",
               options.count, pool.mean_bytes(), pool.mean_entropy_bytes());
  }
  return 0;
}

}  // namespace

void add_events(CLI::App& app, Command& command) {
  auto* sub = app.add_subcommand("events", "Send events, closed loop or at a fixed rate");
  auto options = std::make_shared<EventsOptions>();
  sub->add_option("--port", options->load.port, "of the server on 127.0.0.1")->required();
  auto* const token =
      sub->add_option("--token", options->events.token, "from traccia token create");
  sub->add_flag("--sign", options->sign, "each request, with the credentials of the environment")
      ->excludes(token);
  sub->add_option("--connections", options->load.connections);
  sub->add_option("--batch", options->events.batch, "events a request; divides 16000");
  sub->add_option("--seconds", options->load.seconds);
  sub->add_option("--warmup", options->load.warmup, "seconds before that, not counted");
  sub->add_option("--rate", options->load.rate, "requests a second; 0: closed loop");
  sub->add_option("--seed", options->seed, "the ids follow from it");
  sub->add_option("--first", options->events.first, "number of the first event; N x 16000");
  sub->add_option("--count", options->events.count_max, "stop after so many events");
  sub->callback([options, &command] {
    const auto& events = options->events;
    if (events.token.empty() && !options->sign) {
      throw CLI::ValidationError("--token", "is needed, or --sign");
    }
    if (events.batch == 0 || EventPool::kBases % events.batch != 0) {
      throw CLI::ValidationError("--batch", "must divide 16000");
    }
    if (events.first % EventPool::kBases != 0) {
      throw CLI::ValidationError("--first", "must be a multiple of 16000");
    }
    if (EventPool::kBases / events.batch <= options->load.connections) {
      throw CLI::ValidationError("--connections", "more than there are requests; lower --batch");
    }
    command = [options] { return send_events(*options); };
  });
}

void add_write(CLI::App& app, Command& command) {
  auto* sub = app.add_subcommand("write", "Write the same events as NDJSON");
  auto options = std::make_shared<WriteOptions>();
  sub->add_option("--seed", options->seed);
  sub->add_option("--first", options->first, "number of the first event");
  sub->add_option("--count", options->count)->required();
  sub->add_option("--time", options->time, "eventTime of all, YYYY-MM-DDTHH:MM:SSZ")
      ->check([](const std::string& text) {
        return text.size() == std::tuple_size_v<EventTime> ? "" : "not YYYY-MM-DDTHH:MM:SSZ";
      });
  sub->add_option("file", options->file, "- for the standard output")->required();
  sub->callback([options, &command] { command = [options] { return write_events(*options); }; });
}

}  // namespace traccia::load
