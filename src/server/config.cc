// Checks and completes a server's configuration.
// SPDX-License-Identifier: Apache-2.0
#include "server/config.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <charconv>

#include "aws/regions.h"
#include "base/bytes.h"
#include "base/time.h"
#include "http/address_guard.h"
#include "http/mail.h"
#include "identity/identity.h"

namespace traccia::server {
namespace {

bool loopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1" || address == "localhost";
}

std::unexpected<Error> invalid(std::string message) {
  return fail(ErrorCode::InvalidArgument, std::move(message));
}

}  // namespace

Result<> parse_listen(std::string_view text, Config& config) {
  const auto colon = text.rfind(':');
  if (colon == text.npos) return invalid(fmt::format("'{}' is not ADDRESS:PORT", text));
  auto address = text.substr(0, colon);
  const auto port = text.substr(colon + 1);
  uint16_t number = 0;
  const auto [end, code] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (code != std::errc() || end != port.data() + port.size() || port.empty()) {
    return invalid(fmt::format("'{}' is not a port number from 0 to 65535", port));
  }
  if (address.starts_with('[') && address.ends_with(']')) {
    address = address.substr(1, address.size() - 2);
  } else if (address.find(':') != address.npos) {
    return invalid(fmt::format("write an IPv6 address in brackets: [{}]:{}", address, port));
  }
  if (address.empty()) return invalid(fmt::format("'{}' names no address", text));
  config.listen_address = address == "localhost" ? "127.0.0.1" : address;
  config.listen_port = number;
  return {};
}

Result<uint64_t> parse_log_disk_max(std::string_view text) {
  constexpr uint64_t kLeast = 2ULL << 30;
  TRY_ASSIGN(const auto bytes, parse_byte_count(text));
  if (bytes < kLeast) {
    return invalid(fmt::format("the log needs room for at least 2GiB, '{}' is less", text));
  }
  return bytes;
}

namespace {

// SCHEME://HOST[:PORT] and nothing else, the scheme alone or with an "s".
bool is_place(std::string_view url, std::string_view scheme) {
  if (!url.starts_with(scheme)) return false;
  url.remove_prefix(scheme.size());
  if (url.starts_with('s')) url.remove_prefix(1);
  if (!url.starts_with("://")) return false;
  url.remove_prefix(3);
  return !url.empty() && url.find_first_of("/?#@ ") == url.npos;
}

Result<> check_public_url(std::string_view url) {
  if (url.empty() || is_place(url, "http")) return {};
  return invalid(fmt::format("--public-url '{}' is not https://HOST[:PORT]", url));
}

Result<> check_mail(const Config& config) {
  if (config.mail_relay.empty() != config.mail_from.empty()) {
    return invalid("--mail-relay and --mail-from go together");
  }
  if (config.mail_relay.empty()) return {};
  if (!is_place(config.mail_relay, "smtp")) {
    return invalid(fmt::format("--mail-relay '{}' is not smtp://HOST[:PORT] or smtps://HOST[:PORT]",
                               config.mail_relay));
  }
  if (http::is_mail_address(config.mail_from)) return {};
  return invalid(fmt::format("--mail-from '{}' is not an address", config.mail_from));
}

}  // namespace

Result<> complete(Config& config) {
  if (config.data_directory.empty()) return invalid("a data directory is needed: --data DIR");
  if (!identity::valid_account_id(config.account_id)) {
    return invalid(fmt::format("account id '{}' is not 12 digits", config.account_id));
  }
  if (auto guard = http::AddressGuard::parse(config.outbound_allow); !guard) {
    return std::unexpected(std::move(guard).error().with_context("--outbound-allow"));
  }
  for (const auto& bucket : config.outside_buckets) TRY(check_outside_bucket(bucket));
  TRY(check_public_url(config.public_url));
  TRY(check_mail(config));
  if (!config.master_key.secret_file.empty() && !custody::wraps(config.master_key)) {
    return invalid(
        "--master-key-secret goes with a --master-key that is a PKCS#11 URI or a transit service");
  }
  config.master_key.ca_file = config.outbound_ca_file;
  if (config.certificate_file.empty() != config.key_file.empty()) {
    return invalid("--tls-certificate and --tls-key go together");
  }
  if (!loopback(config.listen_address) && config.certificate_file.empty() && !config.insecure) {
    return invalid(fmt::format(
        "listening on {} without TLS would send credentials' signatures and events in the clear; "
        "give --tls-certificate and --tls-key, or --insecure when something in front does TLS",
        config.listen_address));
  }
  if (config.regions.empty()) {
    for (const auto& region : aws::commercial_regions()) config.regions.emplace_back(region);
  }
  for (const auto& region : config.regions) {
    if (!aws::is_region_name(region)) {
      return invalid(fmt::format("'{}' is not a region name such as eu-south-1", region));
    }
  }
  config.regions.emplace_back("us-east-1");
  std::ranges::sort(config.regions);
  const auto repeats = std::ranges::unique(config.regions);
  config.regions.erase(repeats.begin(), repeats.end());
  return {};
}

