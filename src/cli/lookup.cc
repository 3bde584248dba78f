// traccia lookup: searches event history, newest first.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "cli/history_view.h"
#include "os/real_os.h"

namespace traccia::cli {
namespace {

constexpr size_t kPageMax = 1000;  // the server's

struct LookupOptions {
  HistoryOptions history;
  std::string start, end, next_token;
  size_t limit = 100;
};

Result<> add_times(const LookupOptions& options, json::Object& input) {
  os::RealOs real;
  const auto now = real.os().clock.now();
  for (const auto& [text, name] :
       {std::pair{&options.start, "StartTime"}, {&options.end, "EndTime"}}) {
    if (text->empty()) continue;
    TRY_ASSIGN(const auto time, parse_when(*text, now));
    input[name] = to_unix_seconds(time);
  }
  return {};
}

Result<> run(const LookupOptions& options) {
  TRY_ASSIGN(auto call, prepare(options.history));
  AwsClient client(std::move(call.settings));
  TRY(add_times(options, call.input));
  auto token = options.next_token;
  size_t left = options.limit == 0 ? SIZE_MAX : options.limit;
  while (true) {
    call.input["MaxResults"] = std::min(left, kPageMax);
    if (!token.empty()) call.input["NextToken"] = token;
    TRY_ASSIGN(const auto answer, client.traccia("SearchEvents", call.input));
    TRY_ASSIGN(const auto printed, print_events(answer, options.history, left));
    left -= printed;
    token = json::find_string(answer, "NextToken");
    if (token.empty() || left == 0) break;
  }
  if (!token.empty()) {
    fmt::print(stderr,
               "traccia lookup: there is more; go on with --next-token {} (and times that "
               "are not relative)\n",
               token);
  }
  return {};
}

Exit lookup(const LookupOptions& options) {
  if (auto done = run(options); !done) return report("lookup", done.error());
  return Exit::Good;
}

}  // namespace

void add_lookup(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("lookup", "Search event history, newest first");
  auto options = std::make_shared<LookupOptions>();
  add_history_options(*command, options->history);
  command->add_option("--start", options->start,
                      "not before: 2026-11-24T05:06:07Z, 2026-11-24, or -2h (s, m, h, d ago)");
  command->add_option("--end", options->end, "not after, likewise");
  command->add_option("--limit", options->limit, "events at most, 0 for all (default: 100)");
  command->add_option("--next-token", options->next_token,
                      "goes on where a look-up with the same options ended");
  command->callback([options, &action] { action = [options] { return lookup(*options); }; });
}

}  // namespace traccia::cli
