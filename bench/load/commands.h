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
// LookupEvents, by one attribute or several in turn.
void add_lookups(CLI::App& app, Command& command);
// How long after its receipt an event is found.
void add_freshness(CLI::App& app, Command& command);
// The reference figures that go beside every result.
void add_limits(CLI::App& app, Command& command);
// Fills the log of a server that does not run, so that its sinks have much to catch up with.
void add_backlog(CLI::App& app, Command& command);
// PUTs, GETs and listings of objects, and what they are measured against.
void add_objects(CLI::App& app, Command& command);

}  // namespace traccia::load
