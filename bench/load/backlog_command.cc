// traccia_load backlog: events into the log through the sequencer, without a server and its sinks.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <semaphore>
#include <thread>

#include "base/error.h"
#include "commands.h"
#include "engine.h"
#include "event/record.h"
#include "events.h"
#include "ingest/ingest.h"
#include "os/real_os.h"
#include "server/data_directory.h"
#include "wal/wal.h"

namespace traccia::load {
namespace {

constexpr uint64_t kBatch = 1000;
constexpr std::ptrdiff_t kInFlight = 8;
constexpr uint64_t kBatchesPerUpkeep = 500;
constexpr std::chrono::milliseconds kIdle{20};

struct BacklogOptions {
  std::string data;
  uint64_t bytes = 0;
  uint64_t seed = 1, first = 0;
};

struct Filled {
  uint64_t events = 0;
  uint64_t log_bytes = 0;
};

Result<std::vector<ingest::Draft>> make_batch(const EventPool& pool, uint64_t first, Time now) {
  const auto time = event_time_now();
  event::AdmitOptions options;
  options.account = kAccount;
  options.default_region = kRegion;
  options.now = now;
  std::vector<ingest::Draft> drafts;
  const auto memory = std::make_shared<event::RecordMemory>(kBatch * 1400);
  for (uint64_t i = 0; i < kBatch; ++i) {
    ingest::Draft draft;
    TRY_ASSIGN(draft.record, event::admit(pool.event(first + i, time), options, *memory));
    draft.sender = "bench";
    draft.memory = memory;
    drafts.push_back(std::move(draft));
  }
  return drafts;
}

Result<Filled> fill(const BacklogOptions& options) {
  os::RealOs real;
  const server::DataDirectory directory{options.data};
  TRY_ASSIGN(const auto lock, server::open_directory(real.os(), directory, false));
  TRY_ASSIGN(const auto log, wal::Wal::open(real.os().files, directory.wal(), {}));
  TRY_ASSIGN(const auto ingest, ingest::Ingest::open(real.os(), directory.window(), *log, {}));
  const EventPool pool(options.seed);
  const auto begin = log->durable_end();
  Filled filled;
  std::atomic<bool> failed = false;
  std::counting_semaphore<> room(kInFlight);
  std::jthread writer([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) log->step(kIdle);
    while (log->step(Duration{0}) > 0) {
    }
  });
  for (uint64_t batches = 1; !failed && log->durable_end() - begin < options.bytes; ++batches) {
    TRY_ASSIGN(auto drafts, make_batch(pool, options.first + filled.events, real.os().clock.now()));
    room.acquire();
    ingest->submit(std::move(drafts), [&](Result<ingest::Outcome> outcome) {
      if (!outcome || outcome->accepted != kBatch) failed = true;
      room.release();
    });
    filled.events += kBatch;
    if (batches % kBatchesPerUpkeep == 0) TRY(ingest->maintain());
  }
  for (std::ptrdiff_t i = 0; i < kInFlight; ++i) room.acquire();
  if (failed) return fail(ErrorCode::Internal, "a batch was not accepted whole");
  filled.log_bytes = log->durable_end() - begin;
  return filled;
}

int run_backlog(const BacklogOptions& options) {
  const auto filled = fill(options);
  if (!filled) {
    fmt::print(stderr, "traccia_load: {}\n", filled.error().message());
    return 3;
  }
  fmt::print("{{\"events\":{},\"log_bytes\":{}}}\n", filled->events, filled->log_bytes);
  return 0;
}

}  // namespace

void add_backlog(CLI::App& app, Command& command) {
  auto* sub = app.add_subcommand("backlog", "Fill the log of a server that does not run");
  auto options = std::make_shared<BacklogOptions>();
  sub->add_option("--data", options->data, "data directory")->required();
  sub->add_option("--bytes", options->bytes, "the log grows by")->required();
  sub->add_option("--seed", options->seed);
  sub->add_option("--first", options->first, "number of the first event");
  sub->callback([options, &command] { command = [options] { return run_backlog(*options); }; });
}

}  // namespace traccia::load
