// traccia setup: what the best practices ask for, in one go.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "cli/command.h"
#include "cli/setup_trail.h"

namespace traccia::cli {
namespace {

struct SetupCommand {
  ClientOptions client;
  SetupOptions options;
};

std::string_view state_text(SetupStep::State state) {
  switch (state) {
    case SetupStep::State::There:
      return "there";
    case SetupStep::State::Done:
      return "done";
    case SetupStep::State::Planned:
      return "planned";
  }
  return "";
}

// A script: what was done, as commands of the AWS CLI.
void print_text(const std::vector<SetupStep>& steps) {
  for (const auto& step : steps) {
    fmt::print("# {}: {}\n", state_text(step.state), step.what);
    if (!step.command.empty()) fmt::print("{}\n", step.command);
  }
}

void print_json(const std::vector<SetupStep>& steps) {
  json::Array out;
  for (const auto& step : steps) {
    json::Object one{{"Step", step.what}, {"State", state_text(step.state)}};
    if (!step.command.empty()) one["Command"] = step.command;
    out.push_back(std::move(one));
  }
  fmt::print("{}\n", json::serialize(json::Object{{"Steps", std::move(out)}}));
}

Exit set_up(const SetupCommand& command) {
  auto settings = load_settings(command.client);
  if (!settings) return report("setup trail", settings.error());
  TrailSetup setup(std::move(*settings), command.options);
  const auto done = setup.run();
  if (command.client.output == "json") {
    print_json(setup.steps());
  } else {
    print_text(setup.steps());
  }
  if (!done) return report("setup trail", done.error());
  return Exit::Good;
}

}  // namespace

void add_setup(CLI::App& app, Action& action) {
  auto* setup = app.add_subcommand("setup", "Set things up as the best practices ask");
  setup->require_subcommand(1);
  auto* command = setup->add_subcommand(
      "trail",
      "Make a trail, its bucket with policy, and on demand its key and topic; prints each "
      "step as a command of the AWS CLI");
  command->footer("May be repeated: what is there stays, and policies are extended, not replaced.");
  auto options = std::make_shared<SetupCommand>();
  add_client_options(*command, options->client);
  command->add_option("--bucket", options->options.bucket, "the bucket; made when it is missing")
      ->required();
  command->add_option("--name", options->options.name, "the trail (default main)");
  command->add_option("--prefix", options->options.prefix, "before AWSLogs/ in the bucket");
  command->add_flag(
      "--kms", options->options.kms,
      "files lie under a KMS key of the trail's own, which is also the bucket's default");
  command->add_option("--access-logs", options->options.access_logs,
                      "another bucket, which gets the bucket's server access log; made when it is "
                      "missing");
  command->add_flag("--sns", options->options.sns, "deliveries are announced to an SNS topic");
  command->add_flag("--dry-run", options->options.dry_run, "only say what would be done");
  command->callback([options, &action] { action = [options] { return set_up(*options); }; });
}

}  // namespace traccia::cli
