// Reads, joins and shows delivery policies.
// SPDX-License-Identifier: Apache-2.0
#include "sns/delivery_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace traccia::sns {
namespace {

using std::chrono::seconds;

struct BackoffName {
  std::string_view name;
  Backoff backoff;
};
constexpr BackoffName kBackoffs[] = {{"linear", Backoff::Linear},
                                     {"arithmetic", Backoff::Arithmetic},
                                     {"geometric", Backoff::Geometric},
                                     {"exponential", Backoff::Exponential}};

std::unexpected<Error> invalid(std::string why) {
  return fail(ErrorCode::InvalidArgument, "InvalidParameter",
              fmt::format("DeliveryPolicy: {}", why));
}

// What is given, in bounds.
Result<> read_number(const json::Object& object, std::string_view name, int64_t min, int64_t max,
                     int64_t& out) {
  const auto* const value = json::find(object, name);
  if (value == nullptr || value->is_null()) return {};
  boost::system::error_code code;
  const auto number = value->is_number() ? value->to_number<int64_t>(code) : int64_t{-1};
  if (code || number < min || number > max) {
    return invalid(fmt::format("{} must be a number from {} to {}", name, min, max));
  }
  out = number;
  return {};
}

Result<Backoff> read_backoff(const json::Object& object) {
  const auto* const value = json::find(object, "backoffFunction");
  if (value == nullptr || value->is_null()) return Backoff::Linear;
  if (value->is_string()) {
    const auto* const at =
        std::ranges::find(kBackoffs, std::string_view(value->get_string()), &BackoffName::name);
    if (at != std::end(kBackoffs)) return at->backoff;
  }
  return invalid("backoffFunction must be one of linear, arithmetic, geometric, exponential");
}

Result<RetryPolicy> read_retry(const json::Object& object) {
  RetryPolicy out;
  constexpr auto kMost = RetryPolicy::kSecondsMax;
  TRY(read_number(object, "minDelayTarget", 1, kMost, out.min_delay));
  out.max_delay = std::max(out.max_delay, out.min_delay);
  TRY(read_number(object, "maxDelayTarget", 1, kMost, out.max_delay));
  TRY(read_number(object, "numRetries", 0, RetryPolicy::kRetriesMax, out.retries));
  TRY(read_number(object, "numNoDelayRetries", 0, out.retries, out.no_delay_retries));
  TRY(read_number(object, "numMinDelayRetries", 0, out.retries, out.min_delay_retries));
  TRY(read_number(object, "numMaxDelayRetries", 0, out.retries, out.max_delay_retries));
  TRY_ASSIGN(out.backoff, read_backoff(object));
  if (out.min_delay > out.max_delay) {
    // The default of 20 s must not stand in the way of a smaller maximum alone.
    if (json::find(object, "minDelayTarget") != nullptr) {
      return invalid("minDelayTarget must be less than or equal to maxDelayTarget");
    }
    out.min_delay = out.max_delay;
  }
  if (out.no_delay_retries + out.min_delay_retries + out.max_delay_retries > out.retries) {
    return invalid("numRetries must be at least the sum of the retries of all phases");
  }
  return out;
}

struct Names {
  std::string_view retry, throttle, request;
};
constexpr Names kOfTopic{"defaultHealthyRetryPolicy", "defaultThrottlePolicy",
                         "defaultRequestPolicy"};
constexpr Names kOfSubscription{"healthyRetryPolicy", "throttlePolicy", "requestPolicy"};

Result<const json::Object*> find_object(const json::Object& object, std::string_view name) {
  const auto* const value = json::find(object, name);
  if (value == nullptr || value->is_null()) return nullptr;
  if (!value->is_object()) return invalid(fmt::format("{} must be an object", name));
  return &value->get_object();
}

Result<DeliveryPolicy> read_policy(const json::Object& object, const Names& names) {
  DeliveryPolicy out;
  TRY_ASSIGN(const auto* const retry, find_object(object, names.retry));
  if (retry != nullptr) {
    TRY_ASSIGN(out.retry, read_retry(*retry));
  }
  TRY_ASSIGN(const auto* const throttle, find_object(object, names.throttle));
  if (throttle != nullptr) {
    int64_t most = 0;
    TRY(read_number(*throttle, "maxReceivesPerSecond", 1, DeliveryPolicy::kReceivesMax, most));
    if (most > 0) out.receives_max = most;
  }
  TRY_ASSIGN(const auto* const request, find_object(object, names.request));
  if (request != nullptr) {
    out.content_type = json::find_string(*request, "headerContentType");
    const bool characters = std::ranges::all_of(
        out.content_type, [](char c) { return c >= ' ' && static_cast<unsigned char>(c) < 127; });
    if (!characters || out.content_type.size() > 256) {
      return invalid("headerContentType is not a media type");
    }
  }
  return out;
}

Result<json::Object> parse_object(std::string_view text) {
  auto document = json::parse(text);
  if (!document)
    return invalid(fmt::format("failed to parse JSON. {}", document.error().message()));
  if (!document->is_object()) return invalid("must be a JSON object");
  return std::move(document->get_object());
}

// From 0 to 1 over the retries that grow.
double shape_of(Backoff backoff, double at, int64_t steps) {
  switch (backoff) {
    case Backoff::Linear:
    case Backoff::Geometric:
      return at / static_cast<double>(steps);
    case Backoff::Arithmetic:
      return at * (at + 1) / static_cast<double>(steps * (steps + 1));
    case Backoff::Exponential:
      return (std::exp2(at) - 1) / (std::exp2(static_cast<double>(steps)) - 1);
  }
  return 1;
}

json::Object render_retry(const RetryPolicy& retry) {
  const auto* const name = std::ranges::find(kBackoffs, retry.backoff, &BackoffName::backoff);
  return {{"minDelayTarget", retry.min_delay},
          {"maxDelayTarget", retry.max_delay},
          {"numRetries", retry.retries},
          {"numMaxDelayRetries", retry.max_delay_retries},
          {"numNoDelayRetries", retry.no_delay_retries},
          {"numMinDelayRetries", retry.min_delay_retries},
          {"backoffFunction", name->name}};
}

json::Object render_request(const DeliveryPolicy& policy) {
  return {{"headerContentType", policy.content_type}};
}

}  // namespace

