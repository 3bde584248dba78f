// SNS GetTopicAttributes, SetTopicAttributes, AddPermission, RemovePermission.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/service_keys.h"
#include "api/sns_call.h"
#include "api/sns_policy.h"
#include "api/sns_shapes.h"
#include "identity/trust.h"
#include "sns/delivery_policy.h"

namespace traccia::api::sns_service {
namespace {

// That a topic's policy may allow ("AddPermission").
constexpr std::string_view kActions[] = {"AddPermission",
                                         "DeleteTopic",
                                         "GetDataProtectionPolicy",
                                         "GetTopicAttributes",
                                         "ListSubscriptionsByTopic",
                                         "ListTagsForResource",
                                         "Publish",
                                         "PutDataProtectionPolicy",
                                         "RemovePermission",
                                         "SetTopicAttributes",
                                         "Subscribe"};

constexpr Member kGetInput[] = {kTopicArn};
constexpr Shape kGetRequest = aws::structure_shape(kGetInput);
constexpr Member kGetOutput[] = {{"Attributes", &kAttributes}};
constexpr Shape kGetAnswer = aws::structure_shape(kGetOutput);
constexpr auto kGet = query("SNS:GetTopicAttributes", kGetRequest, kGetAnswer, kTopicErrors);

constexpr Member kSetInput[] = {
    kTopicArn, {"AttributeName", &kString, Presence::Required}, {"AttributeValue", &kString}};
constexpr Shape kSetRequest = aws::structure_shape(kSetInput);
constexpr auto kSet =
    operation("SNS:SetTopicAttributes", kSetRequest, aws::kEmptyStructure, kTopicErrors);

constexpr Member kAddInput[] = {kTopicArn,
                                {"Label", &kString, Presence::Required},
                                {"AWSAccountId", &kNames, Presence::Required},
                                {"ActionName", &kNames, Presence::Required}};
constexpr Shape kAddRequest = aws::structure_shape(kAddInput);
constexpr auto kAdd =
    operation("SNS:AddPermission", kAddRequest, aws::kEmptyStructure, kTopicErrors);
constexpr Member kRemoveInput[] = {kTopicArn, {"Label", &kString, Presence::Required}};
constexpr Shape kRemoveRequest = aws::structure_shape(kRemoveInput);
constexpr auto kRemove =
    operation("SNS:RemovePermission", kRemoveRequest, aws::kEmptyStructure, kTopicErrors);

Result<json::Object> get(Call& call) {
  TRY_ASSIGN(const auto topic, named_topic(call));
  json::Object shown;
  for (const auto& [name, value] : topic.attributes) shown[name] = value;
  TRY_ASSIGN(shown["Policy"], identity::show_principals(call.transaction, topic.policy()));
  shown["TopicArn"] = topic.arn();
  shown["Owner"] = topic.account;
  shown["DisplayName"] = topic.attribute("DisplayName");
  shown["EffectiveDeliveryPolicy"] = json::serialize(
      sns::render_topic_policy(sns::effective_policy(topic.attribute("DeliveryPolicy"), "")));
  TRY_ASSIGN(const auto counts, call.services.sns.subscriptions.count(call.transaction, topic));
  shown["SubscriptionsConfirmed"] = std::to_string(counts.confirmed);
  shown["SubscriptionsPending"] = std::to_string(counts.pending);
  shown["SubscriptionsDeleted"] = std::to_string(counts.deleted);
  return json::Object{{"Attributes", std::move(shown)}};
}

Result<json::Object> set(Call& call) {
  TRY_ASSIGN(auto topic, named_topic(call));
  const auto name = get_string(call.input, "AttributeName");
  auto value = get_string(call.input, "AttributeValue");
  if (name == "Policy") {
    if (value.empty()) return invalid("Policy Error: null");
    TRY_ASSIGN(value, worded(bind_topic_policy(call.transaction, value)));
  }
  TRY(worded(call.services.sns.topics.set_attribute(call.transaction, topic, name, value)));
  return json::Object{};
}

Result<Prepared> prepare_set(Services& services, const Caller& caller, const json::Object& input) {
  if (get_string(input, "AttributeName") == "KmsMasterKeyId") {
    TRY(make_managed_key(services, caller, get_string(input, "AttributeValue")));
  }
  return Prepared{};
}

Result<> store_policy(Call& call, sns::Topic& topic, const json::Object& policy) {
  TRY_ASSIGN(const auto text, worded(bind_topic_policy(call.transaction, json::serialize(policy))));
  return worded(call.services.sns.topics.set_attribute(call.transaction, topic, "Policy", text));
}

// One is written as a text, several as a list.
json::Value one_or_list(json::Array list) {
  if (list.size() == 1) return std::move(list.front());
  return list;
}

Result<json::Object> add_permission(Call& call) {
  TRY_ASSIGN(auto topic, named_topic(call));
  const auto label = get_string(call.input, "Label");
  json::Array principals, actions;
  for (const auto& account : list_of(call.input, "AWSAccountId")) {
    principals.emplace_back(fmt::format("arn:aws:iam::{}:root", account));
  }
  for (const auto& action : list_of(call.input, "ActionName")) {
    if (std::ranges::find(kActions, action) == std::end(kActions)) {
      return invalid("Policy statement action out of service scope!");
    }
    actions.emplace_back(fmt::format("SNS:{}", action));
  }
  if (principals.empty() || actions.empty()) {
    return invalid(principals.empty() ? "AWSAccountId" : "ActionName");
  }
  TRY_ASSIGN(auto policy, policy_for_change(call.transaction, topic.policy()));
  auto& statements = policy["Statement"].as_array();
  if (find_labelled(policy, label) != statements.end()) {
    return invalid("Statement already exists");
  }
  statements.push_back(
      json::Object{{"Sid", label},
                   {"Effect", "Allow"},
                   {"Principal", json::Object{{"AWS", one_or_list(std::move(principals))}}},
                   {"Action", one_or_list(std::move(actions))},
                   {"Resource", topic.arn()}});
  TRY(store_policy(call, topic, policy));
  return json::Object{};
}

// A label that is not there is nothing to remove.
Result<json::Object> remove_permission(Call& call) {
  TRY_ASSIGN(auto topic, named_topic(call));
  const auto label = get_string(call.input, "Label");
  TRY_ASSIGN(auto policy, policy_for_change(call.transaction, topic.policy()));
  auto& statements = policy["Statement"].as_array();
  auto* const at = find_labelled(policy, label);
  if (at == statements.end()) return json::Object{};
  if (statements.size() == 1) return invalid("Policy Error: null");
  statements.erase(at);
  TRY(store_policy(call, topic, policy));
  return json::Object{};
}

}  // namespace

std::span<const Binding> attribute_bindings() {
  static const std::array bindings{
      Binding{&kGet, get}, Binding{.operation = &kSet, .run = set, .prepare = prepare_set},
      Binding{&kAdd, add_permission}, Binding{&kRemove, remove_permission}};
  return bindings;
}

}  // namespace traccia::api::sns_service
