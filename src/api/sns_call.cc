// Topics behind ARNs, pages, words.
// SPDX-License-Identifier: Apache-2.0
#include "api/sns_call.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/service_keys.h"
#include "base/bytes.h"
#include "crypto/crypto.h"
#include "identity/tags.h"

namespace traccia::api::sns_service {
namespace {

constexpr std::string_view kInvalid = "Invalid parameter: ";
constexpr std::string_view kTokenVersion = "1:";

}  // namespace

std::unexpected<Error> invalid(std::string_view message) {
  return fail(ErrorCode::InvalidArgument, "InvalidParameter",
              fmt::format("{}{}", kInvalid, message));
}

Error worded(Error error, std::string_view before) {
  if (error.reason() != "InvalidParameter" || error.message().starts_with("Invalid ")) return error;
  // The attribute is unknown whatever its place.
  if (error.message().starts_with("Attributes Reason: ")) before = {};
  return {error.code(), "InvalidParameter",
          fmt::format("{}{}{}", kInvalid, before, error.message())};
}

Result<> check_arn(std::string_view member, std::string_view arn) {
  if (arn.empty()) {
    return invalid(fmt::format("{} Reason: no value for required parameter", member));
  }
  const auto parts = std::ranges::count(arn, ':') + 1;
  if (parts >= 6) return {};
  return invalid(
      fmt::format("{} Reason: An ARN must have at least 6 elements, not {}", member, parts));
}

void set_resource(Call& call, const sns::Topic& topic) {
  call.resources = json::Array{json::Object{
      {"accountId", topic.account}, {"type", "AWS::SNS::Topic"}, {"ARN", topic.arn()}}};
  call.resource_account = topic.account;
}

Result<sns::Topic> named_topic(Call& call, std::string_view member) {
  const auto arn = get_string(call.input, member);
  TRY(check_arn(member, arn));
  const auto name = sns::parse_topic_arn(arn);
  if (!name || name->region != call.caller.region) return invalid(member);
  TRY_ASSIGN(auto topic, call.services.sns.topics.get(call.transaction, *name));
  set_resource(call, topic);
  return topic;
}

Result<std::string> read_token(const json::Object& input) {
  const auto token = get_string(input, "NextToken");
  if (token.empty()) return std::string();
  const auto decoded = base64_decode(token);
  if (!decoded || !decoded->starts_with(kTokenVersion)) return invalid("NextToken");
  return decoded->substr(kTokenVersion.size());
}

std::string make_token(std::string_view after) {
  return base64_encode(fmt::format("{}{}", kTokenVersion, after));
}

Result<> set_tags(Call& call, const sns::Topic& topic, std::string_view member) {
  std::vector<identity::Tag> tags;
  const auto* const list = json::find(call.input, member);
  if (list == nullptr || !list->is_array()) return {};
  for (const auto& tag : list->get_array()) {
    const auto& object = tag.as_object();
    tags.push_back({get_string(object, "Key"), get_string(object, "Value")});
  }
  const auto done = identity::set_tags(call.transaction, topic.arn(), tags);
  if (done) return {};
  const auto& error = done.error();
  if (error.reason() == "LimitExceeded") {
    return fail(ErrorCode::FailedPrecondition, "TagLimitExceeded",
                "Could not complete request: tag quota of per resource exceeded");
  }
  if (error.reason() != "InvalidInput") return done;
  if (error.message().starts_with("Duplicate")) return invalid("Duplicated keys are not allowed.");
  return invalid(fmt::format("Tags Reason: {}", error.message()));
}

Result<> send_token(Call& call, const sns::Topic& topic, const sns::Subscription& subscription,
                    sns::MessageKind kind, std::string token) {
  const bool subscribing = kind == sns::MessageKind::SubscriptionConfirmation;
  sns::Content content;
  content.texts["default"] =
      sns::confirmation_text(kind, subscribing ? topic.arn() : subscription.arn());
  content.token = std::move(token);
  return call.services.sns.outgoing.add(call.transaction, topic,
                                        {.uuid = call.services.os.random.uuid(),
                                         .kind = kind,
                                         .published = call.now,
                                         .content = sns::encode_content(content)},
                                        {subscription});
}

namespace {

// KMS's reasons as SNS tells them.
std::unexpected<Error> worded_by_kms(const Error& error) {
  constexpr std::pair<std::string_view, std::string_view> kReasons[] = {
      {"NotFound", "KMSNotFound"},
      {"InvalidArn", "KMSNotFound"},
      {"Disabled", "KMSDisabled"},
      {"KMSInvalidState", "KMSInvalidState"},
      {"InvalidKeyUsage", "KMSInvalidState"},
      {"AccessDenied", "KMSAccessDenied"}};
  for (const auto& [from, to] : kReasons) {
    if (error.reason() == from) return fail(ErrorCode::FailedPrecondition, to, error.message());
  }
  return std::unexpected(error);
}

// "Data encryption for Amazon SNS topics": the permissions are the publisher's.
Result<> seal(Services& services, meta::Transaction& transaction, const Caller& publisher,
              const sns::Topic& topic, sns::StoredMessage& message,
              std::vector<ingest::Draft>& drafts) {
  message.key = topic.key();
  if (message.key.empty()) return {};
  auto caller = publisher;
  if (caller.principal.type != identity::PrincipalType::AwsService) caller.via_service = "sns";
  auto made = generate_data_key_within(services, transaction, caller, message.key,
                                       {{"aws:sns:topicArn", topic.arn()}});
  if (!made) return worded_by_kms(made.error());
  message.content = crypto::seal(made->key.plaintext, message.content, message.uuid);
  message.data_key = services.sns.sealer.seal(made->key.plaintext, sns::data_key_context(message));
  for (auto& record : made->records) drafts.push_back(std::move(record));
  return {};
}

}  // namespace

Result<std::string> publish(Services& services, meta::Transaction& transaction,
                            const Caller& publisher, const sns::Topic& topic,
                            const sns::Content& content, std::vector<ingest::Draft>& drafts) {
  auto& sns = services.sns;
  sns::StoredMessage message{.uuid = services.os.random.uuid(),
                             .kind = sns::MessageKind::Notification,
                             .published = services.os.clock.now(),
                             .content = sns::encode_content(content)};
  TRY(seal(services, transaction, publisher, topic, message, drafts));
  TRY_ASSIGN(auto subscriptions, sns.subscriptions.confirmed(transaction, topic));
  std::erase_if(subscriptions, [&](const auto& one) { return !one.takes(content); });
  TRY(sns.outgoing.add(transaction, topic, message, subscriptions));
  return message.uuid;
}

}  // namespace traccia::api::sns_service
