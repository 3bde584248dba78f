// From a description and a request to what the authoriser is asked.
// SPDX-License-Identifier: Apache-2.0
#include "api/access.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"

namespace traccia::api {
namespace {

struct Resolver {
  std::string_view service;
  std::string_view resource;
  Resolve resolve;
};
constexpr Resolver kResolvers[] = {{"cloudtrail", "trail", cloudtrail::resolve_trail},
                                   {"traccia", "token", traccia_service::resolve_token},
                                   {"iam", "user", iam::resolve_user},
                                   {"iam", "group", iam::resolve_group},
                                   {"iam", "role", iam::resolve_role},
                                   {"iam", "service-linked-role", iam::resolve_linked_role},
                                   {"iam", "policy", iam::resolve_policy},
                                   {"iam", "mfa", iam::resolve_mfa_device},
                                   {"iam", "oidc-provider", iam::resolve_oidc_provider},
                                   {"iam", "principal", iam::resolve_principal},
                                   {"sqs", "queue", sqs_service::resolve_queue},
                                   {"sns", "topic", sns_service::resolve_topic},
                                   {"organizations", "resource", organizations::resolve},
                                   {"kms", "key", kms_service::resolve_key},
                                   {"kms", "alias", kms_service::resolve_alias}};

// Condition keys that are a member of the request.
struct MemberKey {
  std::string_view key;
  std::string_view member;
  std::string_view otherwise = {};  // what an absent member means; empty: the key is absent too
};
constexpr MemberKey kMemberKeys[] = {
    {"iam:PolicyARN", "PolicyArn"},
    {"iam:PermissionsBoundary", "PermissionsBoundary"},
    {"iam:AWSServiceName", "AWSServiceName"},
    {"organizations:ServicePrincipal", "ServicePrincipal"},
    {"organizations:PolicyType", "Type"},
    {"organizations:PolicyType", "Filter"},
    {"organizations:PolicyType", "PolicyType"},
    {"kms:KeySpec", "KeySpec", "SYMMETRIC_DEFAULT"},
    {"kms:KeyUsage", "KeyUsage", "ENCRYPT_DECRYPT"},
    {"kms:KeyOrigin", "Origin", "AWS_KMS"},
    {"kms:MultiRegion", "MultiRegion", "false"},
    {"kms:BypassPolicyLockoutSafetyCheck", "BypassPolicyLockoutSafetyCheck", "false"},
    {"kms:ScheduleKeyDeletionPendingWindowInDays", "PendingWindowInDays", "30"},
    {"kms:GranteePrincipal", "GranteePrincipal"},
    {"kms:RetiringPrincipal", "RetiringPrincipal"},
    {"kms:GrantIsForAWSResource", {}, "false"},
    {"kms:MacAlgorithm", "MacAlgorithm"},
    {"kms:RotationPeriodInDays", "RotationPeriodInDays", "365"},
    {"kms:SigningAlgorithm", "SigningAlgorithm"},
    {"kms:MessageType", "MessageType", "RAW"},
    {"kms:DataKeyPairSpec", "KeyPairSpec"},
    {"kms:KeyAgreementAlgorithm", "KeyAgreementAlgorithm"},
    {"kms:ReplicaRegion", "ReplicaRegion"},
    {"kms:PrimaryRegion", "PrimaryRegion"},
    {"kms:WrappingAlgorithm", "WrappingAlgorithm"},
    {"kms:WrappingKeySpec", "WrappingKeySpec"},
    {"kms:ExpirationModel", "ExpirationModel", "KEY_MATERIAL_EXPIRES"},
    {"kms:ValidTo", "ValidTo"},
    {"sns:Protocol", "Protocol"},
    {"sns:Endpoint", "Endpoint"}};

Resolve find_resolver(const aws::Operation& operation) {
  const auto* at = std::ranges::find_if(kResolvers, [&](const Resolver& one) {
    return one.service == operation.service && one.resource == operation.access.resource;
  });
  TRACCIA_ASSERT(at != std::end(kResolvers));
  return at->resolve;
}

// IAM tells the resource of actions that have none, others leave it out.
Ask ask_for_all(const aws::Operation& operation) {
  return {.action = operation.iam_action,
          .resource = "*",
          .words = operation.service == "iam" ? "*" : ""};
}

// The texts of a member that is one, or a list of them; an empty one when it is absent.
Result<std::vector<std::string>> read_names(const json::Object& input, std::string_view member) {
  const auto* value = json::find(input, member);
  if (value == nullptr || !value->is_array()) return std::vector{get_string(input, member)};
  if (value->get_array().size() > kAskedNamesMax) {
    return fail(ErrorCode::InvalidArgument, "ValidationException",
                fmt::format("{} cannot have more than {} members.", member, kAskedNamesMax));
  }
  std::vector<std::string> names;
  for (const auto& one : value->get_array()) {
    if (one.is_string()) names.emplace_back(one.get_string());
  }
  return names;
}

// The request's tags, whatever its service calls them: structures of Key and Value, or keys.
const json::Array* find_tags(const json::Object& input) {
  for (const auto* member : {"Tags", "TagsList", "TagKeys"}) {
    const auto* value = json::find(input, member);
    if (value != nullptr && value->is_array()) return &value->get_array();
  }
  return nullptr;
}

// As condition keys have it; nullopt for what is absent.
std::optional<std::string> text_of(const json::Object& input, std::string_view member) {
  if (const auto flag = optional_bool(input, member)) return *flag ? "true" : "false";
  if (const auto number = optional_integer(input, member)) return fmt::format("{}", *number);
  return optional_string(input, member);
}

// A tag's key or value; KMS calls them TagKey and TagValue.
std::string tag_text(const json::Object& tag, std::string_view part) {
  const auto text = optional_string(tag, part);
  return text ? *text : get_string(tag, fmt::format("Tag{}", part));
}

void add_request_keys(const json::Object& input, const aws::Operation& operation, Ask& ask) {
  for (const auto& [key, member, otherwise] : kMemberKeys) {
    if (!takes_key(operation, key)) continue;
    const auto value = text_of(input, member).value_or(std::string(otherwise));
    if (!value.empty()) ask.add_key(key, value);
  }
  const auto* tags = find_tags(input);
  if (tags == nullptr) return;
  for (const auto& tag : *tags) {
    const bool pair = tag.is_object();
    const auto key = pair ? tag_text(tag.get_object(), "Key") : std::string(tag.as_string());
    if (takes_key(operation, "aws:TagKeys")) ask.add_key("aws:TagKeys", key);
    if (!pair || !takes_key(operation, "aws:RequestTag")) continue;
    ask.add_key("aws:RequestTag/" + key, tag_text(tag.get_object(), "Value"));
  }
}

}  // namespace

bool takes_key(const aws::Operation& operation, std::string_view key) {
  const auto& keys = operation.access.keys;
  return std::ranges::find(keys, key) != keys.end();
}

Result<std::vector<Ask>> asks_of(Call& call, const aws::Operation& operation) {
  const auto& access = operation.access;
  std::vector<Ask> asks;
  if (!access.resource.empty()) {
    const auto resolve = find_resolver(operation);
    TRY_ASSIGN(const auto names, read_names(call.input, access.named_by));
    for (const auto& name : names) TRY(resolve(call, operation, name, asks));
  }
  if (asks.empty()) asks.push_back(ask_for_all(operation));
  for (auto& ask : asks) add_request_keys(call.input, operation, ask);
  const auto* tags = find_tags(call.input);
  if (!access.tag_action.empty() && tags != nullptr && !tags->empty()) {
    auto tagging = asks.front();
    tagging.action = access.tag_action;
    asks.push_back(std::move(tagging));
  }
  return asks;
}

Result<> authorise(Call& call, const Ask& ask) {
  std::vector<ContextKey> keys;
  keys.reserve(ask.keys.size());
  for (const auto& [name, value] : ask.keys) keys.push_back({name, value});
  const AccessRequest request{call.caller, ask.action, ask.resource, keys, ask.words};
  auto& authoriser = call.services.authoriser;
  if (ask.key) {
    return authoriser.authorise_on_key(call.transaction, request,
                                       {ask.key->account, ask.key->policy, ask.key->granted});
  }
  if (ask.queue) {
    return authoriser.authorise_on_queue(call.transaction, request,
                                         {ask.queue->account, ask.queue->policy});
  }
  if (ask.topic) {
    return authoriser.authorise_on_topic(call.transaction, request,
                                         {ask.topic->account, ask.topic->policy});
  }
  return authoriser.authorise(call.transaction, request);
}

Result<> authorise(Call& call, const aws::Operation& operation) {
  TRY_ASSIGN(const auto asks, asks_of(call, operation));
  for (const auto& ask : asks) TRY(authorise(call, ask));
  return {};
}

}  // namespace traccia::api
