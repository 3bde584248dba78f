// The subcommands of traccia_load.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace traccia::load {

// What the chosen subcommand does; its exit code.
using Command = std::function<int()>;

// Sends events, closed loop or at a rate.
void add_events(CLI::App& app, Command& command);
// Writes the same events to a file, for peers and for a look.
void add_write(CLI::App& app, Command& command);

}  // namespace traccia::load
