// Parses the command line and runs the chosen command.
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli.h"

#include <fmt/format.h>

#include "cli/command.h"

namespace traccia::cli {

void add_client_options(CLI::App& command, ClientOptions& options) {
  command.add_option("--endpoint", options.endpoint,
                     "server address, e.g. http://127.0.0.1:4780 (default: AWS_ENDPOINT_URL)");
  command.add_option("--region", options.region, "region (default: AWS_REGION)");
  command.add_option("--profile", options.profile, "profile of the AWS configuration files");
  command.add_option("--data", options.data_directory,
                     "data directory of a server that runs on this machine: takes address and "
                     "credentials from it");
  command.add_option("--output", options.output, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
}

Exit report(std::string_view command, const Error& error) {
  fmt::print(stderr, "traccia {}: {}\n", command, error.message());
  return error.code() == ErrorCode::InvalidArgument ? Exit::Usage : Exit::CouldNot;
}

int run(int argc, char** argv) {
  CLI::App app("Traccia: a self-hosted audit trail with AWS CloudTrail's APIs and files.",
               "traccia");
  app.set_version_flag("--version", "traccia 0.1.0");
  app.require_subcommand(1);
  app.set_help_all_flag("--help-all", "help of every command");
  Action action;
  add_serve(app, action);
  add_env(app, action);
  add_account(app, action);
  add_token(app, action);
  add_root(app, action);
  add_record(app, action);
  add_lookup(app, action);
  add_tail(app, action);
  add_cat(app, action);
  add_verify(app, action);
  add_bucket_policy(app, action);
  add_setup(app, action);
  add_operations(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // CLI11 gives 0 for --help and --version.
    return app.exit(error) == 0 ? int(Exit::Good) : int(Exit::Usage);
  }
  return int(action());
}

}  // namespace traccia::cli
