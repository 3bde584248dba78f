// The store of deliveries.
// SPDX-License-Identifier: Apache-2.0
#include "sns/outgoing.h"

#include <fmt/format.h>

#include <algorithm>

namespace traccia::sns {
namespace {

constexpr std::string_view kColumns =
    "SELECT d.id, d.message, d.subscription, d.attempts, m.uuid, m.kind, m.published, m.content, "
    "m.key, m.data_key FROM topic_deliveries d JOIN topic_messages m ON m.id = d.message ";

Delivery read(const meta::Row& row) {
  Delivery out;
  out.id = row.integer(0);
  out.message = row.integer(1);
  out.subscription = row.integer(2);
  out.attempts = row.integer(3);
  out.stored = {.uuid = row.text(4),
                .kind = static_cast<MessageKind>(row.integer(5)),
                .published = from_unix_nanoseconds(row.integer(6)),
                .content = row.text(7),
                .key = row.text(8),
                .data_key = row.text(9)};
  return out;
}

Result<> check_room(meta::Transaction& transaction, const Topic& topic) {
  bool full = false;
  TRY(transaction.query("SELECT 1 FROM topic_deliveries WHERE topic = ? LIMIT 1 OFFSET ?",
                        {topic.id, kOutstandingMax - 1}, [&](const meta::Row&) -> Result<> {
                          full = true;
                          return {};
                        }));
  if (!full) return {};
  return fail(ErrorCode::FailedPrecondition, "Throttling",
              fmt::format("Rate exceeded: {} deliveries of the topic wait for its subscribers",
                          kOutstandingMax));
}

}  // namespace

std::string data_key_context(const StoredMessage& message) {
  return fmt::format("sns-message/{}", message.uuid);
}

Channel channel_of(std::string_view protocol) {
  return protocol == "sqs" ? Channel::Queue : Channel::Push;
}

Result<> Outgoing::add(meta::Transaction& transaction, const Topic& topic,
                       const StoredMessage& message,
                       const std::vector<Subscription>& subscriptions) {
  if (subscriptions.empty()) return {};
  TRY(check_room(transaction, topic));
  TRY(transaction.execute(
      "INSERT INTO topic_messages (topic, uuid, kind, published, content, key, data_key) VALUES "
      "(?, ?, ?, ?, ?, ?, ?)",
      {topic.id, message.uuid, static_cast<int64_t>(message.kind),
       to_unix_nanoseconds(message.published), meta::Blob{message.content}, message.key,
       meta::Blob{message.data_key}}));
  const auto id = transaction.last_insert_id();
  const auto due = to_unix_nanoseconds(os_.clock.now());
  for (const auto& subscription : subscriptions) {
    TRY(transaction.execute(
        "INSERT INTO topic_deliveries (message, topic, subscription, channel, attempts, due) "
        "VALUES (?, ?, ?, ?, 0, ?)",
        {id, topic.id, subscription.id, static_cast<int64_t>(channel_of(subscription.protocol)),
         due}));
  }
  return {};
}

Result<std::vector<Delivery>> Outgoing::due_to_queues(meta::Transaction& transaction, int64_t max) {
  std::vector<Delivery> out;
  TRY(transaction.query(
      fmt::format("{}WHERE d.channel = 0 AND d.due <= ? ORDER BY d.due, d.id LIMIT ?", kColumns),
      {to_unix_nanoseconds(os_.clock.now()), max}, [&](const meta::Row& row) -> Result<> {
        out.push_back(read(row));
        return {};
      }));
  return out;
}

Result<std::optional<Delivery>> Outgoing::due_push(meta::Transaction& transaction,
                                                   const std::vector<int64_t>& busy) {
  // The subscription whose delivery has been due for longest, of those that nobody works for.
  int64_t subscription = 0;
  TRY(transaction.query(
      "SELECT subscription, min(due) FROM topic_deliveries WHERE channel = 1 AND due <= ? GROUP BY "
      "subscription ORDER BY 2",
      {to_unix_nanoseconds(os_.clock.now())}, [&](const meta::Row& row) -> Result<> {
        if (subscription == 0 && std::ranges::find(busy, row.integer(0)) == busy.end()) {
          subscription = row.integer(0);
        }
        return {};
      }));
  std::optional<Delivery> out;
  if (subscription == 0) return out;
  TRY(transaction.query(
      fmt::format("{}WHERE d.subscription = ? ORDER BY d.due, d.id LIMIT 1", kColumns),
      {subscription}, [&](const meta::Row& row) -> Result<> {
        out = read(row);
        return {};
      }));
  return out;
}

Result<bool> Outgoing::exists(meta::Transaction& transaction, const Delivery& delivery) {
  bool found = false;
  TRY(transaction.query("SELECT 1 FROM topic_deliveries WHERE id = ?", {delivery.id},
                        [&](const meta::Row&) -> Result<> {
                          found = true;
                          return {};
                        }));
  return found;
}

Result<> Outgoing::finish(meta::Transaction& transaction, const Delivery& delivery) {
  TRY(transaction.execute("DELETE FROM topic_deliveries WHERE id = ?", {delivery.id}));
  return {};
}

Result<> Outgoing::retry(meta::Transaction& transaction, const Delivery& delivery, Time due) {
  TRY(
      transaction.execute("UPDATE topic_deliveries SET attempts = attempts + 1, due = ? WHERE id = "
                          "?",
                          {to_unix_nanoseconds(due), delivery.id}));
  return {};
}

void Outgoing::wake() {
  const MutexLock lock(mutex_);
  ++changes_;
  changed_.notify_all();
}

uint64_t Outgoing::changes() const {
  const MutexLock lock(mutex_);
  return changes_;
}

void Outgoing::wait(uint64_t seen, Duration timeout) {
  const MutexLock lock(mutex_);
  if (changes_ == seen) changed_.wait_for(mutex_, timeout);
}

}  // namespace traccia::sns
