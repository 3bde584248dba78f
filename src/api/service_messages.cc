// Queues and topics from within.
// SPDX-License-Identifier: Apache-2.0
#include "api/service_messages.h"

#include <fmt/format.h>

#include "api/audit.h"
#include "api/sns_call.h"
#include "api/sqs_keys.h"
#include "aws/operation.h"

namespace traccia::api {
namespace {

// An error of who calls, or of what is sent; others are the server's own.
bool is_refusal(const Error& error) {
  const auto reason = error.reason();
  return error.code() == ErrorCode::PermissionDenied ||
         error.code() == ErrorCode::InvalidArgument || reason == "NotFound" ||
         reason == "Throttling" || reason.starts_with("KMS") || reason.starts_with("Kms");
}

Caller caller_of(const Services& services, const ServiceActor& actor, std::string_view account,
                 std::string_view region) {
  auto caller =
      service_caller(actor.service, actor.source_arn, account, region, services.os.random.uuid());
  caller.source_account = actor.account;
  return caller;
}

// Of a call on the resource; what the message says is between sender and receiver.
AuditEvent event_of(std::string_view source, std::string_view name, std::string_view version,
                    std::string_view account, std::string_view region, std::string_view type,
                    std::string_view arn) {
  AuditEvent event;
  event.source = source;
  event.name = name;
  event.region = region;
  event.api_version = version;
  event.account = account;
  event.category = event::Category::Data;
  event.resources = json::Array{json::Object{{"accountId", account}, {"type", type}, {"ARN", arn}}};
  return event;
}

// Adds the event where a trail takes it. What `done` tells, told apart: a refusal, or an error.
Result<std::optional<Error>> conclude(Services& services, const Caller& caller, AuditEvent event,
                                      const Result<std::string>& done,
                                      std::vector<ingest::Draft>& drafts) {
  if (!done && !is_refusal(done.error())) return std::unexpected(done.error());
  if (done) {
    event.response_elements = json::Object{{"messageId", *done}};
  } else {
    event.error_code = done.error().reason();
    event.error_message = done.error().message();
  }
  TRY_ASSIGN(auto draft, audit_draft(services.os, services.os.clock.now(), caller, event));
  if (services.trails.taken_by_any(draft.record)) drafts.push_back(std::move(draft));
  if (done) return std::nullopt;
  return done.error();
}

}  // namespace

Result<std::optional<Error>> send_for_service(Services& services, meta::Transaction& transaction,
                                              const ServiceActor& actor, std::string_view queue_arn,
                                              sqs::NewMessage message,
                                              std::vector<ingest::Draft>& drafts) {
  TRY_ASSIGN(const auto queue, services.queues.find_by_arn(transaction, queue_arn));
  if (!queue) {
    return Error(ErrorCode::NotFound, "NotFound", fmt::format("there is no queue {}", queue_arn));
  }
  const auto caller = caller_of(services, actor, queue->account, queue->region);
  message.sender = actor.service;
  const auto sent = [&]() -> Result<std::string> {
    TRY(services.authoriser.authorise_on_queue(
        transaction, {caller, "sqs:SendMessage", queue->arn()}, {queue->account, queue->policy()}));
    TRY(sqs::check_message(*queue, message));
    TRY(sqs_service::seal_message(services, transaction, caller, *queue, message, drafts));
    TRY_ASSIGN(auto stored, services.messages.send(transaction, *queue, message));
    return std::move(stored.id);
  }();
  auto event = event_of("sqs.amazonaws.com", "SendMessage", "2012-11-05", queue->account,
                        queue->region, "AWS::SQS::Queue", queue->arn());
  event.request_parameters =
      json::Object{{"queueUrl", fmt::format("https://sqs.{}.amazonaws.com/{}/{}", queue->region,
                                            queue->account, queue->name)},
                   {"messageBody", aws::kHidden}};
  return conclude(services, caller, std::move(event), sent, drafts);
}

Result<std::optional<Error>> publish_for_service(Services& services, meta::Transaction& transaction,
                                                 const ServiceActor& actor,
                                                 std::string_view topic_arn,
                                                 const sns::Content& content,
                                                 std::vector<ingest::Draft>& drafts) {
  TRY_ASSIGN(const auto topic, services.sns.topics.find_by_arn(transaction, topic_arn));
  if (!topic) return Error(ErrorCode::NotFound, "NotFound", "Topic does not exist");
  const auto caller = caller_of(services, actor, topic->account, topic->region);
  const auto published = [&]() -> Result<std::string> {
    TRY(services.authoriser.authorise_on_topic(transaction, {caller, "SNS:Publish", topic->arn()},
                                               {topic->account, topic->policy()}));
    return sns_service::publish(services, transaction, caller, *topic, content, drafts);
  }();
  auto event = event_of("sns.amazonaws.com", "Publish", "2010-03-31", topic->account, topic->region,
                        "AWS::SNS::Topic", topic->arn());
  event.request_parameters = json::Object{{"topicArn", topic->arn()}, {"message", aws::kHidden}};
  return conclude(services, caller, std::move(event), published, drafts);
}

}  // namespace traccia::api
