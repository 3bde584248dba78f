// Settings from the usual places, and signed requests.
// SPDX-License-Identifier: Apache-2.0
#include "cli/aws_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "aws/operation.h"
#include "aws/profile.h"
#include "base/time.h"
#include "os/real_os.h"
#include "server/server.h"

namespace traccia::cli {
namespace {

constexpr uint64_t kSettingsBytesMax = 1 << 20;

std::string environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nothing sets it
  return value == nullptr ? "" : value;
}

// One section of a file; nothing when the file is not there.
Result<aws::ProfileValues> read_section(const std::string& path,
                                        const std::vector<std::string>& names) {
  os::RealOs real;
  TRY_ASSIGN(const bool there, real.os().files.exists(path));
  if (!there) return aws::ProfileValues();
  TRY_ASSIGN(const auto text, os::read_file(real.os().files, path, kSettingsBytesMax));
  return aws::read_profile(text, names);
}

void take(std::string& target, const aws::ProfileValues& values, const std::string& key) {
  const auto at = values.find(key);
  if (target.empty() && at != values.end()) target = at->second;
}

void load_environment(AwsSettings& settings) {
  settings.credentials.access_key_id = environment("AWS_ACCESS_KEY_ID");
  if (!settings.credentials.access_key_id.empty()) {
    settings.credentials.secret_access_key = environment("AWS_SECRET_ACCESS_KEY");
    settings.credentials.session_token = environment("AWS_SESSION_TOKEN");
  }
  settings.ca_file = environment("AWS_CA_BUNDLE");
  const std::pair<const char*, const char*> services[] = {
      {"", "AWS_ENDPOINT_URL"},
      {"s3", "AWS_ENDPOINT_URL_S3"},
      {"cloudtrail", "AWS_ENDPOINT_URL_CLOUDTRAIL"}};
  for (const auto& [service, name] : services) {
    if (const auto value = environment(name); !value.empty()) settings.endpoints[service] = value;
  }
}

Result<> load_profile(AwsSettings& settings, const std::string& asked, std::string& region) {
  auto profile = asked.empty() ? environment("AWS_PROFILE") : asked;
  if (profile.empty()) profile = "default";
  const auto home = environment("HOME");
  auto credentials_file = environment("AWS_SHARED_CREDENTIALS_FILE");
  if (credentials_file.empty()) credentials_file = home + "/.aws/credentials";
  auto config_file = environment("AWS_CONFIG_FILE");
  if (config_file.empty()) config_file = home + "/.aws/config";
  std::vector<std::string> names{"profile " + profile};
  if (profile == "default") names.push_back(profile);
  TRY_ASSIGN(const auto config, read_section(config_file, names));
  TRY_ASSIGN(const auto keys, read_section(credentials_file, {profile}));
  if (!asked.empty() && config.empty() && keys.empty()) {
    return fail(ErrorCode::InvalidArgument, fmt::format("profile '{}' is in neither {} nor {}",
                                                        asked, config_file, credentials_file));
  }
  if (!asked.empty()) settings.credentials = {};
  auto& credentials = settings.credentials;
  if (credentials.access_key_id.empty()) {
    credentials = aws::credentials_of(keys);
    if (credentials.access_key_id.empty()) credentials = aws::credentials_of(config);
  }
  take(region, config, "region");
  take(settings.ca_file, config, "ca_bundle");
  std::string endpoint;
  take(endpoint, config, "endpoint_url");
  if (!endpoint.empty() && !settings.endpoints.contains("")) settings.endpoints[""] = endpoint;
  return {};
}

}  // namespace

std::string AwsSettings::endpoint(std::string_view service) const {
  for (const auto& name : {std::string(service), std::string()}) {
    if (const auto at = endpoints.find(name); at != endpoints.end()) {
      auto url = at->second;
      while (url.ends_with('/')) url.pop_back();
      return url;
    }
  }
  return fmt::format("https://{}.{}.amazonaws.com", service, region);
}

Result<AwsSettings> settings_of_directory(const std::string& data_directory) {
  os::RealOs real;
  const server::DataDirectory directory{data_directory};
  TRY_ASSIGN(const auto running, real.os().files.exists(directory.endpoint()));
  if (!running) {
    return fail(ErrorCode::FailedPrecondition,
                fmt::format("no server has run on '{}' yet; start one: traccia serve --data {}",
                            data_directory, data_directory));
  }
  AwsSettings settings;
  TRY_ASSIGN(const auto endpoint,
             os::read_file(real.os().files, directory.endpoint(), kSettingsBytesMax));
  settings.endpoints[""] = endpoint.substr(0, endpoint.find('\n'));
  TRY_ASSIGN(const auto keys, read_section(directory.credentials(), {"default"}));
  settings.credentials = aws::credentials_of(keys);
  return settings;
}

