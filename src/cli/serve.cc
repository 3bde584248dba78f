// traccia serve.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <csignal>
#include <memory>

#include "base/log.h"
#include "base/time.h"
#include "cli/command.h"
#include "cli/master_key.h"
#include "os/real_os.h"
#include "server/server.h"

namespace traccia::cli {
namespace {

constexpr uint64_t kConfigBytesMax = 1 << 20;

struct ServeOptions {
  std::string config_file, data, listen, delivery_interval, digest_interval, account_id,
      log_disk_max;
  std::string certificate, key;
  custody::Settings master_key;
  std::vector<std::string> regions, outbound_allow;
  std::string outbound_ca, public_url;
  std::string mail_relay, mail_from, mail_credentials;
  bool insecure = false;
  bool test_clock = false;
};

// The file first, then what the command line says.
Result<server::Config> build_config(os::Os os, const ServeOptions& options) {
  server::Config config;
  if (!options.config_file.empty()) {
    TRY_ASSIGN(const auto text, os::read_file(os.files, options.config_file, kConfigBytesMax));
    if (auto loaded = server::load_config_file(text, config); !loaded) {
      return std::unexpected(std::move(loaded).error().with_context(options.config_file));
    }
  }
  const auto take = [](std::string& target, const std::string& value) {
    if (!value.empty()) target = value;
  };
  take(config.data_directory, options.data);
  take(config.account_id, options.account_id);
  take(config.master_key.source, options.master_key.source);
  take(config.master_key.secret_file, options.master_key.secret_file);
  take(config.certificate_file, options.certificate);
  take(config.key_file, options.key);
  if (!options.listen.empty()) TRY(server::parse_listen(options.listen, config));
  if (!options.delivery_interval.empty()) {
    TRY_ASSIGN(config.delivery_interval, parse_interval(options.delivery_interval));
  }
  if (!options.digest_interval.empty()) {
    TRY_ASSIGN(config.digest_interval, parse_interval(options.digest_interval));
  }
  if (!options.log_disk_max.empty()) {
    TRY_ASSIGN(config.log_disk_max, server::parse_log_disk_max(options.log_disk_max));
  }
  if (!options.regions.empty()) config.regions = options.regions;
  if (!options.outbound_allow.empty()) config.outbound_allow = options.outbound_allow;
  take(config.outbound_ca_file, options.outbound_ca);
  take(config.public_url, options.public_url);
  take(config.mail_relay, options.mail_relay);
  take(config.mail_from, options.mail_from);
  take(config.mail_credentials_file, options.mail_credentials);
  config.insecure = config.insecure || options.insecure;
  config.test_clock = options.test_clock;
  TRY(server::complete(config));
  return config;
}

Exit serve(const ServeOptions& options) {
  os::RealOs real;
  auto config = build_config(real.os(), options);
  if (!config) return report("serve", config.error());
  // Blocked before any thread starts, so that only sigwait takes them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  auto server = server::Server::start(real.os(), std::move(*config));
  if (!server) return report("serve", server.error());
  log(LogLevel::Info, "ready", {{"endpoint", (*server)->endpoint()}});
  int signal = 0;
  sigwait(&signals, &signal);
  log(LogLevel::Info, "stopping", {{"signal", signal}});
  (*server)->stop();
  log(LogLevel::Info, "stopped");
  return Exit::Good;
}

}  // namespace

void add_serve(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("serve", "Run the server");
  auto options = std::make_shared<ServeOptions>();
  command->add_option("--config", options->config_file, "TOML file; its keys are these options");
  command->add_option("--data", options->data, "data directory; made when it is missing");
  command->add_option("--listen", options->listen, "ADDRESS:PORT (default 127.0.0.1:4780)");
  command->add_option("--delivery-interval", options->delivery_interval,
                      "a log file closes this long after its first event (default 60s)");
  command->add_option("--digest-interval", options->digest_interval,
                      "time between digests (default 1h)");
  command->add_option("--log-disk-max", options->log_disk_max,
                      "events are refused while the log is larger, or 1 GiB of the disk is left "
                      "(default 64GiB)");
  command->add_option("--account-id", options->account_id,
                      "management account, made at first start (default 111122223333)");
  command->add_option("--regions", options->regions, "regions to serve (default: all commercial)")
      ->delimiter(',');
  add_master_key(*command, options->master_key);
  command->add_option("--tls-certificate", options->certificate, "PEM certificate chain");
  command->add_option("--tls-key", options->key, "PEM private key");
  command
      ->add_option("--outbound-allow", options->outbound_allow,
                   "addresses and ranges, besides public ones, that issuers of web identities and "
                   "subscribers of topics may have: 10.1.0.0/16,127.0.0.1")
      ->delimiter(',');
  command->add_option("--outbound-ca", options->outbound_ca,
                      "PEM authorities that vouch for them and for a transit service (default: the "
                      "system's)");
  command->add_option("--public-url", options->public_url,
                      "https://HOST[:PORT] by which subscribers of topics reach this server: links "
                      "and certificates point there (default: where it listens)");
  command->add_option("--mail-relay", options->mail_relay,
                      "smtp://HOST[:PORT] or smtps://HOST[:PORT] for subscribers of topics by mail "
                      "(default: there are none)");
  command->add_option("--mail-from", options->mail_from, "address that such mail comes from");
  command->add_option("--mail-credentials", options->mail_credentials,
                      "file with USER:PASSWORD for the relay (default: without)");
  command->add_flag("--insecure", options->insecure,
                    "listen beyond loopback without TLS: something in front does it");
  command->add_flag("--test-clock", options->test_clock,
                    "time can be moved by tests; only on a directory made with it");
  command->callback([options, &action] { action = [options] { return serve(*options); }; });
}

}  // namespace traccia::cli
