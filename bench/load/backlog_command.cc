// traccia_load backlog: fills the log of a server that does not run.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <thread>

#include "backlog.h"
#include "commands.h"
#include "os/real_os.h"
#include "server/data_directory.h"

namespace traccia::load {
namespace {

struct CommandOptions {
  std::string data;
  uint64_t seed = 1;
  BacklogOptions backlog{.threads = std::max(1U, std::thread::hardware_concurrency())};
};

Result<Backlog> fill(const CommandOptions& options) {
  os::RealOs real;
  const server::DataDirectory directory{options.data};
  TRY_ASSIGN(const auto lock, server::open_directory(real.os(), directory, false));
  wal::Options log_options;
  log_options.recent_bytes_max = 0;  // there are no readers
  TRY_ASSIGN(const auto log, wal::Wal::open(real.os().files, directory.wal(), log_options));
  TRY_ASSIGN(const auto ingest, ingest::Ingest::open(real.os(), directory.window(), *log, {}));
  return fill_backlog(*log, *ingest, EventPool(options.seed), options.backlog);
}

int run_backlog(const CommandOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const auto filled = fill(options);
  if (!filled) {
    fmt::print(stderr, "traccia_load: {}\n", filled.error().message());
    return 3;
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  fmt::print("{{\"events\":{},\"log_bytes\":{},\"fill_seconds\":{:.2f}}}\n", filled->events,
             filled->log_bytes, seconds.count());
  return 0;
}

}  // namespace

void add_backlog(CLI::App& app, Command& command) {
  auto* sub = app.add_subcommand("backlog", "Fill the log of a server that does not run");
  auto options = std::make_shared<CommandOptions>();
  sub->add_option("--data", options->data, "data directory")->required();
  sub->add_option("--bytes", options->backlog.bytes, "the log grows by")->required();
  sub->add_option("--seed", options->seed);
  sub->add_option("--first", options->backlog.first, "number of the first event");
  sub->add_option("--threads", options->backlog.threads, "that make events; default: one a core");
  sub->callback([options, &command] { command = [options] { return run_backlog(*options); }; });
}

}  // namespace traccia::load
