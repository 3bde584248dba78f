// SQS SendMessage, ReceiveMessage, DeleteMessage, ChangeMessageVisibility.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/sqs_call.h"
#include "api/sqs_keys.h"
#include "api/sqs_shapes.h"
#include "base/bytes.h"
#include "crypto/crypto.h"

namespace traccia::api::sqs_service {
namespace {

constexpr int64_t kVisibilityMax = 43'200;

constexpr Member kSendInput[] = {
    kQueueUrl,
    {"MessageBody", &kString, Presence::Required, Sensitivity::Secret},
    {"DelaySeconds", &kInteger},
    {.name = "MessageAttributes",
     .shape = &kValues,
     .sensitivity = Sensitivity::Secret,
     .flat = "MessageAttribute"},
    {.name = "MessageSystemAttributes", .shape = &kValues, .flat = "MessageSystemAttribute"},
    {"MessageDeduplicationId", &kString},
    {"MessageGroupId", &kString}};
constexpr Shape kSendRequest = aws::structure_shape(kSendInput);
constexpr Member kSendOutput[] = {{"MD5OfMessageBody", &kString},
                                  {"MD5OfMessageAttributes", &kString},
                                  {"MD5OfMessageSystemAttributes", &kString},
                                  {"MessageId", &kString},
                                  {"SequenceNumber", &kString}};
constexpr Shape kSendAnswer = aws::structure_shape(kSendOutput);
constexpr std::string_view kSendErrors[] = {"InvalidMessageContents",
                                            "UnsupportedOperation",
                                            "QueueDoesNotExist",
                                            "InvalidAddress",
                                            "KmsDisabled",
                                            "KmsInvalidState",
                                            "KmsNotFound",
                                            "KmsAccessDenied",
                                            "KmsInvalidKeyUsage"};
constexpr auto kSend = data("sqs:SendMessage", kSendRequest, kSendAnswer, kSendErrors);

constexpr Member kReceiveInput[] = {
    kQueueUrl,
    {.name = "AttributeNames", .shape = &kNames, .flat = "AttributeName"},
    {.name = "MessageSystemAttributeNames", .shape = &kNames, .flat = "AttributeName"},
    {.name = "MessageAttributeNames", .shape = &kNames, .flat = "MessageAttributeName"},
    {"MaxNumberOfMessages", &kInteger},
    {"VisibilityTimeout", &kInteger},
    {"WaitTimeSeconds", &kInteger},
    {"ReceiveRequestAttemptId", &kString}};
constexpr Shape kReceiveRequest = aws::structure_shape(kReceiveInput);
constexpr Member kMessageMembers[] = {
    {"MessageId", &kString},
    {"ReceiptHandle", &kString, Presence::Optional, Sensitivity::Secret},
    {"MD5OfBody", &kString},
    {"Body", &kString, Presence::Optional, Sensitivity::Secret},
    {.name = "Attributes", .shape = &kAttributes, .flat = "Attribute"},
    {"MD5OfMessageAttributes", &kString},
    {.name = "MessageAttributes",
     .shape = &kValues,
     .sensitivity = Sensitivity::Secret,
     .flat = "MessageAttribute"}};
constexpr Shape kMessage = aws::structure_shape(kMessageMembers);
constexpr Shape kMessages = aws::list_shape(kMessage);
constexpr Member kReceiveOutput[] = {{.name = "Messages",
                                      .shape = &kMessages,
                                      .sensitivity = Sensitivity::Unseen,
                                      .flat = "Message"}};
constexpr Shape kReceiveAnswer = aws::structure_shape(kReceiveOutput);
constexpr std::string_view kReceiveErrors[] = {
    "OverLimit",         "QueueDoesNotExist", "InvalidAddress", "UnsupportedOperation",
    "KmsDisabled",       "KmsInvalidState",   "KmsNotFound",    "KmsAccessDenied",
    "KmsInvalidKeyUsage"};
constexpr auto kReceive =
    data("sqs:ReceiveMessage", kReceiveRequest, kReceiveAnswer, kReceiveErrors);

constexpr Member kReceiptHandle{"ReceiptHandle", &kString, Presence::Required, Sensitivity::Secret};
constexpr Member kDeleteInput[] = {kQueueUrl, kReceiptHandle};
constexpr Shape kDeleteRequest = aws::structure_shape(kDeleteInput);
constexpr std::string_view kDeleteErrors[] = {"ReceiptHandleIsInvalid", "QueueDoesNotExist",
                                              "InvalidAddress", "UnsupportedOperation"};
constexpr auto kDelete =
    data("sqs:DeleteMessage", kDeleteRequest, aws::kEmptyStructure, kDeleteErrors);

constexpr Member kChangeInput[] = {
    kQueueUrl, kReceiptHandle, {"VisibilityTimeout", &kInteger, Presence::Required}};
constexpr Shape kChangeRequest = aws::structure_shape(kChangeInput);
constexpr std::string_view kChangeErrors[] = {"MessageNotInflight", "ReceiptHandleIsInvalid",
                                              "QueueDoesNotExist", "InvalidAddress",
                                              "UnsupportedOperation"};
constexpr auto kChange =
    data("sqs:ChangeMessageVisibility", kChangeRequest, aws::kEmptyStructure, kChangeErrors);

Result<json::Object> send(Call& call) {
  TRY_ASSIGN(const auto queue, named_queue(call));
  TRY_ASSIGN(auto message, read_message(call, queue, call.input));
  TRY(seal_message(call.services, call.transaction, call.caller, queue, message,
                   call.before_event));
  TRY_ASSIGN(const auto sent, call.services.messages.send(call.transaction, queue, message));
  return render_sent(sent, message);
}

// Names wanted by a receiver: "All", ".*", a name, or its beginning with ".*" behind.
class Wanted {
 public:
  Wanted(const json::Object& input, std::initializer_list<std::string_view> members) {
    for (const auto member : members) {
      const auto* const list = json::find(input, member);
      if (list == nullptr || !list->is_array()) continue;
      for (const auto& name : list->get_array()) names_.emplace_back(name.as_string());
    }
  }
  bool has(std::string_view name) const {
    return std::ranges::any_of(names_, [&](std::string_view one) {
      if (one == "All" || one == ".*" || one == name) return true;
      return one.ends_with(".*") && name.starts_with(one.substr(0, one.size() - 1));
    });
  }

