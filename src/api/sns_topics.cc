// SNS CreateTopic, DeleteTopic, ListTopics, TagResource, UntagResource, ListTagsForResource.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "api/sns_call.h"
#include "api/sns_policy.h"
#include "api/sns_shapes.h"
#include "identity/tags.h"

namespace traccia::api::sns_service {
namespace {

constexpr aws::Access kMakes{.resource = "topic",
                             .named_by = "Name",
                             .existence = aws::Existence::Made,
                             .keys = kTagsInRequest};
constexpr aws::Access kTagged{.resource = "topic", .named_by = "ResourceArn"};
constexpr aws::Access kTagging{
    .resource = "topic", .named_by = "ResourceArn", .keys = kTagsInRequest};
constexpr aws::Access kUntagging{
    .resource = "topic", .named_by = "ResourceArn", .keys = kTagKeysInRequest};

constexpr Member kCreateInput[] = {{"Name", &kString, Presence::Required},
                                   {"Attributes", &kAttributes},
                                   {"Tags", &kTags},
                                   {"DataProtectionPolicy", &kString}};
constexpr Shape kCreateRequest = aws::structure_shape(kCreateInput);
constexpr Member kCreateOutput[] = {{"TopicArn", &kString}};
constexpr Shape kCreateAnswer = aws::structure_shape(kCreateOutput);
constexpr std::string_view kCreateErrors[] = {
    "InvalidParameterException", "TopicLimitExceededException", "InternalErrorException",
    "AuthorizationErrorException", "TagLimitExceededException"};
constexpr auto kCreate =
    operation("SNS:CreateTopic", kCreateRequest, kCreateAnswer, kCreateErrors, kMakes);

constexpr Member kTopicInput[] = {kTopicArn};
constexpr Shape kTopicRequest = aws::structure_shape(kTopicInput);
constexpr auto kDelete =
    operation("SNS:DeleteTopic", kTopicRequest, aws::kEmptyStructure, kTopicErrors);

constexpr Member kListInput[] = {kNextToken};
constexpr Shape kListRequest = aws::structure_shape(kListInput);
constexpr Shape kTopic = aws::structure_shape(kCreateOutput);
constexpr Shape kTopics = aws::list_shape(kTopic);
constexpr Member kListOutput[] = {{"Topics", &kTopics}, kNextToken};
constexpr Shape kListAnswer = aws::structure_shape(kListOutput);
constexpr std::string_view kListErrors[] = {"InvalidParameterException", "InternalErrorException",
                                            "AuthorizationErrorException"};
constexpr auto kList = query("SNS:ListTopics", kListRequest, kListAnswer, kListErrors, {});

constexpr Shape kArn = aws::string_shape(1, 1011);
constexpr Member kResourceArn{"ResourceArn", &kArn, Presence::Required};
constexpr Member kTagInput[] = {kResourceArn, {"Tags", &kTags, Presence::Required}};
constexpr Shape kTagRequest = aws::structure_shape(kTagInput);
constexpr std::string_view kTagErrors[] = {"ResourceNotFoundException", "TagLimitExceededException",
                                           "InvalidParameterException",
                                           "AuthorizationErrorException"};
constexpr auto kTagOperation =
    operation("SNS:TagResource", kTagRequest, kNothing, kTagErrors, kTagging);
constexpr Member kUntagInput[] = {kResourceArn, {"TagKeys", &kTagKeys, Presence::Required}};
constexpr Shape kUntagRequest = aws::structure_shape(kUntagInput);
constexpr auto kUntagOperation =
    operation("SNS:UntagResource", kUntagRequest, kNothing, kTagErrors, kUntagging);
constexpr Member kTagsInput[] = {kResourceArn};
constexpr Shape kTagsRequest = aws::structure_shape(kTagsInput);
constexpr Member kTagsOutput[] = {{"Tags", &kTags}};
constexpr Shape kTagsAnswer = aws::structure_shape(kTagsOutput);
constexpr std::string_view kTagsErrors[] = {
    "ResourceNotFoundException", "InvalidParameterException", "AuthorizationErrorException"};
constexpr auto kListTags =
    query("SNS:ListTagsForResource", kTagsRequest, kTagsAnswer, kTagsErrors, kTagged);

Result<std::vector<identity::Tag>> tags_of(Call& call, const sns::Topic& topic) {
  TRY_ASSIGN(auto tags, identity::list_tags(call.transaction, topic.arn(), {}));
  return std::move(tags.items);
}

// Of a topic that was there.
Result<> check_same_tags(Call& call, const sns::Topic& topic) {
  const auto* const list = json::find(call.input, "Tags");
  if (list == nullptr || !list->is_array()) return {};
  TRY_ASSIGN(const auto has, tags_of(call, topic));
  for (const auto& tag : list->get_array()) {
    const auto& object = tag.as_object();
    const bool same = std::ranges::any_of(has, [&](const identity::Tag& one) {
      return one.key == get_string(object, "Key") && one.value == get_string(object, "Value");
    });
    if (!same) return invalid("Tags Reason: Topic already exists with different tags");
  }
  return {};
}

Result<json::Object> create(Call& call) {
  if (optional_string(call.input, "DataProtectionPolicy")) {
    return invalid("DataProtectionPolicy Reason: this server has no data protection policies");
  }
  auto attributes = texts_of(call.input, "Attributes");
  if (const auto at = attributes.find("Policy"); at != attributes.end()) {
    TRY_ASSIGN(at->second,
               worded(bind_topic_policy(call.transaction, at->second), "Attributes Reason: "));
  }
  const auto& caller = call.caller;
  const auto name = get_string(call.input, "Name");
  auto made = call.services.sns.topics.create(
      call.transaction, {caller.principal.account_id, caller.region, name}, attributes);
  if (!made) {
    const bool of_name = made.error().message().starts_with("Topic Name");
    return std::unexpected(worded(std::move(made).error(), of_name ? "" : "Attributes Reason: "));
  }
  if (made->existed) {
    TRY(check_same_tags(call, made->topic));
  } else {
    TRY(set_tags(call, made->topic, "Tags"));
  }
  set_resource(call, made->topic);
  return json::Object{{"TopicArn", made->topic.arn()}};
}

// One that is not there is gone as well ("DeleteTopic").
Result<json::Object> remove(Call& call) {
  auto topic = named_topic(call);
  if (!topic && topic.error().reason() == "NotFound") return json::Object{};
  if (!topic) return std::unexpected(std::move(topic).error());
  TRY(identity::forget_tags(call.transaction, topic->arn()));
  TRY(call.services.sns.topics.remove(call.transaction, *topic));
  return json::Object{};
}

Result<json::Object> list(Call& call) {
  TRY_ASSIGN(const auto after, read_token(call.input));
  TRY_ASSIGN(auto topics,
             call.services.sns.topics.list(
                 call.transaction, {call.caller.principal.account_id, call.caller.region, ""},
                 after, kPageMax));
  const bool more = std::ssize(topics) > kPageMax;
  if (more) topics.pop_back();
  json::Array shown;
  for (const auto& topic : topics) shown.push_back(json::Object{{"TopicArn", topic.arn()}});
  json::Object out{{"Topics", std::move(shown)}};
  if (more) out["NextToken"] = make_token(topics.back().name);
  return out;
}

// Tags have a name of their own for what is not there.
Result<sns::Topic> tagged_topic(Call& call) {
  auto topic = named_topic(call, "ResourceArn");
  if (!topic && topic.error().reason() == "NotFound") {
    return fail(ErrorCode::NotFound, "ResourceNotFound", "Resource does not exist");
  }
  return topic;
}

Result<json::Object> tag(Call& call) {
  TRY_ASSIGN(const auto topic, tagged_topic(call));
  TRY(set_tags(call, topic, "Tags"));
  return json::Object{};
}

Result<json::Object> untag(Call& call) {
  TRY_ASSIGN(const auto topic, tagged_topic(call));
  TRY(identity::remove_tags(call.transaction, topic.arn(), list_of(call.input, "TagKeys")));
  return json::Object{};
}

Result<json::Object> list_tags(Call& call) {
  TRY_ASSIGN(const auto topic, tagged_topic(call));
  TRY_ASSIGN(const auto tags, tags_of(call, topic));
  json::Array shown;
  for (const auto& one : tags) {
    shown.push_back(json::Object{{"Key", one.key}, {"Value", one.value}});
  }
  return json::Object{{"Tags", std::move(shown)}};
}

}  // namespace

std::span<const Binding> topic_bindings() {
  static const std::array bindings{
      Binding{.operation = &kCreate, .run = create, .prepare = prepare_attributes},
      Binding{&kDelete, remove},
      Binding{&kList, list},
      Binding{&kTagOperation, tag},
      Binding{&kUntagOperation, untag},
      Binding{&kListTags, list_tags}};
  return bindings;
}

}  // namespace traccia::api::sns_service
