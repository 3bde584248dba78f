// SQS CreateQueue, DeleteQueue, GetQueueUrl, ListQueues, ListDeadLetterSourceQueues, PurgeQueue,
// TagQueue, UntagQueue, ListQueueTags.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "api/sqs_call.h"
#include "api/sqs_policy.h"
#include "api/sqs_shapes.h"
#include "identity/tags.h"

namespace traccia::api::sqs_service {
namespace {

constexpr int64_t kListedMax = 1000;

constexpr std::string_view kTagKeys[] = {"aws:RequestTag", "aws:TagKeys"};
constexpr std::string_view kUntagKeys[] = {"aws:TagKeys"};
constexpr aws::Access kMakes{.resource = "queue",
                             .named_by = "QueueName",
                             .existence = aws::Existence::Made,
                             .keys = kTagKeys};
constexpr aws::Access kNamed{.resource = "queue", .named_by = "QueueName"};
constexpr aws::Access kTagging{.resource = "queue", .named_by = "QueueUrl", .keys = kTagKeys};
constexpr aws::Access kUntagging{.resource = "queue", .named_by = "QueueUrl", .keys = kUntagKeys};

constexpr Member kUrlOutput[] = {{"QueueUrl", &kString}};
constexpr Shape kUrlAnswer = aws::structure_shape(kUrlOutput);
constexpr Member kCreateInput[] = {
    {"QueueName", &kString, Presence::Required},
    {.name = "Attributes", .shape = &kAttributes, .flat = "Attribute"},
    {.name = "tags", .shape = &kTags, .flat = "Tag"}};
constexpr Shape kCreateRequest = aws::structure_shape(kCreateInput);
constexpr std::string_view kCreateErrors[] = {"QueueDeletedRecently", "QueueNameExists",
                                              "InvalidAttributeName", "InvalidAttributeValue",
                                              "UnsupportedOperation"};
constexpr auto kCreate =
    operation("sqs:CreateQueue", kCreateRequest, kUrlAnswer, kCreateErrors, kMakes);

constexpr Member kUrlInput[] = {kQueueUrl};
constexpr Shape kUrlRequest = aws::structure_shape(kUrlInput);
constexpr auto kDelete = operation("sqs:DeleteQueue", kUrlRequest, aws::kEmptyStructure, kNoQueue);
constexpr std::string_view kPurgeErrors[] = {"PurgeQueueInProgress", "QueueDoesNotExist",
                                             "InvalidAddress", "UnsupportedOperation"};
constexpr auto kPurge =
    operation("sqs:PurgeQueue", kUrlRequest, aws::kEmptyStructure, kPurgeErrors);

constexpr Member kGetInput[] = {{"QueueName", &kString, Presence::Required},
                                {"QueueOwnerAWSAccountId", &kString}};
constexpr Shape kGetRequest = aws::structure_shape(kGetInput);
constexpr auto kGet = query("sqs:GetQueueUrl", kGetRequest, kUrlAnswer, kNoQueue, kNamed);

constexpr Shape kUrls = aws::list_shape(kString);
constexpr Member kListInput[] = {
    {"QueueNamePrefix", &kString}, {"NextToken", &kString}, {"MaxResults", &kInteger}};
constexpr Shape kListRequest = aws::structure_shape(kListInput);
constexpr Member kListOutput[] = {{.name = "QueueUrls", .shape = &kUrls, .flat = "QueueUrl"},
                                  {"NextToken", &kString}};
constexpr Shape kListAnswer = aws::structure_shape(kListOutput);
constexpr std::string_view kListErrors[] = {"InvalidAddress", "UnsupportedOperation"};
constexpr auto kList = query("sqs:ListQueues", kListRequest, kListAnswer, kListErrors, {});

constexpr Member kSourcesInput[] = {kQueueUrl, {"NextToken", &kString}, {"MaxResults", &kInteger}};
constexpr Shape kSourcesRequest = aws::structure_shape(kSourcesInput);
constexpr Member kSourcesOutput[] = {
    {.name = "queueUrls", .shape = &kUrls, .presence = Presence::Required, .flat = "QueueUrl"},
    {"NextToken", &kString}};
constexpr Shape kSourcesAnswer = aws::structure_shape(kSourcesOutput);
constexpr auto kSources =
    query("sqs:ListDeadLetterSourceQueues", kSourcesRequest, kSourcesAnswer, kNoQueue);

constexpr Member kTagInput[] = {
    kQueueUrl, {.name = "Tags", .shape = &kTags, .presence = Presence::Required, .flat = "Tag"}};
constexpr Shape kTagRequest = aws::structure_shape(kTagInput);
constexpr auto kTag =
    operation("sqs:TagQueue", kTagRequest, aws::kEmptyStructure, kNoQueue, kTagging);
constexpr Member kUntagInput[] = {
    kQueueUrl,
    {.name = "TagKeys", .shape = &kNames, .presence = Presence::Required, .flat = "TagKey"}};
constexpr Shape kUntagRequest = aws::structure_shape(kUntagInput);
constexpr auto kUntag =
    operation("sqs:UntagQueue", kUntagRequest, aws::kEmptyStructure, kNoQueue, kUntagging);
constexpr Member kTagsOutput[] = {{.name = "Tags", .shape = &kTags, .flat = "Tag"}};
constexpr Shape kTagsAnswer = aws::structure_shape(kTagsOutput);
constexpr auto kListTags = query("sqs:ListQueueTags", kUrlRequest, kTagsAnswer, kNoQueue);

// In SQS's words, where the store of tags has IAM's.
Result<> set_tags(Call& call, const sqs::Queue& queue, std::string_view member) {
  std::vector<identity::Tag> tags;
  for (const auto& [key, value] : texts_of(call.input, member)) tags.push_back({key, value});
  const auto done = identity::set_tags(call.transaction, queue.arn(), tags);
  if (done) return {};
  if (done.error().code() == ErrorCode::Internal) return done;
  return fail(ErrorCode::InvalidArgument, "InvalidParameterValue", done.error().message());
}

Result<json::Object> create(Call& call) {
  const auto name = get_string(call.input, "QueueName");
  auto attributes = texts_of(call.input, "Attributes");
  if (const auto at = attributes.find("Policy"); at != attributes.end() && !at->second.empty()) {
    TRY_ASSIGN(at->second, bind_queue_policy(call.transaction, at->second));
  }
  TRY_ASSIGN(const auto queue,
             call.services.queues.create(
                 call.transaction, {call.caller.principal.account_id, call.caller.region, name},
                 attributes));
  TRY(set_tags(call, queue, "tags"));
  return json::Object{{"QueueUrl", url_of(call.caller, queue)}};
}

Result<json::Object> remove(Call& call) {
  TRY_ASSIGN(const auto queue, named_queue(call));
  TRY(identity::forget_tags(call.transaction, queue.arn()));
  TRY(call.services.queues.remove(call.transaction, queue));
  return json::Object{};
}

Result<json::Object> purge(Call& call) {
  TRY_ASSIGN(const auto queue, named_queue(call));
  TRY(call.services.messages.purge(call.transaction, queue));
  return json::Object{};
}

Result<json::Object> get_url(Call& call) {
  const auto name = get_string(call.input, "QueueName");
  const auto account = optional_string(call.input, "QueueOwnerAWSAccountId")
                           .value_or(call.caller.principal.account_id);
  TRY_ASSIGN(const auto queue,
             call.services.queues.get(call.transaction, {account, call.caller.region, name}));
  return json::Object{{"QueueUrl", url_of(call.caller, queue)}};
}

// Tokens are names: the next page begins behind them.
Result<json::Object> list(Call& call) {
  const auto prefix = get_string(call.input, "QueueNamePrefix");
  const auto wanted = optional_integer(call.input, "MaxResults");
  const auto max = wanted.value_or(kListedMax);
  if (max < 1 || max > kListedMax) {
    return fail(ErrorCode::InvalidArgument, "InvalidParameterValue",
                fmt::format("Value {} for parameter MaxResults is invalid. Reason: Must be between "
                            "1 and {}, if provided.",
                            max, kListedMax));
  }
  TRY_ASSIGN(auto queues,
             call.services.queues.list(
                 call.transaction, {call.caller.principal.account_id, call.caller.region, prefix},
                 get_string(call.input, "NextToken"), max));
  const bool more = std::ssize(queues) > max;
  if (more) queues.pop_back();
  json::Array urls;
  for (const auto& queue : queues) urls.emplace_back(url_of(call.caller, queue));
  json::Object out;
  if (!urls.empty()) out["QueueUrls"] = std::move(urls);
  // Without MaxResults the answer is the first thousand, and no token ("ListQueues").
  if (more && wanted) out["NextToken"] = queues.back().name;
  return out;
}

Result<json::Object> list_sources(Call& call) {
  TRY_ASSIGN(const auto queue, named_queue(call));
  TRY_ASSIGN(const auto sources, call.services.queues.sources_of(call.transaction, queue));
  json::Array urls;
  for (const auto& source : sources) urls.emplace_back(url_of(call.caller, source));
  return json::Object{{"queueUrls", std::move(urls)}};
}

Result<json::Object> tag(Call& call) {
  TRY_ASSIGN(const auto queue, named_queue(call));
  TRY(set_tags(call, queue, "Tags"));
  return json::Object{};
}

Result<json::Object> untag(Call& call) {
  TRY_ASSIGN(const auto queue, named_queue(call));
  std::vector<std::string> keys;
  for (const auto& key : call.input.at("TagKeys").as_array()) keys.emplace_back(key.as_string());
  TRY(identity::remove_tags(call.transaction, queue.arn(), keys));
  return json::Object{};
}

Result<json::Object> list_tags(Call& call) {
  TRY_ASSIGN(const auto queue, named_queue(call));
  TRY_ASSIGN(const auto tags, identity::list_tags(call.transaction, queue.arn(), {}));
  json::Object shown;
  for (const auto& tag : tags.items) shown[tag.key] = tag.value;
  json::Object out;
  if (!shown.empty()) out["Tags"] = std::move(shown);
  return out;
}

}  // namespace

std::span<const Binding> queue_bindings() {
  static const std::array bindings{
      Binding{.operation = &kCreate, .run = create, .prepare = prepare_attributes},
      Binding{&kDelete, remove},
      Binding{&kPurge, purge},
      Binding{&kGet, get_url},
      Binding{&kList, list},
      Binding{&kSources, list_sources},
      Binding{&kTag, tag},
      Binding{&kUntag, untag},
      Binding{&kListTags, list_tags}};
  return bindings;
}

}  // namespace traccia::api::sqs_service