 private:
  std::vector<std::string> names_;
};

json::Object system_attributes(const sqs::Received& message, const Wanted& wanted) {
  json::Object out;
  const auto show = [&](std::string_view name, std::string value) {
    if (!value.empty() && wanted.has(name)) out[name] = std::move(value);
  };
  const auto milliseconds = [](Time time) {
    return std::to_string(to_unix_nanoseconds(time) / 1'000'000);
  };
  show("SenderId", message.sender);
  show("SentTimestamp", milliseconds(message.sent));
  show("ApproximateReceiveCount", std::to_string(message.receives));
  show("ApproximateFirstReceiveTimestamp", milliseconds(message.first_received));
  show("DeadLetterQueueSourceArn", message.source);
  for (const auto& [name, value] : message.system_attributes) {
    if (value.is_object()) {
      show(name, std::string(json::find_string(value.get_object(), "StringValue")));
    }
  }
  return out;
}

json::Object render(const sqs::Received& message, const Wanted& system, const Wanted& own) {
  json::Object out{{"MessageId", message.id},
                   {"ReceiptHandle", message.receipt_handle},
                   {"MD5OfBody", hex_encode(crypto::md5(message.body))},
                   {"Body", message.body}};
  auto attributes = system_attributes(message, system);
  if (!attributes.empty()) out["Attributes"] = std::move(attributes);
  json::Object shown;
  for (const auto& [name, value] : message.attributes) {
    if (own.has(name)) shown[name] = value;
  }
  if (!shown.empty()) {
    out["MD5OfMessageAttributes"] = sqs::md5_of_attributes(shown);
    out["MessageAttributes"] = std::move(shown);
  }
  return out;
}

Result<int64_t> read_count(const json::Object& input) {
  const auto count = optional_integer(input, "MaxNumberOfMessages").value_or(1);
  if (count >= 1 && count <= sqs::kReceivedMax) return count;
  return fail(ErrorCode::InvalidArgument, "InvalidParameterValue",
              fmt::format("Value {} for parameter MaxNumberOfMessages is invalid. Reason: Must be "
                          "between 1 and {}, if provided.",
                          count, sqs::kReceivedMax));
}

Result<json::Object> receive(Call& call) {
  TRY_ASSIGN(const auto queue, named_queue(call));
  TRY_ASSIGN(const auto count, read_count(call.input));
  TRY_ASSIGN(const auto visibility, read_seconds(call.input, "VisibilityTimeout", kVisibilityMax,
                                                 queue.seconds("VisibilityTimeout")));
  TRY(read_seconds(call.input, "WaitTimeSeconds", kWaitMax, {}));
  TRY_ASSIGN(auto received,
             call.services.messages.receive(call.transaction, queue, count, visibility));
  const Wanted system(call.input, {"AttributeNames", "MessageSystemAttributeNames"});
  const Wanted own(call.input, {"MessageAttributeNames"});
  for (auto& message : received) {
    TRY(open_message(call.services, call.transaction, call.caller, message, call.before_event));
  }
  json::Array messages;
  for (const auto& message : received) messages.push_back(render(message, system, own));
  json::Object out;
  if (!messages.empty()) out["Messages"] = std::move(messages);
  return out;
}

Result<json::Object> remove(Call& call) {
  TRY_ASSIGN(const auto queue, named_queue(call));
  TRY(call.services.messages.remove(call.transaction, queue,
                                    get_string(call.input, "ReceiptHandle")));
  return json::Object{};
}

Result<json::Object> change(Call& call) {
  TRY_ASSIGN(const auto queue, named_queue(call));
  TRY_ASSIGN(const auto visibility,
             read_seconds(call.input, "VisibilityTimeout", kVisibilityMax, {}));
  TRY(call.services.messages.change_visibility(
      call.transaction, queue, get_string(call.input, "ReceiptHandle"), visibility));
  return json::Object{};
}

}  // namespace

std::span<const Binding> message_bindings() {
  static const std::array bindings{Binding{&kSend, send}, Binding{&kReceive, receive},
                                   Binding{&kDelete, remove}, Binding{&kChange, change}};
  return bindings;
}

}  // namespace traccia::api::sqs_service
