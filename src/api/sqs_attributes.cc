// SQS GetQueueAttributes, SetQueueAttributes, AddPermission, RemovePermission.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/sqs_call.h"
#include "api/sqs_policy.h"
#include "api/sqs_shapes.h"
#include "identity/trust.h"

namespace traccia::api::sqs_service {
namespace {

// Every queue has them, set or not.
constexpr std::string_view kNumbers[] = {"DelaySeconds", "MaximumMessageSize",
                                         "MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds",
                                         "VisibilityTimeout"};
constexpr std::string_view kTold[] = {"ApproximateNumberOfMessages",
                                      "ApproximateNumberOfMessagesDelayed",
                                      "ApproximateNumberOfMessagesNotVisible",
                                      "CreatedTimestamp",
                                      "LastModifiedTimestamp",
                                      "QueueArn"};
constexpr std::string_view kOnlyWhenSet[] = {"Policy",
                                             "RedrivePolicy",
                                             "RedriveAllowPolicy",
                                             "KmsMasterKeyId",
                                             "KmsDataKeyReusePeriodSeconds",
                                             "FifoQueue",
                                             "ContentBasedDeduplication"};
constexpr size_t kActionsMax = 7;  // of one AddPermission

constexpr Member kGetInput[] = {
    kQueueUrl, {.name = "AttributeNames", .shape = &kNames, .flat = "AttributeName"}};
constexpr Shape kGetRequest = aws::structure_shape(kGetInput);
constexpr Member kGetOutput[] = {
    {.name = "Attributes", .shape = &kAttributes, .flat = "Attribute"}};
constexpr Shape kGetAnswer = aws::structure_shape(kGetOutput);
constexpr std::string_view kGetErrors[] = {"InvalidAttributeName", "QueueDoesNotExist",
                                           "UnsupportedOperation", "InvalidAddress"};
constexpr auto kGet = query("sqs:GetQueueAttributes", kGetRequest, kGetAnswer, kGetErrors);

constexpr Member kSetInput[] = {kQueueUrl,
                                {.name = "Attributes",
                                 .shape = &kAttributes,
                                 .presence = Presence::Required,
                                 .flat = "Attribute"}};
constexpr Shape kSetRequest = aws::structure_shape(kSetInput);
constexpr std::string_view kSetErrors[] = {"InvalidAttributeName", "InvalidAttributeValue",
                                           "QueueDoesNotExist", "UnsupportedOperation",
                                           "InvalidAddress"};
constexpr auto kSet =
    operation("sqs:SetQueueAttributes", kSetRequest, aws::kEmptyStructure, kSetErrors);

constexpr Member kAddInput[] = {
    kQueueUrl,
    {"Label", &kString, Presence::Required},
    {.name = "AWSAccountIds",
     .shape = &kNames,
     .presence = Presence::Required,
     .flat = "AWSAccountId"},
    {.name = "Actions", .shape = &kNames, .presence = Presence::Required, .flat = "ActionName"}};
constexpr Shape kAddRequest = aws::structure_shape(kAddInput);
constexpr std::string_view kAddErrors[] = {"OverLimit", "QueueDoesNotExist", "InvalidAddress",
                                           "UnsupportedOperation"};
constexpr auto kAdd = operation("sqs:AddPermission", kAddRequest, aws::kEmptyStructure, kAddErrors);
constexpr Member kRemoveInput[] = {kQueueUrl, {"Label", &kString, Presence::Required}};
constexpr Shape kRemoveRequest = aws::structure_shape(kRemoveInput);
constexpr auto kRemove =
    operation("sqs:RemovePermission", kRemoveRequest, aws::kEmptyStructure, kNoQueue);

bool is_wanted(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::any_of(names,
                             [&](std::string_view one) { return one == "All" || one == name; });
}

Result<> check_names(const std::vector<std::string>& names) {
  for (const auto& name : names) {
    const bool known = name == "All" || name == "SqsManagedSseEnabled" ||
                       std::ranges::count(kNumbers, name) + std::ranges::count(kTold, name) +
                               std::ranges::count(kOnlyWhenSet, name) >
                           0;
    if (known) continue;
    return fail(ErrorCode::InvalidArgument, "InvalidAttributeName",
                fmt::format("Unknown Attribute {}.", name.substr(0, 128)));
  }
  return {};
}

Result<json::Object> get(Call& call) {
  TRY_ASSIGN(const auto queue, named_queue(call));
  const auto names = list_of(call.input, "AttributeNames");
  TRY(check_names(names));
  json::Object shown;
  const auto show = [&](std::string_view name, std::string value) {
    if (is_wanted(names, name)) shown[name] = std::move(value);
  };
  for (const auto name : kNumbers) show(name, std::to_string(queue.number(name)));
  for (const auto& [name, value] : queue.attributes) {
    if (name != "Policy") show(name, value);
  }
  if (!queue.policy().empty()) {
    TRY_ASSIGN(auto policy, identity::show_principals(call.transaction, queue.policy()));
    show("Policy", std::move(policy));
  }
  if (!queue.attributes.contains("SqsManagedSseEnabled")) {
    show("SqsManagedSseEnabled", queue.key().empty() ? "true" : "false");
  }
  TRY_ASSIGN(const auto counts, call.services.messages.count(call.transaction, queue));
  show("ApproximateNumberOfMessages", std::to_string(counts.visible));
  show("ApproximateNumberOfMessagesDelayed", std::to_string(counts.delayed));
  show("ApproximateNumberOfMessagesNotVisible", std::to_string(counts.in_flight));
  show("CreatedTimestamp", std::to_string(to_unix_seconds(queue.created)));
  show("LastModifiedTimestamp", std::to_string(to_unix_seconds(queue.modified)));
  show("QueueArn", queue.arn());
  json::Object out;
  if (!shown.empty()) out["Attributes"] = std::move(shown);
  return out;
}

Result<json::Object> set(Call& call) {
  TRY_ASSIGN(auto queue, named_queue(call));
  auto attributes = texts_of(call.input, "Attributes");
  if (const auto at = attributes.find("Policy"); at != attributes.end() && !at->second.empty()) {
    TRY_ASSIGN(at->second, bind_queue_policy(call.transaction, at->second));
  }
  TRY(call.services.queues.set_attributes(call.transaction, queue, attributes));
  return json::Object{};
}

// The queue's policy with its statements in a list, for a change.
Result<json::Object> policy_of(Call& call, const sqs::Queue& queue) {
  if (queue.policy().empty()) {
    return json::Object{{"Version", "2008-10-17"},
                        {"Id", fmt::format("{}/SQSDefaultPolicy", queue.arn())},
                        {"Statement", json::Array{}}};
  }
  return policy_for_change(call.transaction, queue.policy());
}

Result<> store_policy(Call& call, sqs::Queue& queue, const json::Object& policy) {
  const bool empty = policy.at("Statement").as_array().empty();
  std::string text;
  if (!empty) {
    TRY_ASSIGN(text, bind_queue_policy(call.transaction, json::serialize(policy)));
  }
  return call.services.queues.set_attributes(call.transaction, queue,
                                             {{"Policy", std::move(text)}});
}

Result<json::Object> add_permission(Call& call) {
  TRY_ASSIGN(auto queue, named_queue(call));
  const auto label = get_string(call.input, "Label");
  json::Array principals, actions;
  for (const auto& account : list_of(call.input, "AWSAccountIds")) {
    principals.emplace_back(fmt::format("arn:aws:iam::{}:root", account));
  }
  for (const auto& action : list_of(call.input, "Actions")) {
    actions.emplace_back(fmt::format("SQS:{}", action));
  }
  if (principals.empty() || actions.empty()) {
    return fail(ErrorCode::InvalidArgument, "MissingParameter",
                "The request must contain the parameters AWSAccountIds and Actions.");
  }
  if (actions.size() > kActionsMax) {
    return fail(
        ErrorCode::FailedPrecondition, "OverLimit",
        fmt::format("{} Actions were found, maximum allowed is {}.", actions.size(), kActionsMax));
  }
  TRY_ASSIGN(auto policy, policy_of(call, queue));
  auto& statements = policy["Statement"].as_array();
  if (find_labelled(policy, label) != statements.end()) {
    return fail(
        ErrorCode::InvalidArgument, "InvalidParameterValue",
        fmt::format("Value {} for parameter Label is invalid. Reason: Already exists.", label));
  }
  statements.push_back(json::Object{{"Sid", label},
                                    {"Effect", "Allow"},
                                    {"Principal", json::Object{{"AWS", std::move(principals)}}},
                                    {"Action", std::move(actions)},
                                    {"Resource", queue.arn()}});
  TRY(store_policy(call, queue, policy));
  return json::Object{};
}

Result<json::Object> remove_permission(Call& call) {
  TRY_ASSIGN(auto queue, named_queue(call));
  const auto label = get_string(call.input, "Label");
  TRY_ASSIGN(auto policy, policy_of(call, queue));
  auto& statements = policy["Statement"].as_array();
  auto* const at = find_labelled(policy, label);
  if (at == statements.end()) {
    return fail(ErrorCode::InvalidArgument, "InvalidParameterValue",
                fmt::format("Value {} for parameter Label is invalid. Reason: can't find label on "
                            "existing policy.",
                            label));
  }
  statements.erase(at);
  TRY(store_policy(call, queue, policy));
  return json::Object{};
}

}  // namespace

std::span<const Binding> attribute_bindings() {
  static const std::array bindings{
      Binding{&kGet, get}, Binding{.operation = &kSet, .run = set, .prepare = prepare_attributes},
      Binding{&kAdd, add_permission}, Binding{&kRemove, remove_permission}};
  return bindings;
}

}  // namespace traccia::api::sqs_service
