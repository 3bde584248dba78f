// Links without a signature.
// SPDX-License-Identifier: Apache-2.0
#include "api/sns_links.h"

#include "api/service_table.h"
#include "api/sns_call.h"

namespace traccia::api::sns_service {

const Binding* find_link(const aws::Form& form) {
  const auto action = form.get("Action");
  if (action != "ConfirmSubscription" && action != "Unsubscribe") return nullptr;
  return find_service("sns")->find(action);
}

Result<Caller> caller_of_link(Services& services, const json::Object& input) {
  const auto of_subscription = get_string(input, "SubscriptionArn");
  auto arn = get_string(input, "TopicArn");
  if (!of_subscription.empty()) {
    const auto name = sns::parse_subscription_arn(of_subscription);
    if (!name) return invalid("SubscriptionArn");
    arn = name->topic_arn;
  }
  Caller caller;
  caller.principal.type = identity::PrincipalType::Anonymous;
  TRY(services.database.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(const auto topic, services.sns.topics.find_by_arn(transaction, arn));
    if (!topic) return invalid("Topic");
    caller.principal.account_id = topic->account;
    caller.region = topic->region;
    return {};
  }));
  return caller;
}

}  // namespace traccia::api::sns_service
