// Which queue a call is authorised on, and what its policy says.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api/access.h"
#include "api/sqs_call.h"
#include "api/sqs_policy.h"
#include "identity/tags.h"
#include "identity/trust.h"

namespace traccia::api::sqs_service {
namespace {

std::unexpected<Error> invalid(std::string_view why) {
  return fail(ErrorCode::InvalidArgument, "InvalidAttributeValue",
              fmt::format("Invalid value for the parameter Policy. Reason: {}", why));
}

}  // namespace

Result<policy::Document> parse_queue_policy(std::string_view text) {
  auto parsed = policy::parse(text, {.kind = policy::Kind::Resource, .service = "sqs"});
  if (!parsed) return invalid(parsed.error().message());
  return parsed;
}

Result<std::string> bind_queue_policy(meta::Transaction& transaction, std::string_view text) {
  TRY(parse_queue_policy(text));
  auto bound = identity::bind_principals(transaction, text);
  if (!bound && bound.error().reason() == "MalformedPolicyDocument") {
    return invalid(bound.error().message());
  }
  return bound;
}

// By URL, or by name in the caller's account (GetQueueUrl: in another's too).
Result<> resolve_queue(Call& call, const aws::Operation& operation, std::string_view name,
                       std::vector<Ask>& asks) {
  sqs::QueueName queue{call.caller.principal.account_id, call.caller.region, name};
  const auto owner = optional_string(call.input, "QueueOwnerAWSAccountId");
  if (owner) queue.account = *owner;
  if (operation.access.named_by == "QueueUrl") {
    const auto parts = parse_url(name);
    // What is no URL of a queue is refused by the operation, which is asked for all of them.
    queue.name = parts ? parts->name : "*";
    if (parts) queue.account = parts->account;
  }
  Ask ask{.action = operation.iam_action,
          .resource = fmt::format("arn:aws:sqs:{}:{}:{}", queue.region, queue.account, queue.name),
          .queue = Ask::OnResource{.account = std::string(queue.account)}};
  if (operation.access.existence != aws::Existence::Made) {
    TRY_ASSIGN(const auto found, call.services.queues.find(call.transaction, queue));
    if (found) {
      ask.queue->policy = found->policy();
      TRY_ASSIGN(const auto tags, identity::list_tags(call.transaction, found->arn(), {}));
      for (const auto& tag : tags.items) ask.add_key("aws:ResourceTag/" + tag.key, tag.value);
    }
  }
  asks.push_back(std::move(ask));
  return {};
}

}  // namespace traccia::api::sqs_service
