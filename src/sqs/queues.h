// Queues and their attributes, without a protocol. Source of the rules: "Amazon SQS API Reference"
// and "Amazon SQS quotas".
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "meta/database.h"
#include "os/os.h"

namespace traccia::sqs {

inline constexpr size_t kNameCharactersMax = 80;
inline constexpr int64_t kQueuesMax = 10'000;  // of an account and region; AWS has no such limit
inline constexpr int64_t kMessageBytesMax = 1 << 20;

// By name: "VisibilityTimeout" to "30".
using Attributes = std::map<std::string, std::string, std::less<>>;

struct QueueName {
  std::string_view account, region, name;
};

// Where messages go that were received too often.
struct Redrive {
  std::string dead_letter_arn;
  int64_t receives_max = 0;
};

struct Queue {
  int64_t id = 0;
  std::string account, region, name;
  Time created, modified;
  Attributes attributes;  // those that were set

  std::string arn() const;     // arn:aws:sqs:REGION:ACCOUNT:NAME
  std::string policy() const;  // empty: none
  std::string key() const;     // ARN of its KMS key; empty: none
  // Of a setting that is a number, its default where it was not set.
  int64_t number(std::string_view attribute) const;
  std::chrono::seconds seconds(std::string_view attribute) const {
    return std::chrono::seconds(number(attribute));
  }
  std::optional<Redrive> redrive() const;
};

// Thread-safe; state lives in the caller's transaction. Reasons of errors are SQS's names:
// QueueDoesNotExist, QueueNameExists, InvalidAttributeName, InvalidAttributeValue, OverLimit,
// UnsupportedOperation (FIFO), InvalidParameterValue (a name that is none).
class Queues {
 public:
  explicit Queues(os::Os os) : os_(os) {}

  // A queue that is there already is given, unless it differs in one of the attributes.
  Result<Queue> create(meta::Transaction& transaction, const QueueName& name,
                       const Attributes& attributes);
  Result<Queue> get(meta::Transaction& transaction, const QueueName& name);
  Result<std::optional<Queue>> find(meta::Transaction& transaction, const QueueName& name);
  // By ARN; nullopt for what names no queue.
  Result<std::optional<Queue>> find_by_arn(meta::Transaction& transaction, std::string_view arn);
  // Those whose names begin so, in the order of their names, behind `after`; one more than `max`
  // tells that there are more.
  Result<std::vector<Queue>> list(meta::Transaction& transaction, const QueueName& prefix,
                                  std::string_view after, int64_t max);
  // Those that give up their messages to this one.
  Result<std::vector<Queue>> sources_of(meta::Transaction& transaction, const Queue& queue);
  // Empty values take an attribute away.
  Result<> set_attributes(meta::Transaction& transaction, Queue& queue,
                          const Attributes& attributes);
  // Its messages go too.
  Result<> remove(meta::Transaction& transaction, const Queue& queue);

 private:
  Result<> check(meta::Transaction& transaction, const Queue& queue, const Attributes& attributes);

  os::Os os_;
};

}  // namespace traccia::sqs
