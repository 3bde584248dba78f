// One thread does what the server does on several: sequencing, writing, taking in, sealing.
// SPDX-License-Identifier: Apache-2.0
#include "fill.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "event/record.h"

namespace traccia::bench {
namespace {

constexpr uint64_t kBatch = 1000;
constexpr uint64_t kBatchesPerUpkeep = 100;

class Stopwatch {
 public:
  explicit Stopwatch(double& seconds) : seconds_(seconds) {}
  ~Stopwatch() {
    const auto taken = std::chrono::steady_clock::now() - start_;
    seconds_ += std::chrono::duration<double>(taken).count();
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  double& seconds_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

Result<std::unique_ptr<Store>> Store::open(const std::string& directory, history::Options options) {
  auto store = std::make_unique<Store>();
  const auto os = store->real_.os();
  store->history_directory_ = directory + "/history";
  TRY(os.files.make_directories(directory + "/wal"));
  TRY_ASSIGN(store->log_, wal::Wal::open(os.files, directory + "/wal", {}));
  TRY_ASSIGN(store->ingest_, ingest::Ingest::open(os, directory + "/window", *store->log_, {}));
  TRY(store->reopen(options));
  return store;
}

Result<> Store::reopen(history::Options options) {
  history_.reset();
  TRY_ASSIGN(history_, history::History::open(real_.os(), history_directory_, *log_, options));
  return {};
}

Result<double> Store::merge(history::Options options) {
  options.merge.idle_time = {};
  TRY(reopen(options));
  while (true) {
    TRY_ASSIGN(const auto taken, history_->step(kBatch));
    if (taken == 0) break;
  }
  double seconds = 0;
  // Not idle at once: what was read again from the log counts as arriving.
  for (int rested = 0; rested < 3;) {
    const Stopwatch watch(seconds);
    TRY_ASSIGN(const bool worked, history_->maintain());
    rested = worked ? 0 : rested + 1;
  }
  return seconds;
}

Result<> Store::submit(const load::EventPool& pool, uint64_t first, uint64_t count) {
  const auto time = load::event_time_now();
  event::AdmitOptions options;
  options.account = load::kAccount;
  options.default_region = load::kRegion;
  options.now = real_.os().clock.now();
  const auto memory = std::make_shared<event::RecordMemory>(count * 1400);
  std::vector<ingest::Draft> drafts;
  for (auto number = first; number < first + count; ++number) {
    ingest::Draft draft;
    TRY_ASSIGN(draft.record, event::admit(pool.event(number, time), options, *memory));
    draft.sender = "bench";
    draft.memory = memory;
    drafts.push_back(std::move(draft));
  }
  bool accepted = false;
  ingest_->submit(std::move(drafts), [&](Result<ingest::Outcome> outcome) {
    accepted = outcome && outcome->accepted == count;
  });
  log_->step(Duration{0});
  if (!accepted) return fail(ErrorCode::Internal, "a batch was not accepted whole");
  return {};
}

Result<Rates> Store::fill(const load::EventPool& pool, uint64_t first, uint64_t count) {
  Rates rates;
  for (uint64_t batch = 0; rates.events < count; ++batch) {
    const auto size = std::min(kBatch, count - rates.events);
    TRY(submit(pool, first + rates.events, size));
    rates.events += size;
    while (true) {
      {
        const Stopwatch watch(rates.take_in_seconds);
        TRY_ASSIGN(const auto taken, history_->step(kBatch));
        if (taken == 0) break;
      }
      const Stopwatch watch(rates.seal_seconds);
      TRY(history_->maintain());
    }
    if (batch % kBatchesPerUpkeep != 0) continue;
    TRY(ingest_->maintain());
    TRY(log_->remove_below(std::min(history_->durable_cursor(), ingest_->durable_cursor())));
  }
  return rates;
}

}  // namespace traccia::bench
