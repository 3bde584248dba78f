// traccia root: the root user of an account.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "cli/command.h"
#include "cli/master_key.h"
#include "json/json.h"
#include "os/real_os.h"
#include "server/root_reset.h"

namespace traccia::cli {
namespace {

struct RootOptions {
  std::string data, account;
  custody::Settings master_key;
  std::string output = "text";
};

Exit reset(const RootOptions& options) {
  os::RealOs real;
  const auto made =
      server::reset_root(real.os(), options.data, options.master_key, options.account);
  if (!made) return report("root reset", made.error());
  if (options.output == "json") {
    fmt::print("{}\n", json::serialize(json::Object{{"AccountId", made->account_id},
                                                    {"Password", made->password},
                                                    {"AccessKeyId", made->access_key_id},
                                                    {"SecretAccessKey", made->secret_access_key}}));
    return Exit::Good;
  }
  fmt::print(
      "# Root user of account {}. Shown this once; keep it secret, and its use rare.\n"
      "# Password for /console/signin, without a user name: {}\n"
      "[{}-root]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
      made->account_id, made->password, made->account_id, made->access_key_id,
      made->secret_access_key);
  return Exit::Good;
}

}  // namespace

void add_root(CLI::App& app, Action& action) {
  auto* root = app.add_subcommand("root", "Give an account's root user new credentials");
  root->require_subcommand(1);
  auto options = std::make_shared<RootOptions>();
  auto* command = root->add_subcommand(
      "reset",
      "Replace the root user's password and access key, on the machine with the data directory "
      "and while no server runs on it; the next start records it");
  command->add_option("--data", options->data, "the server's data directory")->required();
  command->add_option("--account", options->account,
                      "account id or alias (default: the management account)");
  add_master_key(*command, options->master_key);
  command->add_option("--outbound-ca", options->master_key.ca_file,
                      "PEM authorities of a transit service, as for serve");
  command->add_option("--output", options->output, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
  command->callback([options, &action] { action = [=] { return reset(*options); }; });
}

}  // namespace traccia::cli
