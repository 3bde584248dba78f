// What the commands share: options every client command takes, and how errors reach the user.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/error.h"
#include "cli/cli.h"

namespace traccia::cli {

// Runs after parsing; each command sets its own.
using Action = std::function<Exit()>;

struct ClientOptions {
  std::string endpoint, region, profile;
  std::string data_directory;  // instead: the server that runs on this directory
  std::string output = "text";
};

// --endpoint, --region, --profile, --data, --output text|json.
void add_client_options(CLI::App& command, ClientOptions& options);

// Prints "traccia COMMAND: MESSAGE" and what to do next on stderr.
Exit report(std::string_view command, const Error& error);

void add_serve(CLI::App& app, Action& action);
void add_env(CLI::App& app, Action& action);
void add_account(CLI::App& app, Action& action);
void add_token(CLI::App& app, Action& action);
void add_root(CLI::App& app, Action& action);
void add_record(CLI::App& app, Action& action);
void add_lookup(CLI::App& app, Action& action);
void add_tail(CLI::App& app, Action& action);
void add_cat(CLI::App& app, Action& action);
void add_verify(CLI::App& app, Action& action);
void add_bucket_policy(CLI::App& app, Action& action);
void add_setup(CLI::App& app, Action& action);
void add_operations(CLI::App& app, Action& action);

}  // namespace traccia::cli
