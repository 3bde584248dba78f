// traccia token: tokens that may do nothing but send events.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "base/time.h"
#include "cli/aws_client.h"
#include "cli/command.h"
#include "os/real_os.h"

namespace traccia::cli {
namespace {

struct TokenOptions {
  ClientOptions client;
  std::string account, expires, token_id;
};

Result<json::Object> call(const TokenOptions& options, std::string_view operation,
                          json::Object input) {
  TRY_ASSIGN(auto settings, load_settings(options.client));
  AwsClient client(std::move(settings));
  if (!options.account.empty()) input["AccountId"] = options.account;
  return client.traccia(operation, input);
}

Exit create(const TokenOptions& options) {
  json::Object input;
  if (!options.expires.empty()) {
    const auto lifetime = parse_interval(options.expires);
    if (!lifetime) return report("token create", lifetime.error());
    os::RealOs real;
    input["ExpiresAt"] = to_unix_seconds(real.os().clock.now() + *lifetime);
  }
  const auto made = call(options, "CreateIngestToken", std::move(input));
  if (!made) return report("token create", made.error());
  if (options.client.output == "json") {
    fmt::print("{}\n", json::serialize(*made));
  } else {
    fmt::print("{}\n", json::find_string(*made, "Token"));
  }
  return Exit::Good;
}

Exit list(const TokenOptions& options) {
  const auto answer = call(options, "ListIngestTokens", {});
  if (!answer) return report("token list", answer.error());
  if (options.client.output == "json") {
    fmt::print("{}\n", json::serialize(*answer));
    return Exit::Good;
  }
  const auto* tokens = json::find(*answer, "Tokens");
  if (tokens == nullptr || !tokens->is_array()) {
    return report("token list", Error(ErrorCode::DataLoss, "the answer has no list of tokens"));
  }
  fmt::print("{:<22}{:<14}{:<22}{:<22}{}\n", "TOKEN", "ACCOUNT", "CREATED", "EXPIRES", "STATE");
  for (const auto& value : tokens->get_array()) {
    const auto& token = value.as_object();
    const auto* revoked = json::find(token, "Revoked");
    fmt::print(
        "{:<22}{:<14}{:<22}{:<22}{}\n", json::find_string(token, "TokenId"),
        json::find_string(token, "AccountId"), shown_time(token, "CreatedAt"),
        shown_time(token, "ExpiresAt"),
        revoked != nullptr && revoked->is_bool() && revoked->get_bool() ? "revoked" : "active");
  }
  return Exit::Good;
}

Exit revoke(const TokenOptions& options) {
  const auto done = call(options, "RevokeIngestToken", {{"TokenId", options.token_id}});
  if (!done) return report("token revoke", done.error());
  return Exit::Good;
}

}  // namespace

void add_token(CLI::App& app, Action& action) {
  auto* token = app.add_subcommand("token", "Manage tokens that may only send events");
  token->require_subcommand(1);
  auto options = std::make_shared<TokenOptions>();
  const auto add = [&](const char* name, const char* help, Exit (*run)(const TokenOptions&)) {
    auto* command = token->add_subcommand(name, help);
    add_client_options(*command, options->client);
    command->add_option("--account", options->account, "account (default: the caller's)");
    command->callback([options, run, &action] { action = [=] { return run(*options); }; });
    return command;
  };
  add("create", "Make a token and print it; it is shown this once", create)
      ->add_option("--expires", options->expires, "lifetime, e.g. 30d (default: none)");
  add("list", "List the account's tokens", list);
  add("revoke", "End a token", revoke)
      ->add_option("token-id", options->token_id, "id as `token list` shows it")
      ->required();
}

}  // namespace traccia::cli
