// traccia account: the tenants of a server.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "cli/aws_client.h"
#include "cli/command.h"

namespace traccia::cli {
namespace {

struct AccountOptions {
  ClientOptions client;
  std::string name, email, account_id;
};

// The same form as DIR/credentials: it can be appended to a file of credentials as it is.
void print_credentials(const json::Object& made) {
  fmt::print(
      "# Account {} ({}), user {}. Shown this once; keep it secret.\n"
      "[{}]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
      json::find_string(made, "AccountId"), json::find_string(made, "AccountName"),
      json::find_string(made, "UserName"), json::find_string(made, "AccountId"),
      json::find_string(made, "AccessKeyId"), json::find_string(made, "SecretAccessKey"));
}

Exit create(const AccountOptions& options) {
  auto settings = load_settings(options.client);
  if (!settings) return report("account create", settings.error());
  AwsClient client(std::move(*settings));
  json::Object input{{"AccountName", options.name}, {"Email", options.email}};
  if (!options.account_id.empty()) input["AccountId"] = options.account_id;
  const auto made = client.traccia("CreateAccount", input);
  if (!made) return report("account create", made.error());
  if (options.client.output == "json") {
    fmt::print("{}\n", json::serialize(*made));
  } else {
    print_credentials(*made);
  }
  return Exit::Good;
}

// Every page.
Result<json::Array> list_all(const ClientOptions& options) {
  TRY_ASSIGN(auto settings, load_settings(options));
  AwsClient client(std::move(settings));
  json::Array out;
  json::Object input;
  while (true) {
    TRY_ASSIGN(const auto answer, client.traccia("ListAccounts", input));
    const auto* accounts = json::find(answer, "Accounts");
    if (accounts == nullptr || !accounts->is_array()) {
      return fail(ErrorCode::DataLoss, "the answer has no list of accounts");
    }
    for (const auto& account : accounts->get_array()) out.push_back(account);
    const auto* next = json::find(answer, "NextToken");
    if (next == nullptr) return out;
    input["NextToken"] = *next;
  }
}

Exit list(const AccountOptions& options) {
  auto accounts = list_all(options.client);
  if (!accounts) return report("account list", accounts.error());
  if (options.client.output == "json") {
    fmt::print("{}\n", json::serialize(json::Object{{"Accounts", std::move(*accounts)}}));
    return Exit::Good;
  }
  fmt::print("{:<14}{:<8}{:<22}{:<32}{}\n", "ACCOUNT", "STATE", "CREATED", "EMAIL", "NAME");
  for (const auto& value : *accounts) {
    const auto& account = value.as_object();
    fmt::print("{:<14}{:<8}{:<22}{:<32}{}\n", json::find_string(account, "AccountId"),
               json::find_string(account, "State"), shown_time(account, "CreatedAt"),
               json::find_string(account, "Email"), json::find_string(account, "AccountName"));
  }
  return Exit::Good;
}

}  // namespace

void add_account(CLI::App& app, Action& action) {
  auto* account = app.add_subcommand("account", "Manage the accounts of a server, its tenants");
  account->require_subcommand(1);
  auto options = std::make_shared<AccountOptions>();
  const auto add = [&](const char* name, const char* help, Exit (*run)(const AccountOptions&)) {
    auto* command = account->add_subcommand(name, help);
    add_client_options(*command, options->client);
    command->callback([options, run, &action] { action = [=] { return run(*options); }; });
    return command;
  };
  auto* made =
      add("create",
          "Make an account, and print the key of its administrator; it is shown this once", create);
  made->add_option("--name", options->name, "what people call it")->required();
  made->add_option("--email", options->email, "an address that no other account has")->required();
  made->add_option("--account-id", options->account_id, "12 digits (default: chosen)");
  add("list", "List every account", list);
}

}  // namespace traccia::cli
