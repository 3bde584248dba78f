// Messages of queues: sent, received for a while, deleted or given up.
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
#include "json/json.h"
#include "meta/database.h"
#include "os/os.h"
#include "sqs/queues.h"

namespace traccia::sqs {

inline constexpr int64_t kInFlightMax = 120'000;  // of a queue ("Amazon SQS message quotas")
inline constexpr int64_t kReceivedMax = 10;       // messages in one answer
inline constexpr size_t kMessageAttributesMax = 10;

// What a message rests under where its queue has a key of KMS.
struct Sealing {
  std::string key_arn;
  std::string context;        // ARN of the queue that it was sent to
  std::string sealed_key;     // the data key, as KMS gave it
  std::string data_key = {};  // 32 bytes; not stored
};

struct NewMessage {
  std::string body;
  // NAME: {"DataType":…,"StringValue":…} or {…,"BinaryValue":…}, as on the wire; checked by
  // check_message.
  json::Object attributes = {};
  json::Object system_attributes = {};
  std::optional<std::chrono::seconds> delay = {};  // the queue's when absent
  std::string sender = {};                         // principal id
  std::optional<Sealing> sealing = {};
};

struct Sent {
  std::string id;
};

struct Received {
  std::string id;
  std::string receipt_handle;
  std::string body;
  json::Object attributes, system_attributes;
  std::string sender;
  Time sent, first_received;
  int64_t receives = 0;
  std::string source;  // ARN of the queue that gave it up; empty: none
  // Of a sealed message: until unseal(), its body is sealed, and its attributes are here.
  std::optional<Sealing> sealing = {};
  std::string sealed_attributes = {};
};
// With the data key in `sealing`. DataLoss when it is another one.
Result<> unseal(Received& message);

struct Counts {
  int64_t visible = 0, in_flight = 0, delayed = 0;
};

// Size as the quota counts it: body, and names, types and values of attributes.
size_t message_bytes(const NewMessage& message);
// Reasons: InvalidMessageContents (characters XML cannot hold), InvalidParameterValue (too long for
// the queue, empty, attributes that are none or too many).
Result<> check_message(const Queue& queue, const NewMessage& message);
// MD5 of attributes as clients compute it ("Calculating the MD5 message digest for message
// attributes"), in hexadecimal digits. Empty without attributes.
std::string md5_of_attributes(const json::Object& attributes);

// Thread-safe; state lives in the caller's transaction, so what is sent or received is durable when
// that is. Reasons of errors: ReceiptHandleIsInvalid, MessageNotInflight, InvalidParameterValue,
// OverLimit.
class Messages {
 public:
  Messages(os::Os os, Queues& queues) : os_(os), queues_(queues) {}

  // The message must have passed check_message.
  Result<Sent> send(meta::Transaction& transaction, const Queue& queue, const NewMessage& message);
  // Up to `max` visible messages, about in their order; each is invisible for `visibility` from
  // now. What was received as often as the redrive policy lets goes to its queue instead.
  Result<std::vector<Received>> receive(meta::Transaction& transaction, const Queue& queue,
                                        int64_t max, std::chrono::seconds visibility);
  // Nothing happens for a message that is gone, or was received once more since.
  Result<> remove(meta::Transaction& transaction, const Queue& queue,
                  std::string_view receipt_handle);
  Result<> change_visibility(meta::Transaction& transaction, const Queue& queue,
                             std::string_view receipt_handle, std::chrono::seconds visibility);
  Result<> purge(meta::Transaction& transaction, const Queue& queue);
  Result<Counts> count(meta::Transaction& transaction, const Queue& queue);
  // Whether receive() could give something now, or hand it to the queue for dead letters; changes
  // nothing. True also for a queue that is gone: whoever waits for it shall learn so.
  Result<bool> has_visible(meta::Transaction& transaction, int64_t queue_id);

 private:
  struct Stored;
  Result<> forget_old(meta::Transaction& transaction, const Queue& queue, Time now);
  Result<> insert(meta::Transaction& transaction, int64_t queue, const Stored& message);
  Result<std::vector<Stored>> select_visible(meta::Transaction& transaction, const Queue& queue,
                                             Time now, int64_t max);
  Result<bool> give_up(meta::Transaction& transaction, const Queue& queue, const Stored& message);

  os::Os os_;
  Queues& queues_;
};

}  // namespace traccia::sqs
