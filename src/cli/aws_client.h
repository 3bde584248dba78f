// Signed calls to an AWS-compatible endpoint, configured as AWS's own clients are.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "aws/sigv4.h"
#include "base/error.h"
#include "blob/s3_client.h"
#include "cli/command.h"
#include "http/client.h"
#include "json/json.h"

namespace traccia::cli {

// From --options, then the environment (AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, AWS_REGION,
// AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID, …), then ~/.aws/config and credentials of the profile.
struct AwsSettings {
  std::map<std::string, std::string> endpoints;  // by service; "" is the one for all
  std::string region = "us-east-1";
  aws::Credentials credentials;
  std::string ca_file;

  // https://SERVICE.REGION.amazonaws.com when nothing else is set.
  std::string endpoint(std::string_view service) const;
};

Result<AwsSettings> load_settings(const ClientOptions& options);

http::ClientOptions client_options(const AwsSettings& settings);
// The settings' endpoint of S3.
blob::S3Endpoint s3_endpoint(const AwsSettings& settings);

// Address and administrator credentials of a local server.
Result<AwsSettings> settings_of_directory(const std::string& data_directory);

// owned by one thread.
class AwsClient {
 public:
  explicit AwsClient(AwsSettings settings);

  // Signs for `service` and sends. Any status comes back as a response.
  Result<http::Response> send(std::string_view service, http::Request request);
  // A JSON 1.1 call to CloudTrail; API errors become Errors with the error's name in the message.
  Result<json::Object> cloudtrail(std::string_view operation, const json::Object& input);
  // The same for Traccia's own operations.
  Result<json::Object> traccia(std::string_view operation, const json::Object& input);
  // The same for any JSON 1.1 service.
  Result<json::Object> json_call(std::string_view service, std::string_view target_prefix,
                                 std::string_view operation, const json::Object& input);

  const AwsSettings& settings() const { return settings_; }

 private:
  AwsSettings settings_;
  http::Client client_;
};

// A timestamp member of an answer, for people; "never" when there is none.
std::string shown_time(const json::Object& answer, std::string_view name);

// The code and message of a JSON or XML error body; empty where it has none.
struct Failure {
  std::string code, message;
};
Failure failure_of(const http::Response& response);
// "HTTP 404: NoSuchKey: The specified key does not exist." from a JSON or XML error body.
std::string describe_failure(const http::Response& response);

}  // namespace traccia::cli