namespace {

Result<> read_texts(std::string_view key, const toml::node& node, std::vector<std::string>& out) {
  const auto* list = node.as_array();
  const auto wrong = [&] { return invalid(fmt::format("'{}' must be a list of strings", key)); };
  if (list == nullptr) return wrong();
  for (const auto& entry : *list) {
    const auto text = entry.value<std::string>();
    if (!text) return wrong();
    out.push_back(*text);
  }
  return {};
}

struct TextSetting {
  std::string_view key;
  std::string OutsideBucketConfig::* target;
};
constexpr TextSetting kBucketTexts[] = {
    {"endpoint", &OutsideBucketConfig::endpoint},
    {"region", &OutsideBucketConfig::region},
    {"credentials-file", &OutsideBucketConfig::credentials_file},
    {"profile", &OutsideBucketConfig::profile},
    {"credentials-environment", &OutsideBucketConfig::credentials_environment},
    {"addressing", &OutsideBucketConfig::addressing},
    {"ca", &OutsideBucketConfig::ca_file},
    {"encryption", &OutsideBucketConfig::encryption},
    {"kms-key-id", &OutsideBucketConfig::kms_key_id},
    {"probe-key", &OutsideBucketConfig::probe_key}};

Result<> apply_to_bucket(std::string_view key, const toml::node& node,
                         OutsideBucketConfig& bucket) {
  if (key == "accounts") return read_texts(key, node, bucket.accounts);
  if (key == "insecure") {
    const auto flag = node.value<bool>();
    if (!flag) return invalid("'insecure' must be true or false");
    bucket.insecure = *flag;
    return {};
  }
  const auto text = node.value<std::string>();
  if (!text) return invalid(fmt::format("'{}' must be a string", key));
  if (key == "timeout") {
    TRY_ASSIGN(bucket.timeout, parse_interval(*text));
    return {};
  }
  const auto* setting = std::ranges::find(kBucketTexts, key, &TextSetting::key);
  if (setting == std::end(kBucketTexts)) {
    return invalid(fmt::format("'{}' is not a known setting of a bucket", key));
  }
  bucket.*setting->target = *text;
  return {};
}

Result<> read_outside_buckets(const toml::node& node, Config& config) {
  const auto* tables = node.as_table();
  if (tables == nullptr) return invalid("write a table for each bucket: [outside-buckets.NAME]");
  for (const auto& [name, entry] : *tables) {
    const auto* settings = entry.as_table();
    const auto where = fmt::format("outside-buckets.{}", name.str());
    if (settings == nullptr) return invalid(fmt::format("'{}' must be a table", where));
    OutsideBucketConfig bucket;
    bucket.name = name.str();
    for (const auto& [key, value] : *settings) {
      if (auto applied = apply_to_bucket(key.str(), value, bucket); !applied) {
        return std::unexpected(std::move(applied).error().with_context(where));
      }
    }
    config.outside_buckets.push_back(std::move(bucket));
  }
  return {};
}

Result<> apply(std::string_view key, const toml::node& node, Config& config) {
  if (key == "outside-buckets") return read_outside_buckets(node, config);
  const auto text = node.value<std::string>();
  const auto flag = node.value<bool>();
  if (key == "regions") return read_texts(key, node, config.regions);
  if (key == "outbound-allow") return read_texts(key, node, config.outbound_allow);
  if (key == "insecure") {
    if (!flag) return invalid("'insecure' must be true or false");
    config.insecure = *flag;
    return {};
  }
  if (!text) return invalid(fmt::format("'{}' must be a string", key));
  if (key == "data") {
    config.data_directory = *text;
  } else if (key == "listen") {
    return parse_listen(*text, config);
  } else if (key == "delivery-interval") {
    TRY_ASSIGN(config.delivery_interval, parse_interval(*text));
  } else if (key == "digest-interval") {
    TRY_ASSIGN(config.digest_interval, parse_interval(*text));
  } else if (key == "log-disk-max") {
    TRY_ASSIGN(config.log_disk_max, parse_log_disk_max(*text));
  } else if (key == "account-id") {
    config.account_id = *text;
  } else if (key == "master-key") {
    config.master_key.source = *text;
  } else if (key == "master-key-secret") {
    config.master_key.secret_file = *text;
  } else if (key == "tls-certificate") {
    config.certificate_file = *text;
  } else if (key == "tls-key") {
    config.key_file = *text;
  } else if (key == "outbound-ca") {
    config.outbound_ca_file = *text;
  } else if (key == "public-url") {
    config.public_url = *text;
  } else if (key == "mail-relay") {
    config.mail_relay = *text;
  } else if (key == "mail-from") {
    config.mail_from = *text;
  } else if (key == "mail-credentials") {
    config.mail_credentials_file = *text;
  } else {
    return invalid(fmt::format("'{}' is not a known setting", key));
  }
  return {};
}

}  // namespace

Result<> load_config_file(const std::string& text, Config& config) {
  toml::table table;
  try {
    table = toml::parse(text);
  } catch (const toml::parse_error& error) {
    return invalid(fmt::format("line {}: {}", error.source().begin.line, error.description()));
  }
  for (const auto& [key, node] : table) TRY(apply(key.str(), node, config));
  return {};
}

}  // namespace traccia::server
