// SQS SendMessageBatch, DeleteMessageBatch, ChangeMessageVisibilityBatch: entries fail one by one.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "api/sqs_call.h"
#include "api/sqs_keys.h"
#include "api/sqs_shapes.h"

namespace traccia::api::sqs_service {
namespace {

constexpr size_t kEntriesMax = 10;
constexpr size_t kIdMax = 80;
constexpr int64_t kVisibilityMax = 43'200;

constexpr std::string_view kErrors[] = {
    "TooManyEntriesInBatchRequest", "EmptyBatchRequest", "BatchEntryIdsNotDistinct",
    "InvalidBatchEntryId",          "QueueDoesNotExist", "InvalidAddress",
    "UnsupportedOperation"};
constexpr std::string_view kSendErrors[] = {"TooManyEntriesInBatchRequest",
                                            "EmptyBatchRequest",
                                            "BatchEntryIdsNotDistinct",
                                            "InvalidBatchEntryId",
                                            "QueueDoesNotExist",
                                            "InvalidAddress",
                                            "UnsupportedOperation",
                                            "BatchRequestTooLong",
                                            "KmsDisabled",
                                            "KmsInvalidState",
                                            "KmsNotFound",
                                            "KmsAccessDenied",
                                            "KmsInvalidKeyUsage"};

constexpr Member kSendMembers[] = {
    {"Id", &kString, Presence::Required},
    {"MessageBody", &kString, Presence::Required, Sensitivity::Secret},
    {"DelaySeconds", &kInteger},
    {.name = "MessageAttributes",
     .shape = &kValues,
     .sensitivity = Sensitivity::Secret,
     .flat = "MessageAttribute"},
    {.name = "MessageSystemAttributes", .shape = &kValues, .flat = "MessageSystemAttribute"},
    {"MessageDeduplicationId", &kString},
    {"MessageGroupId", &kString}};
constexpr Shape kSendEntry = aws::structure_shape(kSendMembers);
constexpr Shape kSendEntries = aws::list_shape(kSendEntry);
constexpr Member kSendInput[] = {kQueueUrl,
                                 {.name = "Entries",
                                  .shape = &kSendEntries,
                                  .presence = Presence::Required,
                                  .flat = "SendMessageBatchRequestEntry"}};
constexpr Shape kSendRequest = aws::structure_shape(kSendInput);
constexpr Member kSentMembers[] = {{"Id", &kString, Presence::Required},
                                   {"MessageId", &kString, Presence::Required},
                                   {"MD5OfMessageBody", &kString, Presence::Required},
                                   {"MD5OfMessageAttributes", &kString},
                                   {"MD5OfMessageSystemAttributes", &kString},
                                   {"SequenceNumber", &kString}};
constexpr Shape kSentEntry = aws::structure_shape(kSentMembers);
constexpr Shape kSentEntries = aws::list_shape(kSentEntry);
constexpr Member kFailed{.name = "Failed",
                         .shape = &kFailures,
                         .presence = Presence::Required,
                         .flat = "BatchResultErrorEntry"};
constexpr Member kSendOutput[] = {{.name = "Successful",
                                   .shape = &kSentEntries,
                                   .presence = Presence::Required,
                                   .flat = "SendMessageBatchResultEntry"},
                                  kFailed};
constexpr Shape kSendAnswer = aws::structure_shape(kSendOutput);
constexpr auto kSend = [] {
  auto out = data("sqs:SendMessage", kSendRequest, kSendAnswer, kSendErrors);
  out.name = "SendMessageBatch";
  return out;
}();

constexpr Member kReceiptHandle{"ReceiptHandle", &kString, Presence::Required, Sensitivity::Secret};
constexpr Member kIdMembers[] = {{"Id", &kString, Presence::Required}};
constexpr Shape kIdEntry = aws::structure_shape(kIdMembers);
constexpr Shape kIdEntries = aws::list_shape(kIdEntry);

constexpr Member kDeleteMembers[] = {{"Id", &kString, Presence::Required}, kReceiptHandle};
constexpr Shape kDeleteEntry = aws::structure_shape(kDeleteMembers);
constexpr Shape kDeleteEntries = aws::list_shape(kDeleteEntry);
constexpr Member kDeleteInput[] = {kQueueUrl,
                                   {.name = "Entries",
                                    .shape = &kDeleteEntries,
                                    .presence = Presence::Required,
                                    .flat = "DeleteMessageBatchRequestEntry"}};
constexpr Shape kDeleteRequest = aws::structure_shape(kDeleteInput);
constexpr Member kDeleteOutput[] = {{.name = "Successful",
                                     .shape = &kIdEntries,
                                     .presence = Presence::Required,
                                     .flat = "DeleteMessageBatchResultEntry"},
                                    kFailed};
constexpr Shape kDeleteAnswer = aws::structure_shape(kDeleteOutput);
constexpr auto kDelete = [] {
  auto out = data("sqs:DeleteMessage", kDeleteRequest, kDeleteAnswer, kErrors);
  out.name = "DeleteMessageBatch";
  return out;
}();

constexpr Member kChangeMembers[] = {
    {"Id", &kString, Presence::Required}, kReceiptHandle, {"VisibilityTimeout", &kInteger}};
constexpr Shape kChangeEntry = aws::structure_shape(kChangeMembers);
constexpr Shape kChangeEntries = aws::list_shape(kChangeEntry);
constexpr Member kChangeInput[] = {kQueueUrl,
                                   {.name = "Entries",
                                    .shape = &kChangeEntries,
                                    .presence = Presence::Required,
                                    .flat = "ChangeMessageVisibilityBatchRequestEntry"}};
constexpr Shape kChangeRequest = aws::structure_shape(kChangeInput);
constexpr Member kChangeOutput[] = {{.name = "Successful",
                                     .shape = &kIdEntries,
                                     .presence = Presence::Required,
                                     .flat = "ChangeMessageVisibilityBatchResultEntry"},
                                    kFailed};
constexpr Shape kChangeAnswer = aws::structure_shape(kChangeOutput);
constexpr auto kChange = [] {
  auto out = data("sqs:ChangeMessageVisibility", kChangeRequest, kChangeAnswer, kErrors);
  out.name = "ChangeMessageVisibilityBatch";
  return out;
}();

std::unexpected<Error> refused(std::string_view reason, std::string message) {
  return fail(ErrorCode::InvalidArgument, reason, std::move(message));
}

Result<> check_entries(const json::Array& entries, std::string_view entry_name) {
  if (entries.empty()) {
    return refused("EmptyBatchRequest",
                   fmt::format("There should be at least one {} in the request.", entry_name));
  }
  if (entries.size() > kEntriesMax) {
    return refused("TooManyEntriesInBatchRequest",
                   fmt::format("Maximum number of entries per request are {}. You have sent {}.",
                               kEntriesMax, entries.size()));
  }
  std::set<std::string> ids;
  for (const auto& entry : entries) {
    auto id = get_string(entry.as_object(), "Id");
    if (id.empty() || id.size() > kIdMax || !aws::only_characters(id, "a-zA-Z0-9_-")) {
      return refused("InvalidBatchEntryId",
                     "A batch entry id can only contain alphanumeric characters, hyphens and "
                     "underscores. It can be at most 80 letters long.");
    }
    const auto [at, added] = ids.insert(std::move(id));
    if (!added) {
      return refused("BatchEntryIdsNotDistinct", fmt::format("Id {} repeated.", *at));
    }
  }
  return {};
}

json::Object failure(std::string_view id, const Error& error) {
  return {
      {"Id", id}, {"SenderFault", true}, {"Code", error.reason()}, {"Message", error.message()}};
}

// What `one` gives for an entry is its success, with the entry's id.
template <typename One>
Result<json::Object> each(Call& call, std::string_view entry_name, const One& one) {
  TRY_ASSIGN(const auto queue, named_queue(call));
  const auto& entries = call.input.at("Entries").as_array();
  TRY(check_entries(entries, entry_name));
  json::Array successful, failed;
  for (const auto& entry : entries) {
    const auto& input = entry.as_object();
    const auto id = get_string(input, "Id");
    Result<json::Object> done = one(queue, input);
    if (done) {
      (*done)["Id"] = id;
      successful.push_back(std::move(*done));
    } else if (done.error().code() == ErrorCode::InvalidArgument ||
               done.error().code() == ErrorCode::FailedPrecondition) {
      failed.push_back(failure(id, done.error()));
    } else {
      return std::unexpected(std::move(done).error());
    }
  }
  return json::Object{{"Successful", std::move(successful)}, {"Failed", std::move(failed)}};
}

Result<json::Object> send(Call& call) {
  int64_t bytes = 0;
  for (const auto& entry : call.input.at("Entries").as_array()) {
    const auto* const attributes = json::find(entry.as_object(), "MessageAttributes");
    bytes += static_cast<int64_t>(sqs::message_bytes(
        {.body = get_string(entry.as_object(), "MessageBody"),
         .attributes = attributes != nullptr && attributes->is_object() ? attributes->get_object()
                                                                        : json::Object()}));
  }
  if (bytes > sqs::kMessageBytesMax) {
    return refused("BatchRequestTooLong",
                   fmt::format("Batch requests cannot be longer than {} bytes. You have sent {} "
                               "bytes.",
                               sqs::kMessageBytesMax, bytes));
  }
  return each(call, "SendMessageBatchRequestEntry",
              [&](const sqs::Queue& queue, const json::Object& entry) -> Result<json::Object> {
                TRY_ASSIGN(auto message, read_message(call, queue, entry));
                TRY(seal_message(call.services, call.transaction, call.caller, queue, message,
                                 call.before_event));
                TRY_ASSIGN(const auto sent,
                           call.services.messages.send(call.transaction, queue, message));
                return render_sent(sent, message);
              });
}

Result<json::Object> remove(Call& call) {
  return each(call, "DeleteMessageBatchRequestEntry",
              [&](const sqs::Queue& queue, const json::Object& entry) -> Result<json::Object> {
                TRY(call.services.messages.remove(call.transaction, queue,
                                                  get_string(entry, "ReceiptHandle")));
                return json::Object{};
              });
}

Result<json::Object> change(Call& call) {
  return each(call, "ChangeMessageVisibilityBatchRequestEntry",
              [&](const sqs::Queue& queue, const json::Object& entry) -> Result<json::Object> {
                TRY_ASSIGN(const auto visibility,
                           read_seconds(entry, "VisibilityTimeout", kVisibilityMax,
                                        queue.seconds("VisibilityTimeout")));
                TRY(call.services.messages.change_visibility(
                    call.transaction, queue, get_string(entry, "ReceiptHandle"), visibility));
                return json::Object{};
              });
}

}  // namespace

std::span<const Binding> batch_bindings() {
  static const std::array bindings{Binding{&kSend, send}, Binding{&kDelete, remove},
                                   Binding{&kChange, change}};
  return bindings;
}

}  // namespace traccia::api::sqs_service
