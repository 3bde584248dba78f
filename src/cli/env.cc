// traccia env: exports for a shell.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "cli/aws_client.h"
#include "cli/command.h"

namespace traccia::cli {
namespace {

Exit print_environment(const std::string& data, const std::string& region) {
  const auto settings = settings_of_directory(data);
  if (!settings) return report("env", settings.error());
  fmt::print("export AWS_ACCESS_KEY_ID={}\n", settings->credentials.access_key_id);
  fmt::print("export AWS_SECRET_ACCESS_KEY={}\n", settings->credentials.secret_access_key);
  fmt::print("export AWS_DEFAULT_REGION={}\n", region);
  fmt::print("export AWS_REGION={}\n", region);
  fmt::print("export AWS_ENDPOINT_URL={}\n", settings->endpoint("s3"));
  fmt::print("unset AWS_SESSION_TOKEN AWS_PROFILE\n");
  return Exit::Good;
}

}  // namespace

void add_env(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand(
      "env", "Print exports for AWS clients: eval \"$(traccia env --data DIR)\"");
  struct Options {
    std::string data, region = "us-east-1";
  };
  auto options = std::make_shared<Options>();
  command->add_option("--data", options->data, "data directory of the server")->required();
  command->add_option("--region", options->region, "region to export (default us-east-1)");
  command->callback([options, &action] {
    action = [options] { return print_environment(options->data, options->region); };
  });
}

}  // namespace traccia::cli
