// Messages on their way: what was published, and to whom it has not been delivered yet.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"
#include "base/time.h"
#include "meta/database.h"
#include "os/os.h"
#include "sns/messages.h"
#include "sns/subscriptions.h"
#include "sns/topics.h"

namespace traccia::sns {

inline constexpr int64_t kOutstandingMax = 100'000;  // deliveries of a topic

// What carries a delivery: queues are of this process, what is pushed goes out to somewhere.
enum class Channel : uint8_t { Queue = 0, Push = 1 };
Channel channel_of(std::string_view protocol);

// A message at rest.
struct StoredMessage {
  std::string uuid;
  MessageKind kind = MessageKind::Notification;
  Time published;
  std::string content;        // encode_content(), sealed with the data key where there is a key
  std::string key = {};       // ARN of the KMS key; empty: not sealed
  std::string data_key = {};  // sealed, context data_key_context()
};
std::string data_key_context(const StoredMessage& message);

struct Delivery {
  int64_t id = 0;
  int64_t message = 0;  // equal for all subscribers of a message
  int64_t subscription = 0;
  int64_t attempts = 0;  // that failed
  StoredMessage stored;
};

// Thread-safe; state lives in the caller's transaction: deliveries commit with what is published. A
// message goes when its last delivery does.
class Outgoing {
 public:
  explicit Outgoing(os::Os os) : os_(os) {}

  // Stores the message for those subscriptions; for none, nothing. Reason Throttling when
  // kOutstandingMax deliveries of the topic wait.
  Result<> add(meta::Transaction& transaction, const Topic& topic, const StoredMessage& message,
               const std::vector<Subscription>& subscriptions);
  // Those due by now, the longest due first. Of pushes one for each subscription, without those
  // that are named.
  Result<std::vector<Delivery>> due_to_queues(meta::Transaction& transaction, int64_t max);
  Result<std::optional<Delivery>> due_push(meta::Transaction& transaction,
                                           const std::vector<int64_t>& busy);
  // Whether it is still to be made: its subscription may have gone since it was read.
  Result<bool> exists(meta::Transaction& transaction, const Delivery& delivery);
  // Delivered, or given up.
  Result<> finish(meta::Transaction& transaction, const Delivery& delivery);
  Result<> retry(meta::Transaction& transaction, const Delivery& delivery, Time due);

  // Something may have become due.
  void wake();
  // Until wake() was called since changes() gave `seen`, or the time is over.
  uint64_t changes() const;
  void wait(uint64_t seen, Duration timeout);

 private:
  os::Os os_;
  mutable Mutex mutex_;
  Condition changed_;
  uint64_t changes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace traccia::sns
