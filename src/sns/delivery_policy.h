// How often and when a delivery is tried again: "Amazon SNS message delivery retries".
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "json/json.h"

namespace traccia::sns {

enum class Backoff : uint8_t { Linear, Arithmetic, Geometric, Exponential };

// In phases: at once, with the least delay, with a delay that grows, with the greatest one.
struct RetryPolicy {
  static constexpr int64_t kRetriesMax = 100;
  static constexpr int64_t kSecondsMax = 3600;  // of each delay, and of all together

  int64_t min_delay = 20, max_delay = 20;  // seconds
  int64_t retries = 3;
  int64_t no_delay_retries = 0, min_delay_retries = 0, max_delay_retries = 0;
  Backoff backoff = Backoff::Linear;

  // How long to wait before the retry, which counts from 1; nullopt: it was given up. Never longer
  // than max_delay.
  std::optional<std::chrono::seconds> delay_before(int64_t retry) const;
};

// What mail is tried with ("Customer managed endpoints"): for six hours.
std::optional<std::chrono::seconds> mail_delay_before(int64_t retry);

// Of a subscription over HTTP(S), or what a topic has for those without their own.
struct DeliveryPolicy {
  static constexpr std::string_view kContentType = "text/plain; charset=UTF-8";
  static constexpr int64_t kReceivesMax = 100'000;  // per second

  std::optional<RetryPolicy> retry = {};
  std::optional<int64_t> receives_max = {};  // per second
  std::string content_type = {};             // empty: kContentType
  bool overrides_disabled = false;           // a topic's: subscriptions' own do not count
};

// {"http":{"defaultHealthyRetryPolicy":{…},…}}. Reason InvalidParameter, with what follows
// "Invalid parameter: ".
Result<DeliveryPolicy> parse_topic_delivery_policy(std::string_view text);
// {"healthyRetryPolicy":{…},…}
Result<DeliveryPolicy> parse_subscription_delivery_policy(std::string_view text);

// The topic's and the subscription's together: what is set nowhere has its default. Texts that do
// not parse count as unset: they were checked when they were stored.
DeliveryPolicy effective_policy(std::string_view topic, std::string_view subscription);

// EffectiveDeliveryPolicy as answers have it.
json::Object render_topic_policy(const DeliveryPolicy& effective);
json::Object render_subscription_policy(const DeliveryPolicy& effective);

}  // namespace traccia::sns
