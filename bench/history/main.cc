// history_bench: event history by itself, without server and network. Prints one JSON object.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

#include "fill.h"
#include "measure.h"

namespace traccia::bench {
namespace {

struct Options {
  std::string directory;
  uint64_t heads = 76;  // 10 million events
  uint32_t head_events = history::Options{}.head_events_max;
  bool keep = false;
  Asking asking;
};

// {"size":…,"lookups":…}
Result<std::string> measure(Store& store, const load::EventPool& pool, const Asking& asking) {
  TRY_ASSIGN(const auto size, size_json(store));
  TRY_ASSIGN(const auto lookups, lookups_json(store, pool, asking));
  return fmt::format(R"({{"size":{},"lookups":{}}})", size, lookups);
}

Result<> run(const Options& options) {
  std::error_code ignored;
  if (!options.keep) std::filesystem::remove_all(options.directory, ignored);
  history::Options filling;
  filling.head_events_max = options.head_events;
  TRY_ASSIGN(const auto store, Store::open(options.directory, filling));
  const load::EventPool pool(1);
  auto asking = options.asking;
  asking.below = options.heads * options.head_events;
  Rates rates;
  if (!options.keep) {
    TRY_ASSIGN(rates, store->fill(pool, 0, asking.below));
  }
  const auto per_second = [&](double seconds) {
    return seconds > 0 ? static_cast<double>(rates.events) / seconds : 0;
  };
  fmt::print(R"({{"events":{},"take_in_per_second":{:.0f},"seal_per_second":{:.0f})", rates.events,
             per_second(rates.take_in_seconds), per_second(rates.seal_seconds));
  TRY_ASSIGN(const auto at_full_rate, measure(*store, pool, asking));
  fmt::print(R"(,"at_full_rate":{})", at_full_rate);
  TRY_ASSIGN(const auto seconds, store->merge(filling));
  TRY_ASSIGN(const auto merged, measure(*store, pool, asking));
  fmt::print(R"(,"merging_seconds":{:.1f},"merged":{}}})"
             "\n",
             seconds, merged);
  return {};
}

}  // namespace
}  // namespace traccia::bench

int main(int argc, char** argv) {
  CLI::App app("Event history by itself", "history_bench");
  traccia::bench::Options options;
  app.add_option("--directory", options.directory, "is emptied first")->required();
  app.add_option("--heads", options.heads, "segments to fill");
  app.add_option("--head-events", options.head_events);
  app.add_option("--questions", options.asking.questions, "distinct ones of each kind");
  app.add_option("--seconds", options.asking.seconds, "of look-ups for each kind");
  app.add_flag("--keep", options.keep, "measure what an earlier run has left there");
  CLI11_PARSE(app, argc, argv);
  const auto done = traccia::bench::run(options);
  if (!done) {
    std::fprintf(stderr, "history_bench: %s\n", done.error().message().c_str());
    return 3;
  }
  return 0;
}
