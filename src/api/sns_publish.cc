// SNS Publish, PublishBatch.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "api/sns_call.h"
#include "api/sns_shapes.h"

namespace traccia::api::sns_service {
namespace {

constexpr size_t kEntriesMax = 10;
constexpr size_t kIdCharactersMax = 80;

constexpr Member kMessage{"Message", &kString, Presence::Required, Sensitivity::Secret};
constexpr Member kSubject{"Subject", &kString, Presence::Optional, Sensitivity::Secret};
constexpr Member kStructure{"MessageStructure", &kString};
constexpr Member kMessageAttributes{"MessageAttributes", &kValues, Presence::Optional,
                                    Sensitivity::Secret};
constexpr Member kDeduplicationId{"MessageDeduplicationId", &kString};
constexpr Member kGroupId{"MessageGroupId", &kString};

constexpr Member kPublishInput[] = {
    {"TopicArn", &kString},
    {"TargetArn", &kString},
    {"PhoneNumber", &kString, Presence::Optional, Sensitivity::Secret},
    kMessage,
    kSubject,
    kStructure,
    kMessageAttributes,
    kDeduplicationId,
    kGroupId};
constexpr Shape kPublishRequest = aws::structure_shape(kPublishInput);
constexpr Member kPublishOutput[] = {{"MessageId", &kString}, {"SequenceNumber", &kString}};
constexpr Shape kPublishAnswer = aws::structure_shape(kPublishOutput);
constexpr std::string_view kPublishErrors[] = {
    "InvalidParameterException", "InvalidParameterValueException", "InternalErrorException",
    "NotFoundException",         "AuthorizationErrorException",    "ValidationException",
    "KMSNotFoundException",      "KMSDisabledException",           "KMSInvalidStateException",
    "KMSAccessDeniedException"};
constexpr auto kPublish = data("SNS:Publish", kPublishRequest, kPublishAnswer, kPublishErrors);

constexpr Member kEntryMembers[] = {{"Id", &kString, Presence::Required},
                                    kMessage,
                                    kSubject,
                                    kStructure,
                                    kMessageAttributes,
                                    kDeduplicationId,
                                    kGroupId};
constexpr Shape kEntry = aws::structure_shape(kEntryMembers);
constexpr Shape kEntries = aws::list_shape(kEntry);
constexpr Member kBatchInput[] = {kTopicArn,
                                  {"PublishBatchRequestEntries", &kEntries, Presence::Required}};
constexpr Shape kBatchRequest = aws::structure_shape(kBatchInput);
constexpr Member kPublishedMembers[] = {
    {"Id", &kString}, {"MessageId", &kString}, {"SequenceNumber", &kString}};
constexpr Shape kPublished = aws::structure_shape(kPublishedMembers);
constexpr Shape kPublishedOnes = aws::list_shape(kPublished);
constexpr Member kFailureMembers[] = {{"Id", &kString, Presence::Required},
                                      {"Code", &kString, Presence::Required},
                                      {"Message", &kString},
                                      {"SenderFault", &aws::kBoolean, Presence::Required}};
constexpr Shape kFailure = aws::structure_shape(kFailureMembers);
constexpr Shape kFailures = aws::list_shape(kFailure);
constexpr Member kBatchOutput[] = {{"Successful", &kPublishedOnes}, {"Failed", &kFailures}};
constexpr Shape kBatchAnswer = aws::structure_shape(kBatchOutput);
constexpr std::string_view kBatchErrors[] = {
    "InvalidParameterException",    "InvalidParameterValueException",
    "InternalErrorException",       "NotFoundException",
    "AuthorizationErrorException",  "BatchEntryIdsNotDistinctException",
    "BatchRequestTooLongException", "EmptyBatchRequestException",
    "InvalidBatchEntryIdException", "TooManyEntriesInBatchRequestException",
    "ValidationException",          "KMSNotFoundException",
    "KMSDisabledException",         "KMSInvalidStateException",
    "KMSAccessDeniedException"};
constexpr auto kBatch = [] {
  auto out = data("SNS:Publish", kBatchRequest, kBatchAnswer, kBatchErrors);
  out.name = "PublishBatch";
  return out;
}();

sns::NewMessage read_message(const json::Object& input) {
  sns::NewMessage out{.message = get_string(input, "Message"),
                      .subject = optional_string(input, "Subject"),
                      .structure = optional_string(input, "MessageStructure"),
                      .attributes = {}};
  const auto* const attributes = json::find(input, "MessageAttributes");
  if (attributes != nullptr && attributes->is_object()) out.attributes = attributes->get_object();
  return out;
}

Result<std::string> publish_one(Call& call, const sns::Topic& topic, const json::Object& input) {
  for (const auto* const member : {"MessageDeduplicationId", "MessageGroupId"}) {
    if (!optional_string(input, member)) continue;
    return invalid(
        fmt::format("{0} Reason: The request includes {0} parameter that is not valid "
                    "for this topic type",
                    member));
  }
  TRY_ASSIGN(const auto content, worded(sns::check_message(read_message(input))));
  return publish(call.services, call.transaction, call.caller, topic, content, call.before_event);
}

Result<sns::Topic> target(Call& call) {
  if (!get_string(call.input, "TopicArn").empty()) return named_topic(call);
  const auto arn = get_string(call.input, "TargetArn");
  if (!arn.empty()) {
    TRY(check_arn("TargetArn", arn));
    if (!sns::parse_topic_arn(arn)) {
      return invalid("TargetArn Reason: No endpoint found for the target arn specified");
    }
    return named_topic(call, "TargetArn");
  }
  if (optional_string(call.input, "PhoneNumber")) {
    return invalid("PhoneNumber Reason: this server sends no text messages");
  }
  return invalid("TopicArn or TargetArn Reason: no value for required parameter");
}

Result<json::Object> run(Call& call) {
  TRY_ASSIGN(const auto topic, target(call));
  TRY_ASSIGN(auto id, publish_one(call, topic, call.input));
  return json::Object{{"MessageId", std::move(id)}};
}

std::unexpected<Error> refused(std::string_view reason, std::string message) {
  return fail(ErrorCode::InvalidArgument, reason, std::move(message));
}

Result<> check_entries(const json::Array& entries) {
  if (entries.empty()) {
    return refused("EmptyBatchRequest", "The batch request doesn't contain any entries.");
  }
  if (entries.size() > kEntriesMax) {
    return refused("TooManyEntriesInBatchRequest",
                   "The batch request contains more entries than permissible.");
  }
  std::set<std::string> ids;
  size_t bytes = 0;
  for (const auto& entry : entries) {
    auto id = get_string(entry.as_object(), "Id");
    if (id.size() > kIdCharactersMax) {
      return refused("InvalidBatchEntryId",
                     fmt::format("The Id of a batch entry in the batch request is too long: {}",
                                 id.substr(0, 256)));
    }
    if (id.empty() || !aws::only_characters(id, "a-zA-Z0-9_-")) {
      return refused("InvalidBatchEntryId",
                     fmt::format("The Id of a batch entry in the batch request contains an "
                                 "impermissible character: {}",
                                 id));
    }
    if (!ids.insert(std::move(id)).second) {
      return refused("BatchEntryIdsNotDistinct",
                     "Two or more batch entries in the request have the same Id.");
    }
    bytes += sns::message_bytes(read_message(entry.as_object()));
  }
  if (bytes <= sns::kMessageBytesMax) return {};
  return refused("BatchRequestTooLong",
                 "The length of all the messages put together is more than the limit.");
}

// Entries fail one by one, but all of them together where the topic takes no more.
Result<json::Object> run_batch(Call& call) {
  TRY_ASSIGN(const auto topic, named_topic(call));
  const auto& entries = call.input.at("PublishBatchRequestEntries").as_array();
  TRY(check_entries(entries));
  json::Array successful, failed;
  for (const auto& entry : entries) {
    const auto& input = entry.as_object();
    const auto id = get_string(input, "Id");
    auto done = publish_one(call, topic, input);
    if (done) {
      successful.push_back(json::Object{{"Id", id}, {"MessageId", std::move(*done)}});
    } else if (done.error().code() == ErrorCode::InvalidArgument) {
      failed.push_back(json::Object{{"Id", id},
                                    {"Code", done.error().reason()},
                                    {"Message", done.error().message()},
                                    {"SenderFault", true}});
    } else {
      return std::unexpected(std::move(done).error());
    }
  }
  return json::Object{{"Successful", std::move(successful)}, {"Failed", std::move(failed)}};
}

}  // namespace

std::span<const Binding> publish_bindings() {
  static const std::array bindings{Binding{&kPublish, run}, Binding{&kBatch, run_batch}};
  return bindings;
}

}  // namespace traccia::api::sns_service
