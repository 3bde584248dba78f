// Checks outside buckets' settings and fetches their credentials.
// SPDX-License-Identifier: Apache-2.0
#include "server/outside_config.h"

#include <fmt/format.h>

#include <array>
#include <cstdlib>

#include "aws/profile.h"
#include "base/log.h"
#include "identity/identity.h"
#include "s3/s3.h"

namespace traccia::server {
namespace {

constexpr uint64_t kCredentialsBytesMax = 1 << 20;
constexpr std::chrono::seconds kTimeoutMin{1}, kTimeoutMax{600};

std::string environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nothing sets it
  return value == nullptr ? "" : value;
}

// Host and port; empty when the URL is no endpoint.
std::string_view authority_of(std::string_view url) {
  const auto scheme_end = url.find("://");
  if (scheme_end == url.npos) return "";
  auto rest = url.substr(scheme_end + 3);
  while (rest.ends_with('/')) rest.remove_suffix(1);
  return rest.find_first_of("/?#@ ") == rest.npos ? rest : "";
}

bool on_this_machine(std::string_view authority) {
  return authority.starts_with("127.") || authority.starts_with("[::1]") ||
         authority == "localhost" || authority.starts_with("localhost:");
}

Result<> check(const OutsideBucketConfig& config) {
  const auto invalid = [](std::string message) {
    return fail(ErrorCode::InvalidArgument, std::move(message));
  };
  TRY(s3::check_bucket_name(config.name));
  const std::string_view url = config.endpoint;
  const auto authority = authority_of(url);
  if (authority.empty() || !(url.starts_with("https://") || url.starts_with("http://"))) {
    return invalid(fmt::format("endpoint '{}' is not https://HOST[:PORT]", url));
  }
  if (url.starts_with("http://") && !on_this_machine(authority) && !config.insecure) {
    return invalid(fmt::format(
        "endpoint '{}' would take log files in the clear; use https, or say insecure = true", url));
  }
  if (config.accounts.empty()) {
    return invalid(
        "accounts must list whose trails may deliver to it, such as [\"111122223333\"], or "
        "[\"*\"]");
  }
  for (const auto& account : config.accounts) {
    if (account != "*" && !identity::valid_account_id(account)) {
      return invalid(fmt::format("account '{}' is neither 12 digits nor *", account));
    }
  }
  if (config.addressing != "path" && config.addressing != "virtual-hosted") {
    return invalid(
        fmt::format("addressing '{}' is neither path nor virtual-hosted", config.addressing));
  }
  if (!config.encryption.empty() && config.encryption != "AES256" &&
      config.encryption != "aws:kms") {
    return invalid(fmt::format("encryption '{}' is neither AES256 nor aws:kms", config.encryption));
  }
  if (!config.kms_key_id.empty() && config.encryption != "aws:kms") {
    return invalid("kms-key-id goes with encryption = \"aws:kms\"");
  }
  if (config.timeout < kTimeoutMin || config.timeout > kTimeoutMax) {
    return invalid(
        fmt::format("timeout must be {} to {} seconds", kTimeoutMin.count(), kTimeoutMax.count()));
  }
  return {};
}

Result<aws::Credentials> load_credentials(os::FileSystem& files,
                                          const OutsideBucketConfig& config) {
  aws::Credentials credentials;
  std::string where;
  if (config.credentials_file.empty()) {
    const auto& prefix = config.credentials_environment;
    where = fmt::format("{0}_ACCESS_KEY_ID and {0}_SECRET_ACCESS_KEY are not set", prefix);
    credentials = {environment(prefix + "_ACCESS_KEY_ID"),
                   environment(prefix + "_SECRET_ACCESS_KEY"),
                   environment(prefix + "_SESSION_TOKEN")};
  } else {
    const auto& path = config.credentials_file;
    where = fmt::format("'{}' has no aws_access_key_id and aws_secret_access_key below [{}]", path,
                        config.profile);
    TRY_ASSIGN(const auto text, os::read_file(files, path, kCredentialsBytesMax));
    credentials = aws::credentials_of(aws::read_profile(text, std::array{config.profile}));
    TRY_ASSIGN(const bool open, files.readable_by_others(path));
    if (open) {
      log(LogLevel::Warning, "credentials can be read by others on this machine: chmod 600",
          {{"path", path}, {"bucket", config.name}});
    }
  }
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty()) {
    return fail(ErrorCode::FailedPrecondition, std::move(where));
  }
  return credentials;
}

}  // namespace

Result<> check_outside_bucket(const OutsideBucketConfig& config) {
  auto checked = check(config);
  if (checked) return checked;
  return std::unexpected(
      std::move(checked).error().with_context(fmt::format("outside-buckets.{}", config.name)));
}

Result<std::vector<api::OutsideBucket>> load_outside_buckets(
    os::FileSystem& files, const std::vector<OutsideBucketConfig>& configs) {
  std::vector<api::OutsideBucket> out;
  for (const auto& config : configs) {
    auto credentials = load_credentials(files, config);
    if (!credentials) {
      return std::unexpected(std::move(credentials)
                                 .error()
                                 .with_context(fmt::format("outside-buckets.{}", config.name)));
    }
    api::OutsideBucket bucket;
    bucket.name = config.name;
    bucket.accounts = config.accounts;
    bucket.endpoint = {
        config.endpoint, config.region, std::move(*credentials),
        config.addressing == "path" ? blob::Addressing::Path : blob::Addressing::VirtualHosted};
    bucket.ca_file = config.ca_file;
    bucket.timeout = config.timeout;
    bucket.encryption = config.encryption;
    bucket.kms_key_id = config.kms_key_id;
    if (!config.probe_key.empty()) bucket.probe_key = config.probe_key;
    out.push_back(std::move(bucket));
  }
  return out;
}

}  // namespace traccia::server
