// Makes a trail with all that it needs, step by step, through the services' own operations.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/aws_client.h"
#include "cli/setup_policies.h"

namespace traccia::cli {

// Of S3's documents.
inline constexpr std::string_view kXml = "application/xml";
inline constexpr std::string_view kNamespace = "http://s3.amazonaws.com/doc/2006-03-01/";

struct SetupOptions {
  std::string name = "main";
  std::string bucket, prefix;
  std::string access_logs;  // the bucket of the access log of `bucket`; empty: it gets none
  bool kms = false;         // files, and the topic's messages, lie under a key of the trail's own
  bool sns = false;         // deliveries are announced to a topic
  bool dry_run = false;
};

// One thing that was there, was done, or would be; `commands` are the AWS CLI's for it.
struct SetupStep {
  enum class State : uint8_t { There, Done, Planned };
  std::string what;
  State state = State::There;
  std::string command;  // of a step that was or would be done
};

// Does only what is missing, so that it may be repeated; changes nothing that is stricter than what
// it would do, and takes nothing away. Stops at the first error: the steps before it are done.
class TrailSetup {
 public:
  TrailSetup(AwsSettings settings, SetupOptions options)
      : client_(std::move(settings)), options_(std::move(options)) {}
  Result<> run();
  const std::vector<SetupStep>& steps() const { return steps_; }

 private:
  using Act = std::function<Result<>()>;
  void there(std::string what);
  Result<> step(std::string what, std::string command, const Act& act);
  // An answer, or nothing where the error says that there is none yet.
  Result<std::optional<json::Object>> ask_json(std::string_view service, std::string_view operation,
                                               const json::Object& input,
                                               std::string_view absent = "");
  Result<> tell_json(std::string_view service, std::string_view operation,
                     const json::Object& input);
  Result<http::Response> send_query(std::string_view service, std::string_view version,
                                    const std::vector<std::pair<std::string, std::string>>& form);
  Result<std::optional<std::string>> ask_s3(std::string_view bucket, std::string_view query);
  Result<> tell_s3(std::string_view bucket, std::string_view query, std::string body,
                   std::string_view content_type);
  std::string aws(std::string_view words) const;
  Announced announced() const;

  Result<> find_account();
  Result<> find_trail();
  Result<> make_bucket(const std::string& bucket);
  Result<> block_public_access(const std::string& bucket);
  Result<> set_up_bucket();
  Result<> set_up_versions();
  TlsOnly tls_only();
  Result<> set_up_bucket_policy(const std::string& bucket, const json::Array& wanted);
  Result<> set_up_access_logs();
  Result<> set_up_lifecycle(bool mfa_delete);
  Result<> set_up_key();
  Result<> make_key();
  Result<> set_up_encryption();
  Result<> set_up_topic();
  Result<> set_up_trail();
  Result<> update_trail(const json::Object& trail);
  Result<> start_logging();

  AwsClient client_;
  SetupOptions options_;
  TrailPlace place_;
  std::optional<json::Object> trail_;  // that is there
  std::string alias_, key_arn_;        // empty: no key yet
  std::string topic_, topic_arn_;
  std::vector<SetupStep> steps_;
};

std::unexpected<Error> refused(std::string_view what, const http::Response& response);

// In single quotes for a shell.
std::string shell_quoted(std::string_view text);

}  // namespace traccia::cli
