// The store of subscriptions.
// SPDX-License-Identifier: Apache-2.0
#include "sns/subscriptions.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "json/json.h"
#include "sns/delivery_policy.h"
#include "sns/filter_policy.h"

namespace traccia::sns {
namespace {

constexpr size_t kTokenBytes = 64;
constexpr size_t kEndpointBytesMax = 2048;

std::unexpected<Error> invalid(std::string message) {
  return fail(ErrorCode::InvalidArgument, "InvalidParameter", std::move(message));
}

bool is_http(std::string_view protocol) {
  return protocol == "http" || protocol == "https";
}

// {"deadLetterTargetArn":"arn:aws:sqs:…"}
Result<std::string> parse_redrive(std::string_view text) {
  const auto document = json::parse(text);
  if (!document || !document->is_object()) {
    return invalid(fmt::format("RedrivePolicy: failed to parse JSON. {}",
                               document ? "It must be an object." : document.error().message()));
  }
  std::string arn(json::find_string(document->get_object(), "deadLetterTargetArn"));
  if (!arn.starts_with("arn:aws:sqs:") || std::ranges::count(arn, ':') != 5) {
    return invalid("RedrivePolicy: deadLetterTargetArn is an invalid arn");
  }
  return arn;
}

// As they would be with that value.
Result<> check_filter(const Subscription& subscription, std::string_view name,
                      std::string_view value) {
  const auto of = [&](std::string_view one) {
    return one == name ? std::string(value) : subscription.attribute(one);
  };
  const auto scope_text = of("FilterPolicyScope");
  const auto scope = parse_filter_scope(scope_text);
  if (!scope) {
    return invalid(
        fmt::format("FilterPolicyScope: Invalid value [{}]. Please use either MessageBody or "
                    "MessageAttributes",
                    scope_text.substr(0, 64)));
  }
  const auto policy = of("FilterPolicy");
  if (!policy.empty()) TRY(FilterPolicy::parse(policy, *scope));
  return {};
}

// Values that are not empty.
Result<> check_attribute(const Subscription& subscription, std::string_view name,
                         std::string_view value) {
  if (name == "FilterPolicy" || name == "FilterPolicyScope") {
    return check_filter(subscription, name, value);
  }
  if (name == "RawMessageDelivery") {
    if (value != "true" && value != "false") {
      return invalid(fmt::format("RawMessageDelivery: Invalid value [{}]. Must be true or false.",
                                 value.substr(0, 64)));
    }
    if (value == "true" && subscription.protocol.starts_with("email")) {
      return invalid("RawMessageDelivery: Delivery protocol [" + subscription.protocol +
                     "] does not support raw message delivery.");
    }
    return {};
  }
  if (name == "RedrivePolicy") {
    TRY_ASSIGN(const auto arn, parse_redrive(value));
    const auto name_of_topic = parse_topic_arn(subscription.topic_arn);
    const auto place = fmt::format("arn:aws:sqs:{}:{}:", name_of_topic->region, subscription.owner);
    if (!arn.starts_with(place)) {
      return invalid(
          "RedrivePolicy: deadLetterTargetArn must be a queue of the subscription's account and "
          "region");
    }
    return {};
  }
  if (name == "DeliveryPolicy") {
    if (!is_http(subscription.protocol)) {
      return invalid("DeliveryPolicy: Only HTTP/S subscriptions have delivery policies");
    }
    TRY(parse_subscription_delivery_policy(value));
    return {};
  }
  return invalid("AttributeName");
}

constexpr std::string_view kColumns =
    "SELECT s.id, s.topic, t.region, t.account, t.name, s.uuid, s.owner, s.protocol, s.endpoint, "
    "s.principal, s.state, s.authenticated, s.guarded, s.changed, s.attributes FROM "
    "topic_subscriptions s JOIN topics t ON t.id = s.topic WHERE ";

Result<Subscription> read(const meta::Row& row) {
  Subscription out;
  out.id = row.integer(0);
  out.topic_id = row.integer(1);
  out.topic_arn = topic_arn({row.view(3), row.view(2), row.view(4)});
  out.uuid = row.text(5);
  out.owner = row.text(6);
  out.protocol = row.text(7);
  out.endpoint = row.text(8);
  out.principal = row.text(9);
  out.state = static_cast<SubscriptionState>(row.integer(10));
  out.authenticated = row.integer(11) != 0;
  out.guarded = row.integer(12) != 0;
  out.changed = from_unix_nanoseconds(row.integer(13));
  TRY_ASSIGN(out.attributes, decode_attributes(row.view(14)));
  return out;
}

Result<std::vector<Subscription>> read_all(meta::Transaction& transaction, std::string_view where,
                                           const std::vector<meta::Argument>& arguments) {
  std::vector<Subscription> out;
  TRY(transaction.query(fmt::format("{}{}", kColumns, where), arguments,
                        [&](const meta::Row& row) -> Result<> {
                          TRY_ASSIGN(auto subscription, read(row));
                          out.push_back(std::move(subscription));
                          return {};
                        }));
  return out;
}

Result<std::optional<Subscription>> read_one(meta::Transaction& transaction, std::string_view where,
                                             const std::vector<meta::Argument>& arguments) {
  TRY_ASSIGN(auto found, read_all(transaction, where, arguments));
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

// What was set and what would be, as one value where their spelling differs.
std::string normal(std::string_view value) {
  const auto document = json::parse(value);
  return document ? json::serialize(*document) : std::string(value);
}

int64_t number(SubscriptionState state) {
  return static_cast<int64_t>(state);
}

bool differs(const Subscription& subscription, const Attributes& attributes) {
  return std::ranges::any_of(attributes, [&](const auto& one) {
    auto has = subscription.attribute(one.first);
    if (has.empty() && one.first == "RawMessageDelivery") has = "false";
    return normal(has) != normal(one.second);
  });
}

}  // namespace

std::string Subscription::attribute(std::string_view name) const {
  const auto at = attributes.find(name);
  return at == attributes.end() ? "" : at->second;
}

bool Subscription::takes(const Content& content) const {
  const auto text = attribute("FilterPolicy");
  if (text.empty()) return true;
  const auto scope = parse_filter_scope(attribute("FilterPolicyScope"));
  if (!scope) return false;
  const auto policy = FilterPolicy::parse(text, *scope);  // checked when it was set
  return policy && policy->takes(content, protocol);
}

std::string Subscription::dead_letter_arn() const {
  const auto at = attributes.find("RedrivePolicy");
  if (at == attributes.end()) return "";
  return parse_redrive(at->second).value_or("");  // checked when it was set
}

std::optional<SubscriptionName> parse_subscription_arn(std::string_view arn) {
  const auto colon = arn.rfind(':');
  if (colon == arn.npos || !parse_topic_arn(arn.substr(0, colon))) return std::nullopt;
  return SubscriptionName{arn.substr(0, colon), arn.substr(colon + 1)};
}

Result<std::string> Subscriptions::give_token(meta::Transaction& transaction,
                                              const Subscription& subscription) {
  auto token = hex_encode(os_.random.bytes(kTokenBytes));
  TRY(transaction.execute(
      "UPDATE topic_subscriptions SET token = ?, changed = ? WHERE id = ?",
      {crypto::sha256_hex(token), to_unix_nanoseconds(os_.clock.now()), subscription.id}));
  return token;
}

Result<Subscriptions::Subscribed> Subscriptions::subscribe(meta::Transaction& transaction,
                                                           const Topic& topic,
                                                           const Wanted& wanted) {
  TRY(forget_expired(transaction));
  if (wanted.endpoint.empty() || wanted.endpoint.size() > kEndpointBytesMax) {
    return invalid("Endpoint");
  }
  Subscribed out;
  auto& made = out.subscription;
  made.topic_id = topic.id;
  made.topic_arn = topic.arn();
  made.owner = wanted.owner;
  made.protocol = wanted.protocol;
  made.endpoint = wanted.endpoint;
  made.principal = wanted.principal;
  // In the order of names a policy comes before its scope, which decides what it may say.
  if (const auto scope = wanted.attributes.find("FilterPolicyScope");
      scope != wanted.attributes.end()) {
    made.attributes.insert(*scope);
  }
  for (const auto& [name, value] : wanted.attributes) {
    TRY(check_attribute(made, name, value));
    made.attributes.emplace(name, value);
  }
  TRY_ASSIGN(
      auto found,
      read_one(transaction, "s.topic = ? AND s.owner = ? AND s.protocol = ? AND s.endpoint = ?",
               {topic.id, wanted.owner, wanted.protocol, wanted.endpoint}));
  if (found && found->state != SubscriptionState::Deleted) {
    if (differs(*found, wanted.attributes)) {
      return invalid("Attributes Reason: Subscription already exists with different attributes");
    }
    made = std::move(*found);
    if (made.state == SubscriptionState::Pending) {
      TRY_ASSIGN(out.token, give_token(transaction, made));
    }
    return out;
  }
  if (found) TRY(remove(transaction, *found));
  TRY_ASSIGN(const auto counts, count(transaction, topic));
  if (counts.confirmed + counts.pending + counts.deleted >= kSubscriptionsMax) {
    return fail(ErrorCode::FailedPrecondition, "SubscriptionLimitExceeded",
                fmt::format("A topic can have {} subscriptions.", kSubscriptionsMax));
  }
  if (!made.attribute("FilterPolicy").empty()) TRY(check_filters(transaction, topic.id, 0));
  made.uuid = os_.random.uuid();
  made.state = wanted.confirmed ? SubscriptionState::Confirmed : SubscriptionState::Pending;
  made.authenticated = wanted.confirmed;
  made.guarded = wanted.confirmed;
  made.changed = os_.clock.now();
  TRY(transaction.execute(
      "INSERT INTO topic_subscriptions (topic, uuid, owner, protocol, endpoint, principal, state, "
      "authenticated, guarded, token, changed, attributes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '', "
      "?, ?)",
      {topic.id, made.uuid, made.owner, made.protocol, made.endpoint, made.principal,
       number(made.state), int64_t{made.authenticated}, int64_t{made.guarded},
       to_unix_nanoseconds(made.changed), encode(made.attributes)}));
  made.id = transaction.last_insert_id();
  if (!wanted.confirmed) {
    TRY_ASSIGN(out.token, give_token(transaction, made));
  }
  return out;
}

// Of the topic's others.
Result<> Subscriptions::check_filters(meta::Transaction& transaction, int64_t topic,
                                      int64_t subscription) {
  int64_t filters = 0;
  TRY(
      transaction.query("SELECT count(*) FROM topic_subscriptions WHERE topic = ? AND id <> ? AND "
                        "json_extract(attributes, '$.FilterPolicy') IS NOT NULL",
                        {topic, subscription}, [&](const meta::Row& row) -> Result<> {
                          filters = row.integer(0);
                          return {};
                        }));
  if (filters < kFilterPoliciesMax) return {};
  return fail(ErrorCode::FailedPrecondition, "FilterPolicyLimitExceeded",
              fmt::format("A topic can have {} filter policies.", kFilterPoliciesMax));
}

Result<Subscription> Subscriptions::confirm(meta::Transaction& transaction, const Topic& topic,
                                            std::string_view token, bool authenticated,
                                            bool guarded) {
  const bool hexadecimal =
      token.size() == 2 * kTokenBytes && token.find_first_not_of("0123456789abcdef") == token.npos;
  if (!hexadecimal) return invalid("Token");
  TRY(forget_expired(transaction));
  TRY_ASSIGN(auto found, read_one(transaction, "s.topic = ? AND s.token = ?",
                                  {topic.id, crypto::sha256_hex(token)}));
  if (!found) return invalid("Invalid token");
  // A token confirms as often as it comes, but gives nobody's choice back.
  if (found->state == SubscriptionState::Confirmed) return std::move(*found);
  found->state = SubscriptionState::Confirmed;
  found->authenticated = authenticated;
  found->guarded = guarded;
  found->changed = os_.clock.now();
  TRY(transaction.execute(
      "UPDATE topic_subscriptions SET state = ?, authenticated = ?, guarded = ?, changed = ? WHERE "
      "id = ?",
      {number(found->state), int64_t{authenticated}, int64_t{guarded},
       to_unix_nanoseconds(found->changed), found->id}));
  return std::move(*found);
}

Result<std::optional<Subscription>> Subscriptions::find(meta::Transaction& transaction,
                                                        std::string_view arn) {
  const auto name = parse_subscription_arn(arn);
  if (!name) return std::nullopt;
  TRY_ASSIGN(auto found, read_one(transaction, "s.uuid = ?", {name->uuid}));
  if (!found || found->topic_arn != name->topic_arn) return std::nullopt;
  return found;
}

Result<std::optional<Subscription>> Subscriptions::find_by_id(meta::Transaction& transaction,
                                                              int64_t id) {
  return read_one(transaction, "s.id = ?", {id});
}

Result<std::vector<Subscription>> Subscriptions::confirmed(meta::Transaction& transaction,
                                                           const Topic& topic) {
  return read_all(transaction, "s.topic = ? AND s.state = ? ORDER BY s.id",
                  {topic.id, number(SubscriptionState::Confirmed)});
}

Result<std::vector<Subscription>> Subscriptions::list(meta::Transaction& transaction,
                                                      const Topic& topic, int64_t after,
                                                      int64_t max) {
  return read_all(transaction, "s.topic = ? AND s.id > ? ORDER BY s.id LIMIT ?",
                  {topic.id, after, max + 1});
}

Result<std::vector<Subscription>> Subscriptions::list(meta::Transaction& transaction,
                                                      std::string_view owner,
                                                      std::string_view region, int64_t after,
                                                      int64_t max) {
  return read_all(transaction, "s.owner = ? AND t.region = ? AND s.id > ? ORDER BY s.id LIMIT ?",
                  {owner, region, after, max + 1});
}

Result<SubscriptionCounts> Subscriptions::count(meta::Transaction& transaction,
                                                const Topic& topic) {
  SubscriptionCounts out;
  TRY(transaction.query(
      "SELECT coalesce(sum(state = 1), 0), coalesce(sum(state = 0), 0), coalesce(sum(state = 2), "
      "0) FROM topic_subscriptions WHERE topic = ?",
      {topic.id}, [&](const meta::Row& row) -> Result<> {
        out = {row.integer(0), row.integer(1), row.integer(2)};
        return {};
      }));
  return out;
}

Result<> Subscriptions::set_attribute(meta::Transaction& transaction, Subscription& subscription,
                                      std::string_view name, std::string_view value) {
  const bool removable =
      name == "RedrivePolicy" || name == "DeliveryPolicy" || name == "FilterPolicy";
  if (!value.empty() || !removable) TRY(check_attribute(subscription, name, value));
  if (name == "FilterPolicy" && !value.empty()) {
    TRY(check_filters(transaction, subscription.topic_id, subscription.id));
  }
  if (value.empty()) {
    subscription.attributes.erase(std::string(name));
  } else {
    subscription.attributes.insert_or_assign(std::string(name), std::string(value));
  }
  TRY(transaction.execute("UPDATE topic_subscriptions SET attributes = ? WHERE id = ?",
                          {encode(subscription.attributes), subscription.id}));
  return {};
}

Result<> Subscriptions::remove(meta::Transaction& transaction, const Subscription& subscription) {
  TRY(transaction.execute("DELETE FROM topic_subscriptions WHERE id = ?", {subscription.id}));
  return {};
}

Result<std::string> Subscriptions::deactivate(meta::Transaction& transaction,
                                              Subscription& subscription) {
  subscription.state = SubscriptionState::Deleted;
  TRY(transaction.execute("UPDATE topic_subscriptions SET state = ? WHERE id = ?",
                          {number(subscription.state), subscription.id}));
  TRY(transaction.execute("DELETE FROM topic_deliveries WHERE subscription = ?",
                          {subscription.id}));
  return give_token(transaction, subscription);
}

Result<> Subscriptions::forget_expired(meta::Transaction& transaction) {
  TRY(transaction.execute("DELETE FROM topic_subscriptions WHERE state <> 1 AND changed <= ?",
                          {to_unix_nanoseconds(os_.clock.now() - kTokenLifetime)}));
  return {};
}

}  // namespace traccia::sns
