// How a server is to run; the command line and the configuration file both end here.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/error.h"
#include "custody/master_key.h"
#include "server/outside_config.h"

namespace traccia::server {

struct Config {
  std::string data_directory;
  std::string listen_address = "127.0.0.1";
  uint16_t listen_port = 4780;
  std::chrono::seconds delivery_interval{60};
  std::chrono::seconds digest_interval{3600};
  uint64_t log_disk_max = 64ULL << 30;      // bytes of the log, at which events are refused
  std::string account_id = "111122223333";  // of the first start only
  std::vector<std::string> regions;         // empty: all commercial regions
  custody::Settings master_key;             // empty: DIR/master.key; its authorities come with
                                            // `outbound_ca_file`
  std::string certificate_file, key_file;   // both or neither
  bool insecure = false;                    // beyond loopback without TLS
  bool test_clock = false;
  // Requests to URLs that callers name (issuers of web identities) go to public addresses, and to
  // these ranges.
  std::vector<std::string> outbound_allow;
  std::string outbound_ca_file;                      // PEM; empty: the system's authorities
  std::vector<OutsideBucketConfig> outside_buckets;  // of the configuration file only
  // "https://HOST[:PORT]" by which subscribers of topics reach this server; empty: where it
  // listens.
  std::string public_url;
  // For subscribers by mail: smtp://HOST[:PORT] or smtps://…; empty: there are none.
  std::string mail_relay, mail_from;
  std::string mail_credentials_file;  // USER:PASSWORD; empty: without authentication
};

// Splits ADDRESS:PORT; [v6]:PORT too. InvalidArgument otherwise.
Result<> parse_listen(std::string_view text, Config& config);
// Checks what cannot be checked value by value: loopback or TLS or insecure, region names,
// us-east-1 added, intervals.
Result<> complete(Config& config);
// A size such as 64GiB, at least 2 GiB: below, the log could be full before it can be cut.
Result<uint64_t> parse_log_disk_max(std::string_view text);
// Reads a TOML file: the long options' names as keys, and tables [outside-buckets.NAME]. Unknown
// keys are errors.
Result<> load_config_file(const std::string& text, Config& config);

}  // namespace traccia::server
