// traccia tail: shows management events as they arrive.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <thread>

#include "cli/history_view.h"

namespace traccia::cli {
namespace {

constexpr int kWaitSeconds = 5;
constexpr size_t kPageMax = 1000;
// Between calls that the server did not let wait.
constexpr std::chrono::milliseconds kPause{40};

struct TailOptions {
  HistoryOptions history;
  size_t limit = 0;
};

// Ctrl-C and SIGTERM end the program well, but not within a line of output.
class Interrupts {
 public:
  Interrupts() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGTERM);
    for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, [](int) { std::_Exit(0); });
  }
  template <typename Work>
  auto hold(Work work) {
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    auto out = work();
    pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
    return out;
  }

 private:
  sigset_t signals_{};
};

Result<> follow(const TailOptions& options) {
  TRY_ASSIGN(auto call, prepare(options.history));
  AwsClient client(std::move(call.settings));
  Interrupts interrupts;
  size_t left = options.limit == 0 ? SIZE_MAX : options.limit;
  while (left > 0) {
    call.input["MaxResults"] = std::min(left, kPageMax);
    const auto begin = std::chrono::steady_clock::now();
    TRY_ASSIGN(const auto answer, client.traccia("TailEvents", call.input));
    const auto shown = interrupts.hold([&] { return print_events(answer, options.history, left); });
    if (!shown) return std::unexpected(shown.error());
    left -= *shown;
    if (!call.input.contains("Cursor")) {
      fmt::print(stderr, "following; Ctrl-C ends\n");
    } else if (*shown == 0 && std::chrono::steady_clock::now() - begin < kPause) {
      std::this_thread::sleep_for(kPause);
    }
    call.input["Cursor"] = json::find_string(answer, "Cursor");
    call.input["WaitSeconds"] = kWaitSeconds;
  }
  return {};
}

Exit tail(const TailOptions& options) {
  if (auto done = follow(options); !done) return report("tail", done.error());
  return Exit::Good;
}

}  // namespace

void add_tail(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("tail", "Show management events as they arrive");
  auto options = std::make_shared<TailOptions>();
  add_history_options(*command, options->history);
  command->add_option("--limit", options->limit, "end after so many events (default: Ctrl-C)");
  command->callback([options, &action] { action = [options] { return tail(*options); }; });
}

}  // namespace traccia::cli
