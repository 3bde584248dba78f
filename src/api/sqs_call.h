// What SQS's operations do alike: find the queue of a URL, batches.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/operation_call.h"
#include "sqs/messages.h"
#include "sqs/queues.h"

namespace traccia::api::sqs_service {

inline constexpr int64_t kWaitMax = 20;  // seconds that ReceiveMessage may wait

// Every operation, by family.
std::span<const Binding> queue_bindings();
std::span<const Binding> attribute_bindings();
std::span<const Binding> message_bindings();
std::span<const Binding> batch_bindings();

// "http://HOST/ACCOUNT/NAME", of the host that the request was sent to.
std::string url_of(const Caller& caller, const sqs::Queue& queue);
// Account and name out of a queue's URL, whatever its host; nullopt for what is none.
struct UrlParts {
  std::string_view account, name;
};
std::optional<UrlParts> parse_url(std::string_view url);

// The queue that QueueUrl names, in the region of the request. Sets the call's resource. Reasons:
// InvalidAddress, QueueDoesNotExist.
Result<sqs::Queue> named_queue(Call& call);

// A message out of a SendMessage, or out of an entry of a batch, checked. Reasons: those of
// sqs::check_message; UnsupportedOperation (groups and ids for deduplication are of FIFO queues).
Result<sqs::NewMessage> read_message(const Call& call, const sqs::Queue& queue,
                                     const json::Object& input);
// MessageId and the digests.
json::Object render_sent(const sqs::Sent& sent, const sqs::NewMessage& message);

// A number of seconds between 0 and `max`, or `otherwise` when it is absent.
Result<std::chrono::seconds> read_seconds(const json::Object& input, std::string_view name,
                                          int64_t max, std::chrono::seconds otherwise);

// Whether it looks like ReceiveMessage, in either protocol. Nothing is proven.
bool is_receive(const http::Request& request);
// The request's members, in either protocol. MalformedInput, SerializationException.
Result<json::Object> read_input(const http::Request& request, const aws::Operation& operation);
// Clients of the Query protocol may send to the queue's URL instead of naming it.
void add_url_of_path(std::string_view path, const aws::Operation& operation, json::Object& input);
// The queue that a caller who may receive from it wants to wait for, and how long; nullopt when it
// has something now, or no wait is wanted.
Result<std::optional<int64_t>> find_wait(Services& services, const Caller& caller,
                                         const aws::Operation& operation, const json::Object& input,
                                         Duration& wait);

}  // namespace traccia::api::sqs_service
