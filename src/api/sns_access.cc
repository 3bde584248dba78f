// Which topic a call is authorised on, and what its policy says.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api/access.h"
#include "api/sns_call.h"
#include "api/sns_policy.h"
#include "identity/tags.h"
#include "identity/trust.h"

namespace traccia::api::sns_service {

Result<policy::Document> parse_topic_policy(std::string_view text) {
  auto parsed = policy::parse(text, {.kind = policy::Kind::Resource, .service = "sns"});
  if (parsed) return parsed;
  // A policy that would do for some service names actions of another one.
  const bool foreign = policy::parse(text, {.kind = policy::Kind::Resource}).has_value();
  return fail(ErrorCode::InvalidArgument, "InvalidParameter",
              foreign ? "Policy statement action out of service scope!"
                      : fmt::format("Policy Error: {}", parsed.error().message()));
}

Result<std::string> bind_topic_policy(meta::Transaction& transaction, std::string_view text) {
  TRY(parse_topic_policy(text));
  auto bound = identity::bind_principals(transaction, text);
  if (!bound && bound.error().reason() == "MalformedPolicyDocument") {
    return fail(ErrorCode::InvalidArgument, "InvalidParameter", "Policy Error: PrincipalNotFound");
  }
  return bound;
}

// By ARN, or by name where it is made. What names no topic is refused by the operation, which is
// asked for all of the account's.
Result<> resolve_topic(Call& call, const aws::Operation& operation, std::string_view name,
                       std::vector<Ask>& asks) {
  sns::TopicName topic{call.caller.principal.account_id, call.caller.region, "*"};
  std::string arn(name);
  if (operation.access.existence == aws::Existence::Made) {
    topic.name = name;
  } else {
    if (arn.empty()) arn = get_string(call.input, "TargetArn");  // Publish
    if (const auto parsed = sns::parse_topic_arn(arn)) topic = *parsed;
  }
  Ask ask{.action = operation.iam_action,
          .resource = sns::topic_arn(topic),
          .topic = Ask::OnResource{.account = std::string(topic.account)}};
  if (operation.access.existence != aws::Existence::Made) {
    TRY_ASSIGN(const auto found, call.services.sns.topics.find(call.transaction, topic));
    if (found) {
      ask.topic->policy = found->policy();
      TRY_ASSIGN(const auto tags, identity::list_tags(call.transaction, found->arn(), {}));
      for (const auto& tag : tags.items) ask.add_key("aws:ResourceTag/" + tag.key, tag.value);
    }
  }
  asks.push_back(std::move(ask));
  return {};
}

}  // namespace traccia::api::sns_service
