// Who is told of what is published to a topic.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "meta/database.h"
#include "os/os.h"
#include "sns/messages.h"
#include "sns/topics.h"

namespace traccia::sns {

inline constexpr int64_t kFilterPoliciesMax = 200;    // of a topic
inline constexpr int64_t kSubscriptionsMax = 10'000;  // of a topic; AWS has 12.5 million
// Of tokens, and of subscriptions that nobody confirms ("ConfirmSubscription").
inline constexpr std::chrono::hours kTokenLifetime{48};

enum class SubscriptionState : uint8_t {
  Pending = 0,    // nobody has confirmed it
  Confirmed = 1,  // it is delivered to
  Deleted = 2,    // its token brings it back
};

struct Subscription {
  int64_t id = 0;
  int64_t topic_id = 0;
  std::string topic_arn;
  std::string uuid;
  std::string owner;      // account
  std::string protocol;   // "sqs", "https"
  std::string endpoint;   // ARN of a queue, URL, address
  std::string principal;  // ARN of who subscribed
  SubscriptionState state = SubscriptionState::Pending;
  bool authenticated = false;  // whoever confirmed it had signed
  bool guarded = false;        // unsubscribing takes a signature
  Time changed;
  Attributes attributes;

  std::string arn() const { return topic_arn + ":" + uuid; }
  std::string attribute(std::string_view name) const;
  bool raw() const { return attribute("RawMessageDelivery") == "true"; }
  // Whether its filter policy lets the message through.
  bool takes(const Content& content) const;
  // ARN of the queue for what could not be delivered; empty: none.
  std::string dead_letter_arn() const;
};

struct SubscriptionCounts {
  int64_t confirmed = 0, pending = 0, deleted = 0;
};

// What a subscription's ARN names; nullopt for what is none.
struct SubscriptionName {
  std::string_view topic_arn, uuid;
};
std::optional<SubscriptionName> parse_subscription_arn(std::string_view arn);

// Thread-safe; state lives in the caller's transaction. Reasons of errors: InvalidParameter (with
// what follows "Invalid parameter: " as message), NotFound, SubscriptionLimitExceeded,
// FilterPolicyLimitExceeded.
class Subscriptions {
 public:
  explicit Subscriptions(os::Os os) : os_(os) {}

  struct Wanted {
    std::string owner, protocol, endpoint, principal;
    bool confirmed = false;  // nobody need be asked
    Attributes attributes = {};
  };
  struct Subscribed {
    Subscription subscription;
    std::string token = {};  // to be sent to the endpoint; empty: it is confirmed
  };
  // One that is there already is given, unless it differs in one of the attributes; while it waits
  // for its confirmation it gets another token.
  Result<Subscribed> subscribe(meta::Transaction& transaction, const Topic& topic,
                               const Wanted& wanted);
  // The pending, or deleted, subscription of that token becomes confirmed.
  Result<Subscription> confirm(meta::Transaction& transaction, const Topic& topic,
                               std::string_view token, bool authenticated, bool guarded);
  Result<std::optional<Subscription>> find(meta::Transaction& transaction, std::string_view arn);
  Result<std::optional<Subscription>> find_by_id(meta::Transaction& transaction, int64_t id);
  // Those of a topic that messages go to.
  Result<std::vector<Subscription>> confirmed(meta::Transaction& transaction, const Topic& topic);
  // By id, behind `after`, one more than `max`: of a topic, or of an account in a region.
  Result<std::vector<Subscription>> list(meta::Transaction& transaction, const Topic& topic,
                                         int64_t after, int64_t max);
  Result<std::vector<Subscription>> list(meta::Transaction& transaction, std::string_view owner,
                                         std::string_view region, int64_t after, int64_t max);
  Result<SubscriptionCounts> count(meta::Transaction& transaction, const Topic& topic);
  // An empty value takes the attribute away.
  Result<> set_attribute(meta::Transaction& transaction, Subscription& subscription,
                         std::string_view name, std::string_view value);
  // What has not been delivered goes too.
  Result<> remove(meta::Transaction& transaction, const Subscription& subscription);
  // It is not delivered to any more, and the token, which is returned, brings it back.
  Result<std::string> deactivate(meta::Transaction& transaction, Subscription& subscription);
  // Those that nobody confirmed in time.
  Result<> forget_expired(meta::Transaction& transaction);

 private:
  Result<> check_filters(meta::Transaction& transaction, int64_t topic, int64_t subscription);
  Result<std::string> give_token(meta::Transaction& transaction, const Subscription& subscription);

  os::Os os_;
};

}  // namespace traccia::sns
