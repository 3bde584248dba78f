// What a group's commit takes on the disk of the temporary directory, by what its segment is.
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "base/assert.h"
#include "os/real_os.h"
#include "wal/wal.h"

namespace traccia::wal {
namespace {

enum class Files {
  Grow,      // as without prepare()
  Prepared,  // zeros, each segment anew: a log that is not cut
  Again      // those that were cut: a log whose sinks keep up
};

// A log in a directory of its own, with its upkeep beside it.
class Machine {
 public:
  explicit Machine(Files kind) : kind_(kind) {
    const auto* chosen = std::getenv("TMPDIR");
    directory_ = std::string(chosen ? chosen : "/tmp") + "/wal-bench-" + real_.os().random.uuid();
    TRACCIA_ASSERT(files().make_directories(directory_));
    wal_ = Wal::open(files(), directory_, {}).value();
    commit("x");
    if (kind_ == Files::Grow) return;
    while (wal_->prepare().value()) {
    }
    upkeep_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        const bool prepared = wal_->prepare().value();
        if (kind_ == Files::Again) {
          TRACCIA_ASSERT(wal_->remove_below(wal_->durable_end()));
        }
        if (!prepared) wal_->wait_beyond(wal_->durable_end(), std::chrono::milliseconds(5));
      }
    });
  }
  Machine(const Machine&) = delete;

  ~Machine() {
    upkeep_ = {};
    wal_.reset();
    const auto listed = files().list(directory_);
    if (!listed) return;
    for (const auto& entry : *listed) (void)files().remove(directory_ + "/" + entry.name);
    std::error_code ignored;
    std::filesystem::remove(directory_, ignored);
  }

  void commit(const std::string& payload) {
    TRACCIA_ASSERT(wal_->append(payload, [](Result<Position> at) { TRACCIA_ASSERT(at); }));
    wal_->step(Duration(0));
  }

 private:
  os::FileSystem& files() { return real_.os().files; }

  os::RealOs real_;
  Files kind_;
  std::string directory_;
  std::unique_ptr<Wal> wal_;
  std::jthread upkeep_;
};

void commit(benchmark::State& state, Files kind) {
  Machine machine(kind);
  std::string payload(static_cast<size_t>(state.range(0)), '\0');
  for (size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(i * 2654435761U >> 13);
  machine.commit(payload);
  for (auto _ : state) machine.commit(payload);
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->Arg(500)->Arg(4 << 10)->Arg(64 << 10)->Arg(1 << 20)->UseRealTime();
}

BENCHMARK_CAPTURE(commit, grow, Files::Grow)->Apply(sizes);
BENCHMARK_CAPTURE(commit, prepared, Files::Prepared)->Apply(sizes);
BENCHMARK_CAPTURE(commit, again, Files::Again)->Apply(sizes);

}  // namespace
}  // namespace traccia::wal
