// SNS Subscribe, ConfirmSubscription, Unsubscribe, ListSubscriptions, ListSubscriptionsByTopic,
// GetSubscriptionAttributes, SetSubscriptionAttributes.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "api/access.h"
#include "api/sns_call.h"
#include "api/sns_shapes.h"
#include "aws/arn.h"
#include "http/mail.h"
#include "sns/delivery_policy.h"

namespace traccia::api::sns_service {
namespace {

constexpr std::string_view kPending = "pending confirmation";
constexpr std::string_view kFifo = ".fifo";

constexpr std::string_view kSubscribeKeys[] = {"sns:Protocol", "sns:Endpoint"};
constexpr aws::Access kSubscribing{
    .resource = "topic", .named_by = "TopicArn", .keys = kSubscribeKeys};

constexpr Member kSubscribeInput[] = {kTopicArn,
                                      {"Protocol", &kString, Presence::Required},
                                      {"Endpoint", &kString},
                                      {"Attributes", &kAttributes},
                                      {"ReturnSubscriptionArn", &aws::kBoolean}};
constexpr Shape kSubscribeRequest = aws::structure_shape(kSubscribeInput);
constexpr Member kArnOutput[] = {{"SubscriptionArn", &kString}};
constexpr Shape kArnAnswer = aws::structure_shape(kArnOutput);
constexpr std::string_view kSubscribeErrors[] = {"SubscriptionLimitExceededException",
                                                 "FilterPolicyLimitExceededException",
                                                 "InvalidParameterException",
                                                 "InternalErrorException",
                                                 "NotFoundException",
                                                 "AuthorizationErrorException"};
constexpr std::string_view kSetErrors[] = {
    "InvalidParameterException", "FilterPolicyLimitExceededException", "InternalErrorException",
    "NotFoundException", "AuthorizationErrorException"};
constexpr auto kSubscribe =
    operation("SNS:Subscribe", kSubscribeRequest, kArnAnswer, kSubscribeErrors, kSubscribing);

constexpr Member kConfirmInput[] = {kTopicArn,
                                    {"Token", &kString, Presence::Required, Sensitivity::Secret},
                                    {"AuthenticateOnUnsubscribe", &kString}};
constexpr Shape kConfirmRequest = aws::structure_shape(kConfirmInput);
constexpr auto kConfirm =
    operation("SNS:ConfirmSubscription", kConfirmRequest, kArnAnswer, kSubscribeErrors);

constexpr Member kArnInput[] = {kSubscriptionArn};
constexpr Shape kArnRequest = aws::structure_shape(kArnInput);
constexpr auto kUnsubscribe =
    operation("SNS:Unsubscribe", kArnRequest, aws::kEmptyStructure, kTopicErrors, {});

constexpr Member kListInput[] = {kNextToken};
constexpr Shape kListRequest = aws::structure_shape(kListInput);
constexpr Member kListedMembers[] = {{"SubscriptionArn", &kString},
                                     {"Owner", &kString},
                                     {"Protocol", &kString},
                                     {"Endpoint", &kString},
                                     {"TopicArn", &kString}};
constexpr Shape kListed = aws::structure_shape(kListedMembers);
constexpr Shape kListedOnes = aws::list_shape(kListed);
constexpr Member kListOutput[] = {{"Subscriptions", &kListedOnes}, kNextToken};
constexpr Shape kListAnswer = aws::structure_shape(kListOutput);
constexpr std::string_view kListErrors[] = {"InvalidParameterException", "InternalErrorException",
                                            "AuthorizationErrorException"};
constexpr auto kList = query("SNS:ListSubscriptions", kListRequest, kListAnswer, kListErrors, {});
constexpr Member kByTopicInput[] = {kTopicArn, kNextToken};
constexpr Shape kByTopicRequest = aws::structure_shape(kByTopicInput);
constexpr auto kByTopic =
    query("SNS:ListSubscriptionsByTopic", kByTopicRequest, kListAnswer, kTopicErrors);

constexpr Member kGetOutput[] = {{"Attributes", &kAttributes}};
constexpr Shape kGetAnswer = aws::structure_shape(kGetOutput);
constexpr auto kGet =
    query("SNS:GetSubscriptionAttributes", kArnRequest, kGetAnswer, kTopicErrors, {});
constexpr Member kSetInput[] = {kSubscriptionArn,
                                {"AttributeName", &kString, Presence::Required},
                                {"AttributeValue", &kString}};
constexpr Shape kSetRequest = aws::structure_shape(kSetInput);
constexpr auto kSet =
    operation("SNS:SetSubscriptionAttributes", kSetRequest, aws::kEmptyStructure, kSetErrors, {});

// The account of the queue that the endpoint names.
Result<std::string> check_queue(std::string_view endpoint) {
  const auto arn = aws::parse_arn(endpoint);
  if (!arn || arn->service != "sqs" || arn->account.empty()) return invalid("SQS endpoint ARN");
  if (arn->resource.ends_with(kFifo)) {
    return invalid(
        "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS "
        "topics");
  }
  return arn->account;
}

// Events show endpoints, so what they hold must be no secret.
Result<> check_url(std::string_view protocol, std::string_view endpoint) {
  const auto scheme = endpoint.find("://");
  if (scheme == endpoint.npos || endpoint.substr(0, scheme) != protocol) {
    return invalid("Endpoint must match the specified protocol");
  }
  const auto host =
      endpoint.substr(scheme + 3, endpoint.find_first_of("/?#", scheme + 3) - scheme - 3);
  if (host.empty() || endpoint.find('#') != endpoint.npos ||
      !aws::only_characters(endpoint, "!-~")) {
    return invalid("Endpoint Reason: it is not a URL");
  }
  if (host.find('@') == host.npos) return {};
  return invalid("Endpoint Reason: this server takes no credentials in URLs");
}

// Whether nobody need be asked: a queue whose account subscribes it.
Result<bool> check_endpoint(const Call& call, std::string_view protocol,
                            std::string_view endpoint) {
  if (protocol == "sqs") {
    TRY_ASSIGN(const auto account, check_queue(endpoint));
    return account == call.caller.principal.account_id;
  }
  if (protocol == "http" || protocol == "https") {
    TRY(check_url(protocol, endpoint));
    return false;
  }
  if (protocol == "email" || protocol == "email-json") {
    if (!http::is_mail_address(endpoint)) return invalid("Email address");
    if (call.services.sns.has_mail) return false;
    return invalid("Protocol Reason: this server has no mail relay");
  }
  return invalid(
      fmt::format("Amazon SNS does not support this protocol string: {}", protocol.substr(0, 64)));
}

Result<json::Object> subscribe(Call& call) {
  TRY_ASSIGN(const auto topic, named_topic(call));
  const auto protocol = get_string(call.input, "Protocol");
  const auto endpoint = get_string(call.input, "Endpoint");
  TRY_ASSIGN(const bool confirmed, check_endpoint(call, protocol, endpoint));
  const auto& principal = call.caller.principal;
  TRY_ASSIGN(const auto made, worded(call.services.sns.subscriptions.subscribe(
                                         call.transaction, topic,
                                         {.owner = principal.account_id,
                                          .protocol = protocol,
                                          .endpoint = endpoint,
                                          .principal = principal.arn,
                                          .confirmed = confirmed,
                                          .attributes = texts_of(call.input, "Attributes")}),
                                     "Attributes Reason: "));
  if (!made.token.empty()) {
    TRY(send_token(call, topic, made.subscription, sns::MessageKind::SubscriptionConfirmation,
                   made.token));
  }
  const bool told = made.subscription.state == sns::SubscriptionState::Confirmed ||
                    optional_bool(call.input, "ReturnSubscriptionArn").value_or(false);
  return json::Object{{"SubscriptionArn", told ? made.subscription.arn() : std::string(kPending)}};
}

// Links are followed by nobody: what they hold is the proof.
bool is_by_link(const Call& call) {
  return call.caller.principal.type == identity::PrincipalType::Anonymous;
}

Result<json::Object> confirm(Call& call) {
  if (!is_by_link(call)) TRY(authorise(call, kConfirm));
  TRY_ASSIGN(const auto topic, named_topic(call));
  const bool guarded = get_string(call.input, "AuthenticateOnUnsubscribe") == "true";
  TRY_ASSIGN(const auto confirmed, worded(call.services.sns.subscriptions.confirm(
                                       call.transaction, topic, get_string(call.input, "Token"),
                                       !is_by_link(call), !is_by_link(call) && guarded)));
  return json::Object{{"SubscriptionArn", confirmed.arn()}};
}

Result<sns::SubscriptionName> check_subscription_arn(std::string_view arn) {
  TRY(check_arn("SubscriptionArn", arn));
  const auto name = sns::parse_subscription_arn(arn);
  if (!name || name->uuid.size() != 36) return invalid("SubscriptionId");
  return *name;
}

// Of the subscription's account, or the topic's.
Result<> check_owner(const Call& call, const sns::Subscription& subscription,
                     std::string_view action) {
  const auto& principal = call.caller.principal;
  const auto topic = sns::parse_topic_arn(subscription.topic_arn);
  if (principal.account_id == subscription.owner || principal.account_id == topic->account) {
    return {};
  }
  return fail(ErrorCode::PermissionDenied, "AccessDenied",
              fmt::format("User: {} is not authorized to perform: {} on resource: {}",
                          principal.arn, action, subscription.arn()));
}

Result<json::Object> unsubscribe(Call& call) {
  const bool by_link = is_by_link(call);
  if (!by_link) TRY(authorise(call, kUnsubscribe));
  const auto arn = get_string(call.input, "SubscriptionArn");
  TRY(check_subscription_arn(arn));
  auto& sns = call.services.sns;
  TRY_ASSIGN(auto found, sns.subscriptions.find(call.transaction, arn));
  if (!found) return json::Object{};
  if (by_link && found->guarded) {
    return fail(ErrorCode::PermissionDenied, "AccessDenied",
                "The subscription can be ended with a signature only");
  }
  if (!by_link) TRY(check_owner(call, *found, kUnsubscribe.iam_action));
  TRY_ASSIGN(const auto topic, sns.topics.find_by_id(call.transaction, found->topic_id));
  if (topic) set_resource(call, *topic);
  // Who did not ask for it hears of it, and may take it back ("Unsubscribe").
  const bool by_other = by_link || call.caller.principal.account_id != found->owner;
  if (by_other && found->state == sns::SubscriptionState::Confirmed && topic) {
    TRY_ASSIGN(auto token, sns.subscriptions.deactivate(call.transaction, *found));
    TRY(send_token(call, *topic, *found, sns::MessageKind::UnsubscribeConfirmation,
                   std::move(token)));
    return json::Object{};
  }
  TRY(sns.subscriptions.remove(call.transaction, *found));
  return json::Object{};
}

std::string shown_arn(const sns::Subscription& subscription) {
  switch (subscription.state) {
    case sns::SubscriptionState::Pending:
      return "PendingConfirmation";
    case sns::SubscriptionState::Deleted:
      return "Deleted";
    case sns::SubscriptionState::Confirmed:
      break;
  }
  return subscription.arn();
}

json::Object render_page(std::vector<sns::Subscription> page) {
  const bool more = std::ssize(page) > kPageMax;
  if (more) page.pop_back();
  json::Array shown;
  for (const auto& one : page) {
    shown.push_back(json::Object{{"SubscriptionArn", shown_arn(one)},
                                 {"Owner", one.owner},
                                 {"Protocol", one.protocol},
                                 {"Endpoint", one.endpoint},
                                 {"TopicArn", one.topic_arn}});
  }
  json::Object out{{"Subscriptions", std::move(shown)}};
  if (more) out["NextToken"] = make_token(std::to_string(page.back().id));
  return out;
}

Result<int64_t> read_after(const json::Object& input) {
  TRY_ASSIGN(const auto token, read_token(input));
  int64_t after = 0;
  const auto parsed = std::from_chars(token.data(), token.data() + token.size(), after);
  const bool number = parsed.ec == std::errc() && parsed.ptr == token.data() + token.size();
  if (!token.empty() && !number) return invalid("NextToken");
  return after;
}

Result<json::Object> list(Call& call) {
  TRY_ASSIGN(const auto after, read_after(call.input));
  TRY_ASSIGN(auto page, call.services.sns.subscriptions.list(call.transaction,
                                                             call.caller.principal.account_id,
                                                             call.caller.region, after, kPageMax));
  return render_page(std::move(page));
}

Result<json::Object> list_by_topic(Call& call) {
  TRY_ASSIGN(const auto topic, named_topic(call));
  TRY_ASSIGN(const auto after, read_after(call.input));
  TRY_ASSIGN(auto page,
             call.services.sns.subscriptions.list(call.transaction, topic, after, kPageMax));
  return render_page(std::move(page));
}

// The subscription that the request names, for its owner or the topic's.
Result<sns::Subscription> named_subscription(Call& call, std::string_view action) {
  const auto arn = get_string(call.input, "SubscriptionArn");
  TRY(check_subscription_arn(arn));
  TRY_ASSIGN(auto found, call.services.sns.subscriptions.find(call.transaction, arn));
  if (!found) return fail(ErrorCode::NotFound, "NotFound", "Subscription does not exist");
  TRY(check_owner(call, *found, action));
  return std::move(*found);
}

std::string flag(bool value) {
  return value ? "true" : "false";
}

Result<json::Object> get(Call& call) {
  TRY_ASSIGN(const auto subscription, named_subscription(call, kGet.iam_action));
  json::Object shown;
  for (const auto& [name, value] : subscription.attributes) shown[name] = value;
  shown["SubscriptionArn"] = subscription.arn();
  shown["TopicArn"] = subscription.topic_arn;
  shown["Owner"] = subscription.owner;
  shown["Protocol"] = subscription.protocol;
  shown["Endpoint"] = subscription.endpoint;
  shown["SubscriptionPrincipal"] = subscription.principal;
  shown["RawMessageDelivery"] = flag(subscription.raw());
  shown["PendingConfirmation"] = flag(subscription.state == sns::SubscriptionState::Pending);
  shown["ConfirmationWasAuthenticated"] = flag(subscription.authenticated);
  if (shown.contains("FilterPolicy") && !shown.contains("FilterPolicyScope")) {
    shown["FilterPolicyScope"] = "MessageAttributes";
  }
  if (subscription.protocol.starts_with("http")) {
    TRY_ASSIGN(const auto topic,
               call.services.sns.topics.find_by_id(call.transaction, subscription.topic_id));
    shown["EffectiveDeliveryPolicy"] = json::serialize(sns::render_subscription_policy(
        sns::effective_policy(topic ? topic->attribute("DeliveryPolicy") : "",
                              subscription.attribute("DeliveryPolicy"))));
  }
  return json::Object{{"Attributes", std::move(shown)}};
}

Result<json::Object> set(Call& call) {
  TRY_ASSIGN(auto subscription, named_subscription(call, kSet.iam_action));
  TRY(worded(call.services.sns.subscriptions.set_attribute(
      call.transaction, subscription, get_string(call.input, "AttributeName"),
      get_string(call.input, "AttributeValue"))));
  return json::Object{};
}

}  // namespace

std::span<const Binding> subscription_bindings() {
  static const std::array bindings{
      Binding{&kSubscribe, subscribe},
      Binding{.operation = &kConfirm, .run = confirm, .authorised = Authorised::InRun},
      Binding{.operation = &kUnsubscribe, .run = unsubscribe, .authorised = Authorised::InRun},
      Binding{&kList, list},
      Binding{&kByTopic, list_by_topic},
      Binding{&kGet, get},
      Binding{&kSet, set}};
  return bindings;
}

}  // namespace traccia::api::sns_service
