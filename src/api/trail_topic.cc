// CloudTrail as a publisher.
// SPDX-License-Identifier: Apache-2.0
#include "api/trail_topic.h"

#include <fmt/format.h>

#include "api/audit.h"
#include "api/service_messages.h"
#include "aws/operation.h"

namespace traccia::api {
namespace {

constexpr std::string_view kCloudTrail = "cloudtrail.amazonaws.com";
constexpr size_t kNameCharactersMax = 256;

Result<sns::Topic> find_topic(Services& services, meta::Transaction& transaction,
                              const trail::TrailConfig& config) {
  TRY_ASSIGN(auto topic, services.sns.topics.find_by_arn(transaction, config.topic));
  if (topic) return std::move(*topic);
  return fail(ErrorCode::NotFound, "NotFound", "Topic does not exist");
}

Result<> authorise(Services& services, meta::Transaction& transaction, const Caller& caller,
                   const sns::Topic& topic) {
  return services.authoriser.authorise_on_topic(transaction, {caller, "SNS:Publish", topic.arn()},
                                                {topic.account, topic.policy()});
}

}  // namespace

std::string announcement_text(std::string_view bucket, std::string_view key) {
  return json::serialize(json::Object{{"s3Bucket", bucket}, {"s3ObjectKey", json::Array{key}}});
}

Result<std::string> resolve_topic_name(std::string_view name, std::string_view account,
                                       std::string_view region) {
  const auto invalid = [&](std::string_view why) {
    return fail(ErrorCode::InvalidArgument, "InvalidSnsTopicName",
                fmt::format("SNS topic name {} is invalid: {}", name.substr(0, 256), why));
  };
  const bool arn = name.starts_with("arn:");
  const auto parsed = sns::parse_topic_arn(name);
  if (arn && !parsed) return invalid("it is not the ARN of a topic.");
  const auto bare = parsed ? parsed->name : name;
  if (name.size() > kNameCharactersMax) return invalid("it has more than 256 characters.");
  if (bare.empty() || !aws::only_characters(bare, "a-zA-Z0-9_-")) {
    return invalid("it can have letters, digits, hyphens and underscores.");
  }
  return parsed ? std::string(name) : sns::topic_arn({account, region, name});
}

Result<> check_topic(Services& services, meta::Transaction& transaction,
                     const trail::TrailConfig& config) {
  TRY_ASSIGN(const auto topic, find_topic(services, transaction, config));
  return authorise(services, transaction,
                   cloudtrail_service(config.arn, topic.account, topic.region, ""), topic);
}

Result<> publish_for_trail(Services& services, meta::Transaction& transaction,
                           const trail::TrailConfig& config, std::string_view text,
                           std::vector<ingest::Draft>& drafts) {
  sns::Content content;
  content.texts.emplace("default", text);
  TRY_ASSIGN(const auto refused,
             publish_for_service(services, transaction, {kCloudTrail, config.arn}, config.topic,
                                 content, drafts));
  if (refused) return std::unexpected(*refused);
  return {};
}

bool is_topic_refusal(const Error& error) {
  const auto reason = error.reason();
  return reason == "NotFound" || reason == "AccessDenied" || reason == "Throttling" ||
         reason.starts_with("KMS");
}

std::string_view shown_topic_error(const Error& error) {
  return error.reason() == "AccessDenied" ? "AuthorizationError" : error.reason();
}

}  // namespace traccia::api