std::optional<seconds> RetryPolicy::delay_before(int64_t retry) const {
  if (retry < 1 || retry > retries) return std::nullopt;
  if (retry <= no_delay_retries) return seconds(0);
  retry -= no_delay_retries;
  if (retry <= min_delay_retries) return seconds(min_delay);
  retry -= min_delay_retries;
  const auto growing = retries - no_delay_retries - min_delay_retries - max_delay_retries;
  if (retry > growing) return seconds(max_delay);
  if (growing == 1) return seconds(min_delay);
  const auto shape = shape_of(backoff, static_cast<double>(retry - 1), growing - 1);
  const auto from = static_cast<double>(min_delay);
  const auto to = static_cast<double>(max_delay);
  const auto delay = backoff == Backoff::Geometric ? from * std::pow(to / from, shape)
                                                   : from + (to - from) * shape;
  return seconds(std::llround(delay));
}

std::optional<seconds> mail_delay_before(int64_t retry) {
  constexpr RetryPolicy kMail{.min_delay = 10,
                              .max_delay = 600,
                              .retries = 50,
                              .min_delay_retries = 2,
                              .max_delay_retries = 38,
                              .backoff = Backoff::Exponential};
  return kMail.delay_before(retry);
}

Result<DeliveryPolicy> parse_topic_delivery_policy(std::string_view text) {
  TRY_ASSIGN(const auto object, parse_object(text));
  TRY_ASSIGN(const auto* const http, find_object(object, "http"));
  if (http == nullptr) return DeliveryPolicy{};
  TRY_ASSIGN(auto out, read_policy(*http, kOfTopic));
  const auto* const disabled = json::find(*http, "disableSubscriptionOverrides");
  if (disabled != nullptr && !disabled->is_bool()) {
    return invalid("disableSubscriptionOverrides must be true or false");
  }
  out.overrides_disabled = disabled != nullptr && disabled->get_bool();
  return out;
}

Result<DeliveryPolicy> parse_subscription_delivery_policy(std::string_view text) {
  TRY_ASSIGN(const auto object, parse_object(text));
  return read_policy(object, kOfSubscription);
}

DeliveryPolicy effective_policy(std::string_view topic, std::string_view subscription) {
  DeliveryPolicy out;
  if (auto of_topic = parse_topic_delivery_policy(topic)) out = std::move(*of_topic);
  if (!out.overrides_disabled) {
    if (auto own = parse_subscription_delivery_policy(subscription)) {
      if (own->retry) out.retry = own->retry;
      if (own->receives_max) out.receives_max = own->receives_max;
      if (!own->content_type.empty()) out.content_type = std::move(own->content_type);
    }
  }
  if (!out.retry) out.retry = RetryPolicy{};
  if (out.content_type.empty()) out.content_type = DeliveryPolicy::kContentType;
  return out;
}

json::Object render_topic_policy(const DeliveryPolicy& effective) {
  json::Object http{{"defaultHealthyRetryPolicy", render_retry(*effective.retry)},
                    {"disableSubscriptionOverrides", effective.overrides_disabled}};
  if (effective.receives_max) {
    http["defaultThrottlePolicy"] = json::Object{{"maxReceivesPerSecond", *effective.receives_max}};
  }
  http["defaultRequestPolicy"] = render_request(effective);
  return {{"http", std::move(http)}};
}

json::Object render_subscription_policy(const DeliveryPolicy& effective) {
  json::Object out{{"healthyRetryPolicy", render_retry(*effective.retry)},
                   {"sicklyRetryPolicy", nullptr},
                   {"throttlePolicy", nullptr}};
  if (effective.receives_max) {
    out["throttlePolicy"] = json::Object{{"maxReceivesPerSecond", *effective.receives_max}};
  }
  out["requestPolicy"] = render_request(effective);
  out["guaranteed"] = false;
  return out;
}

}  // namespace traccia::sns
