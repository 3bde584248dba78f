// CloudTrail as a publisher.
// SPDX-License-Identifier: Apache-2.0
#include "api/trail_topic.h"

#include <fmt/format.h>

#include "api/audit.h"
#include "api/sns_call.h"
#include "aws/operation.h"

namespace traccia::api {
namespace {

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

AuditEvent publish_event(const sns::Topic& topic, const Result<std::string>& message_id) {
  AuditEvent event;
  event.source = "sns.amazonaws.com";
  event.name = "Publish";
  event.region = topic.region;
  event.api_version = "2010-03-31";
  event.account = topic.account;
  event.category = event::Category::Data;
  event.request_parameters = json::Object{{"topicArn", topic.arn()}, {"message", aws::kHidden}};
  if (message_id) {
    event.response_elements = json::Object{{"messageId", *message_id}};
  } else {
    event.error_code = message_id.error().reason();
    event.error_message = message_id.error().message();
  }
  event.resources = json::Array{json::Object{
      {"accountId", topic.account}, {"type", "AWS::SNS::Topic"}, {"ARN", topic.arn()}}};
  return event;
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
  TRY_ASSIGN(const auto topic, find_topic(services, transaction, config));
  const auto& os = services.os;
  const auto caller = cloudtrail_service(config.arn, topic.account, topic.region, os.random.uuid());
  const auto published = [&]() -> Result<std::string> {
    TRY(authorise(services, transaction, caller, topic));
    sns::Content content;
    content.texts.emplace("default", text);
    return sns_service::publish(services, transaction, topic, content);
  }();
  TRY_ASSIGN(auto draft, audit_draft(os, os.clock.now(), caller, publish_event(topic, published)));
  if (services.trails.taken_by_any(draft.record)) drafts.push_back(std::move(draft));
  TRY(published);
  return {};
}

bool is_topic_refusal(const Error& error) {
  const auto reason = error.reason();
  return reason == "NotFound" || reason == "AccessDenied" || reason == "Throttling";
}

std::string_view shown_topic_error(const Error& error) {
  return error.reason() == "AccessDenied" ? "AuthorizationError" : error.reason();
}

}  // namespace traccia::api
