// traccia_load: the load of `make bench`. Each subcommand prints one JSON object.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "commands.h"

int main(int argc, char** argv) {
  CLI::App app("Load for a Traccia server on this machine", "traccia_load");
  app.require_subcommand(1);
  traccia::load::Command command;
  traccia::load::add_events(app, command);
  traccia::load::add_write(app, command);
  traccia::load::add_lookups(app, command);
  traccia::load::add_freshness(app, command);
  traccia::load::add_limits(app, command);
  traccia::load::add_backlog(app, command);
  traccia::load::add_objects(app, command);
  try {
    app.parse(argc, argv);
    return command();
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "traccia_load: %s\n", error.what());
    return 3;
  }
}
