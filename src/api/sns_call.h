// What SNS's operations do alike: find the topic of an ARN, pages, errors.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/operation_call.h"
#include "sns/sns.h"

namespace traccia::api::sns_service {

inline constexpr int64_t kPageMax = 100;

// Every operation, by family.
std::span<const Binding> topic_bindings();
std::span<const Binding> attribute_bindings();
std::span<const Binding> subscription_bindings();
std::span<const Binding> publish_bindings();

// InvalidParameter with "Invalid parameter: " before the message.
std::unexpected<Error> invalid(std::string_view message);
// The module's errors in SNS's words. `before` stands between "Invalid parameter: " and the rest:
// "Attributes Reason: ". What begins with "Invalid" already stays as it is.
Error worded(Error error, std::string_view before = {});
template <typename T>
Result<T> worded(Result<T> result, std::string_view before = {}) {
  if (result) return result;
  return std::unexpected(worded(std::move(result).error(), before));
}

// InvalidParameter when the text does not have the parts of an ARN.
Result<> check_arn(std::string_view member, std::string_view arn);
// The topic that the member names, in the region of the request. Sets the call's resource. Reasons:
// InvalidParameter, NotFound.
Result<sns::Topic> named_topic(Call& call, std::string_view member = "TopicArn");
void set_resource(Call& call, const sns::Topic& topic);

// Tokens of pages are what the next one begins behind. InvalidParameter for others.
Result<std::string> read_token(const json::Object& input);
std::string make_token(std::string_view after);

// Replaces tags of a topic. Reasons: InvalidParameter, TagLimitExceeded.
Result<> set_tags(Call& call, const sns::Topic& topic, std::string_view member);

// Sends the subscription's endpoint what confirms it, or brings it back.
Result<> send_token(Call& call, const sns::Topic& topic, const sns::Subscription& subscription,
                    sns::MessageKind kind, std::string token);
// Publishes a message to the subscriptions that take it; its id. On an encrypted topic it rests
// under a data key that KMS gives the publisher, whose events are added to the drafts. Reasons:
// Throttling, KMSNotFound, KMSDisabled, KMSInvalidState, KMSAccessDenied.
Result<std::string> publish(Services& services, meta::Transaction& transaction,
                            const Caller& publisher, const sns::Topic& topic,
                            const sns::Content& content, std::vector<ingest::Draft>& drafts);

}  // namespace traccia::api::sns_service
