// traccia operations: what the server answers, as data.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "api/describe.h"
#include "cli/command.h"

namespace traccia::cli {
namespace {

Exit print_operations(const std::string& output) {
  if (output == "markdown") {
    fmt::print("{}", api::operations_page());
    return Exit::Good;
  }
  const auto operations = api::describe_operations();
  if (output == "json") {
    fmt::print("{}\n", json::serialize(operations));
    return Exit::Good;
  }
  for (const auto& value : operations) {
    const auto& operation = value.as_object();
    const auto resource = json::find_string(operation, "resource");
    fmt::print("{:<12}{:<31}{:<42}{}\n", json::find_string(operation, "service"),
               json::find_string(operation, "name"), json::find_string(operation, "action"),
               resource.empty() ? "*" : resource);
  }
  return Exit::Good;
}

}  // namespace

void add_operations(CLI::App& app, Action& action) {
  auto* command =
      app.add_subcommand("operations", "List the JSON and Query operations this server answers");
  auto output = std::make_shared<std::string>("text");
  command
      ->add_option("--output", *output, "text, json, or markdown: docs/operations.md, S3 included")
      ->check(CLI::IsMember({"text", "json", "markdown"}));
  command->callback([output, &action] { action = [output] { return print_operations(*output); }; });
}

}  // namespace traccia::cli