Result<AwsSettings> load_settings(const ClientOptions& options) {
  AwsSettings settings;
  if (!options.data_directory.empty()) {
    TRY_ASSIGN(settings, settings_of_directory(options.data_directory));
    if (!options.region.empty()) settings.region = options.region;
    return settings;
  }
  load_environment(settings);
  std::string region = options.region;
  if (region.empty()) region = environment("AWS_REGION");
  if (region.empty()) region = environment("AWS_DEFAULT_REGION");
  TRY(load_profile(settings, options.profile, region));
  if (!region.empty()) settings.region = region;
  if (!options.endpoint.empty()) settings.endpoints = {{"", options.endpoint}};
  if (settings.credentials.access_key_id.empty() ||
      settings.credentials.secret_access_key.empty()) {
    return fail(ErrorCode::FailedPrecondition,
                "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, give --profile, "
                "or for a local server run: eval \"$(traccia env --data DIR)\"");
  }
  return settings;
}

http::ClientOptions client_options(const AwsSettings& settings) {
  http::ClientOptions options;
  options.ca_file = settings.ca_file;
  return options;
}

blob::S3Endpoint s3_endpoint(const AwsSettings& settings) {
  return {settings.endpoint("s3"), settings.region, settings.credentials};
}

AwsClient::AwsClient(AwsSettings settings)
    : settings_(std::move(settings)), client_(client_options(settings_)) {}

Result<http::Response> AwsClient::send(std::string_view service, http::Request request) {
  os::RealOs real;
  const auto endpoint = settings_.endpoint(service);
  const auto scheme_end = endpoint.find("://");
  request.headers.set("Host",
                      scheme_end == endpoint.npos ? endpoint : endpoint.substr(scheme_end + 3));
  aws::sign(request, settings_.credentials, settings_.region, service, real.os().clock.now(),
            aws::Payload::Signed);
  auto response = client_.send(endpoint, request);
  if (!response)
    return fail(ErrorCode::Unavailable,
                fmt::format("{}: {}", endpoint, response.error().message()));
  return response;
}

Failure failure_of(const http::Response& response) {
  std::string code, message;
  if (const auto body = json::parse(response.body); body && body->is_object()) {
    const auto& object = body->as_object();
    code = json::find_string(object, "__type");
    if (code.empty()) code = json::find_string(object, "code");
    message = json::find_string(object, "message");
  } else {
    const auto element = [&](std::string_view name) {
      const auto open = response.body.find(fmt::format("<{}>", name));
      const auto close = response.body.find(fmt::format("</{}>", name));
      if (open == std::string::npos || close == std::string::npos || close < open)
        return std::string();
      const auto start = open + name.size() + 2;
      return response.body.substr(start, close - start);
    };
    code = element("Code");
    message = element("Message");
  }
  return {std::move(code), std::move(message)};
}

std::string describe_failure(const http::Response& response) {
  const auto [code, message] = failure_of(response);
  return fmt::format("HTTP {}: {}: {}", response.status, code.empty() ? "no error code" : code,
                     message.empty() ? "no message" : message);
}

Result<json::Object> AwsClient::cloudtrail(std::string_view operation, const json::Object& input) {
  return json_call("cloudtrail", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101",
                   operation, input);
}

Result<json::Object> AwsClient::traccia(std::string_view operation, const json::Object& input) {
  return json_call("traccia", "Traccia_20261101", operation, input);
}

Result<json::Object> AwsClient::json_call(std::string_view service, std::string_view target_prefix,
                                          std::string_view operation, const json::Object& input) {
  http::Request request;
  request.method = "POST";
  request.path = "/";
  request.headers.add("Content-Type", "application/x-amz-json-1.1");
  request.headers.add("X-Amz-Target", fmt::format("{}.{}", target_prefix, operation));
  request.body = json::serialize(input);
  TRY_ASSIGN(const auto response, send(service, std::move(request)));
  if (response.status != 200) {
    return fail(ErrorCode::FailedPrecondition,
                fmt::format("{}: {}", operation, describe_failure(response)));
  }
  TRY_ASSIGN(auto body, json::parse(response.body));
  if (!body.is_object()) return fail(ErrorCode::DataLoss, "the answer is not a JSON object");
  return std::move(body.as_object());
}

std::string shown_time(const json::Object& answer, std::string_view name) {
  const auto* value = json::find(answer, name);
  if (value == nullptr) return "never";
  const auto time = aws::decode_timestamp(*value);
  return time ? format_iso_seconds(*time) : "?";
}

}  // namespace traccia::cli
