// Queues behind URLs, messages out of requests.
// SPDX-License-Identifier: Apache-2.0
#include "api/sqs_call.h"

#include <fmt/format.h>

#include "api/access.h"
#include "aws/query_protocol.h"
#include "base/bytes.h"
#include "crypto/crypto.h"

namespace traccia::api::sqs_service {
namespace {

json::Object object_of(const json::Object& input, std::string_view name) {
  const auto* const value = json::find(input, name);
  return value != nullptr && value->is_object() ? value->get_object() : json::Object();
}

}  // namespace

std::string url_of(const Caller& caller, const sqs::Queue& queue) {
  return fmt::format("{}://{}/{}/{}", caller.tls ? "https" : "http", caller.host, queue.account,
                     queue.name);
}

std::optional<UrlParts> parse_url(std::string_view url) {
  if (const auto scheme = url.find("://"); scheme != url.npos) url.remove_prefix(scheme + 3);
  const auto name = url.rfind('/');
  if (name == url.npos || name == 0) return std::nullopt;
  const auto account = url.rfind('/', name - 1);
  if (account == url.npos) return std::nullopt;
  const UrlParts parts{url.substr(account + 1, name - account - 1), url.substr(name + 1)};
  const bool digits = parts.account.size() == 12 &&
                      parts.account.find_first_not_of("0123456789") == parts.account.npos;
  if (!digits || parts.name.empty()) return std::nullopt;
  return parts;
}

Result<sqs::Queue> named_queue(Call& call) {
  const auto url = get_string(call.input, "QueueUrl");
  const auto parts = parse_url(url);
  if (!parts) {
    return fail(ErrorCode::InvalidArgument, "InvalidAddress",
                fmt::format("The address {} is not valid for this endpoint.", url.substr(0, 256)));
  }
  TRY_ASSIGN(auto queue, call.services.queues.get(
                             call.transaction, {parts->account, call.caller.region, parts->name}));
  call.resources = json::Array{json::Object{
      {"accountId", queue.account}, {"type", "AWS::SQS::Queue"}, {"ARN", queue.arn()}}};
  call.resource_account = queue.account;
  return queue;
}

Result<sqs::NewMessage> read_message(const Call& call, const sqs::Queue& queue,
                                     const json::Object& input) {
  for (const auto* const member : {"MessageGroupId", "MessageDeduplicationId"}) {
    if (!optional_string(input, member)) continue;
    return fail(ErrorCode::InvalidArgument, "UnsupportedOperation",
                fmt::format("{} is of FIFO queues, which this server does not have.", member));
  }
  sqs::NewMessage message{.body = get_string(input, "MessageBody"),
                          .attributes = object_of(input, "MessageAttributes"),
                          .system_attributes = object_of(input, "MessageSystemAttributes"),
                          .delay = {},
                          .sender = call.caller.principal.principal_id};
  if (optional_integer(input, "DelaySeconds")) {
    TRY_ASSIGN(message.delay, read_seconds(input, "DelaySeconds", 900, {}));
  }
  TRY(sqs::check_message(queue, message));
  return message;
}

json::Object render_sent(const sqs::Sent& sent, const sqs::NewMessage& message) {
  json::Object out{{"MessageId", sent.id},
                   {"MD5OfMessageBody", hex_encode(crypto::md5(message.body))}};
  if (!message.attributes.empty()) {
    out["MD5OfMessageAttributes"] = sqs::md5_of_attributes(message.attributes);
  }
  if (!message.system_attributes.empty()) {
    out["MD5OfMessageSystemAttributes"] = sqs::md5_of_attributes(message.system_attributes);
  }
  return out;
}

Result<std::chrono::seconds> read_seconds(const json::Object& input, std::string_view name,
                                          int64_t max, std::chrono::seconds otherwise) {
  const auto number = optional_integer(input, name);
  if (!number) return otherwise;
  if (*number < 0 || *number > max) {
    return fail(ErrorCode::InvalidArgument, "InvalidParameterValue",
                fmt::format("Value {} for parameter {} is invalid. Reason: Must be between 0 and "
                            "{}, if provided.",
                            *number, name, max));
  }
  return std::chrono::seconds(*number);
}

bool is_receive(const http::Request& request) {
  if (request.method != "POST") return false;
  if (const auto target = request.headers.find("X-Amz-Target")) {
    return *target == "AmazonSQS.ReceiveMessage";
  }
  return request.headers.get("Content-Type").starts_with("application/x-www-form-urlencoded") &&
         request.body.find("Action=ReceiveMessage") != std::string::npos;
}

Result<json::Object> read_input(const http::Request& request, const aws::Operation& operation) {
  if (request.headers.find("X-Amz-Target")) {
    TRY_ASSIGN(auto body, json::parse(request.body));
    if (body.is_object()) return std::move(body.get_object());
    return fail(ErrorCode::InvalidArgument, "SerializationException", "not a JSON object");
  }
  TRY_ASSIGN(const auto form, aws::parse_form(request.body));
  TRY_ASSIGN(auto input, aws::decode_form(form, *operation.input));
  add_url_of_path(request.path, operation, input);
  return input;
}

void add_url_of_path(std::string_view path, const aws::Operation& operation, json::Object& input) {
  const bool named = operation.access.named_by == "QueueUrl" && !input.contains("QueueUrl");
  if (named && parse_url(path)) input["QueueUrl"] = path;
}

Result<std::optional<int64_t>> find_wait(Services& services, const Caller& caller,
                                         const aws::Operation& operation, const json::Object& input,
                                         Duration& wait) {
  TRY(aws::validate(*operation.input, input));
  std::optional<int64_t> found;
  TRY(services.database.read([&](meta::Transaction& transaction) -> Result<> {
    Call call{.services = services,
              .caller = caller,
              .input = input,
              .transaction = transaction,
              .now = services.os.clock.now()};
    TRY(authorise(call, operation));
    TRY_ASSIGN(const auto queue, named_queue(call));
    TRY_ASSIGN(wait, read_seconds(input, "WaitTimeSeconds", kWaitMax,
                                  queue.seconds("ReceiveMessageWaitTimeSeconds")));
    if (wait <= Duration(0)) return {};
    TRY_ASSIGN(const bool has, services.messages.has_visible(transaction, queue.id));
    if (!has) found = queue.id;
    return {};
  }));
  return found;
}

}  // namespace traccia::api::sqs_service
