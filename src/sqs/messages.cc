// The life of messages.
// SPDX-License-Identifier: Apache-2.0
#include "sqs/messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/bytes.h"
#include "crypto/crypto.h"

namespace traccia::sqs {
namespace {

constexpr size_t kReceiptBytes = 12;
constexpr size_t kHandleBytesMax = 1024;
constexpr std::chrono::seconds kPurgeInterval{60};  // "PurgeQueue"

int64_t nanoseconds(std::chrono::seconds seconds) {
  return std::chrono::nanoseconds(seconds).count();
}

// What a receipt handle names.
struct Handle {
  int64_t queue = 0, number = 0;
  std::string receipt;
};

std::string encode_handle(const Handle& handle) {
  return base64_encode(fmt::format("{}:{}:{}", handle.queue, handle.number, handle.receipt));
}

std::optional<int64_t> take_number(std::string_view& text) {
  const auto end = text.find(':');
  if (end == text.npos) return std::nullopt;
  int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + end, number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + end) return std::nullopt;
  text.remove_prefix(end + 1);
  return number;
}

Result<Handle> decode_handle(const Queue& queue, std::string_view text) {
  const auto decoded = text.size() > kHandleBytesMax ? std::nullopt : [&] {
    auto bytes = base64_decode(text);
    return bytes ? std::optional(std::move(*bytes)) : std::nullopt;
  }();
  if (decoded) {
    std::string_view rest = *decoded;
    const auto id = take_number(rest);
    const auto number = take_number(rest);
    if (id == queue.id && number && rest.size() == 2 * kReceiptBytes) {
      return Handle{*id, *number, std::string(rest)};
    }
  }
  return fail(ErrorCode::InvalidArgument, "ReceiptHandleIsInvalid",
              fmt::format("The input receipt handle \"{}\" is not a valid receipt handle.",
                          text.substr(0, 128)));
}

std::string body_context(std::string_view id) {
  return fmt::format("sqs-body/{}", id);
}
std::string attributes_context(std::string_view id) {
  return fmt::format("sqs-attributes/{}", id);
}

std::string encode(const Sealing& sealing) {
  return json::serialize(json::Object{{"key", sealing.key_arn},
                                      {"context", sealing.context},
                                      {"dataKey", base64_encode(sealing.sealed_key)}});
}

Result<Sealing> decode_sealing(std::string_view text) {
  TRY_ASSIGN(const auto document, json::parse(text));
  const auto& object = document.as_object();
  TRY_ASSIGN(auto sealed_key, base64_decode(json::find_string(object, "dataKey")));
  return Sealing{.key_arn = std::string(json::find_string(object, "key")),
                 .context = std::string(json::find_string(object, "context")),
                 .sealed_key = std::move(sealed_key)};
}

// Body and system attributes out of what is stored.
Result<> read_attributes(std::string_view text, Received& message) {
  TRY_ASSIGN(const auto attributes, json::parse(text));
  message.attributes = attributes.as_object().at("message").as_object();
  message.system_attributes = attributes.as_object().at("system").as_object();
  return {};
}

}  // namespace

Result<> unseal(Received& message) {
  const auto& key = message.sealing->data_key;
  TRY_ASSIGN(const auto body, base64_decode(message.body));
  TRY_ASSIGN(message.body, crypto::open_sealed(key, body, body_context(message.id)));
  TRY_ASSIGN(const auto sealed, base64_decode(message.sealed_attributes));
  TRY_ASSIGN(const auto text, crypto::open_sealed(key, sealed, attributes_context(message.id)));
  TRY(read_attributes(text, message));
  message.sealing.reset();
  message.sealed_attributes.clear();
  return {};
}

struct Messages::Stored {
  int64_t number = 0;
  std::string id, body, attributes, sender;
  int64_t sent = 0, visible = 0, receives = 0, received = 0;
  std::string receipt, source, sealing;
};

Result<> Messages::forget_old(meta::Transaction& transaction, const Queue& queue, Time now) {
  const auto oldest =
      to_unix_nanoseconds(now) - nanoseconds(queue.seconds("MessageRetentionPeriod"));
  TRY(transaction.execute("DELETE FROM queue_messages WHERE queue = ? AND sent <= ?",
                          {queue.id, oldest}));
  return {};
}

Result<> Messages::insert(meta::Transaction& transaction, int64_t queue, const Stored& message) {
  TRY(transaction.execute(
      "INSERT INTO queue_messages (queue, number, id, body, attributes, sender, sent, visible, "
      "receives, received, receipt, source, sealing) VALUES (?1, (SELECT coalesce(max(number), 0) "
      "+ 1 FROM "
      "queue_messages WHERE queue = ?1), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, '', ?10, ?11)",
      {queue, message.id, message.body, message.attributes, message.sender, message.sent,
       message.visible, message.receives, message.received, message.source, message.sealing}));
  return {};
}

Result<Sent> Messages::send(meta::Transaction& transaction, const Queue& queue,
                            const NewMessage& message) {
  const auto now = os_.clock.now();
  const auto delay = message.delay.value_or(queue.seconds("DelaySeconds"));
  Stored stored;
  stored.id = os_.random.uuid();
  stored.body = message.body;
  stored.attributes = json::serialize(
      json::Object{{"message", message.attributes}, {"system", message.system_attributes}});
  if (const auto& sealing = message.sealing) {
    const auto& key = sealing->data_key;
    stored.body = base64_encode(crypto::seal(key, stored.body, body_context(stored.id)));
    stored.attributes =
        base64_encode(crypto::seal(key, stored.attributes, attributes_context(stored.id)));
    stored.sealing = encode(*sealing);
  }
  stored.sender = message.sender;
  stored.sent = to_unix_nanoseconds(now);
  stored.visible = stored.sent + nanoseconds(delay);
  TRY(insert(transaction, queue.id, stored));
  return Sent{stored.id};
}

Result<std::vector<Messages::Stored>> Messages::select_visible(meta::Transaction& transaction,
                                                               const Queue& queue, Time now,
                                                               int64_t max) {
  std::vector<Stored> found;
  TRY(transaction.query(
      "SELECT number, id, body, attributes, sender, sent, receives, received, source, sealing FROM "
      "queue_messages WHERE queue = ? AND visible <= ? ORDER BY visible, number LIMIT ?",
      {queue.id, to_unix_nanoseconds(now), max}, [&](const meta::Row& row) -> Result<> {
        found.push_back({.number = row.integer(0),
                         .id = row.text(1),
                         .body = row.text(2),
                         .attributes = row.text(3),
                         .sender = row.text(4),
                         .sent = row.integer(5),
                         .visible = 0,
                         .receives = row.integer(6),
                         .received = row.integer(7),
                         .receipt = {},
                         .source = row.text(8),
                         .sealing = row.text(9)});
        return {};
      }));
  return found;
}

// To the queue for dead letters; false when there is none any more, so that nothing is lost.
Result<bool> Messages::give_up(meta::Transaction& transaction, const Queue& queue,
                               const Stored& message) {
  const auto redrive = queue.redrive();
  if (!redrive || message.receives < redrive->receives_max) return false;
  TRY_ASSIGN(const auto target, queues_.find_by_arn(transaction, redrive->dead_letter_arn));
  if (!target || target->id == queue.id) return false;
  auto moved = message;
  moved.visible = to_unix_nanoseconds(os_.clock.now());
  moved.source = queue.arn();
  TRY(insert(transaction, target->id, moved));
  TRY(transaction.execute("DELETE FROM queue_messages WHERE queue = ? AND number = ?",
                          {queue.id, message.number}));
  return true;
}

Result<std::vector<Received>> Messages::receive(meta::Transaction& transaction, const Queue& queue,
                                                int64_t max, std::chrono::seconds visibility) {
  const auto now = os_.clock.now();
  TRY(forget_old(transaction, queue, now));
  bool full = false;
  TRY(transaction.query(
      "SELECT 1 FROM queue_messages WHERE queue = ? AND visible > ? AND "
      "receives > 0 LIMIT 1 OFFSET ?",
      {queue.id, to_unix_nanoseconds(now), kInFlightMax - 1}, [&](const meta::Row&) -> Result<> {
        full = true;
        return {};
      }));
  if (full) {
    return fail(ErrorCode::FailedPrecondition, "OverLimit",
                fmt::format("{} messages of the queue are in flight; delete some.", kInFlightMax));
  }
  std::vector<Received> out;
  // What is given up makes room for others.
  while (std::ssize(out) < max) {
    const auto wanted = max - std::ssize(out);
    TRY_ASSIGN(auto found, select_visible(transaction, queue, now, wanted));
    for (auto& message : found) {
      TRY_ASSIGN(const bool gone, give_up(transaction, queue, message));
      if (gone) continue;
      const auto receipt = hex_encode(os_.random.bytes(kReceiptBytes));
      if (message.receives == 0) message.received = to_unix_nanoseconds(now);
      ++message.receives;
      // One nanosecond at least, or a visibility of 0 s would give it again in this very call.
      const auto visible = to_unix_nanoseconds(now) + std::max<int64_t>(nanoseconds(visibility), 1);
      TRY(transaction.execute(
          "UPDATE queue_messages SET visible = ?, receives = ?, received = ?, receipt = ? WHERE "
          "queue = ? AND number = ?",
          {visible, message.receives, message.received, receipt, queue.id, message.number}));
      Received one{.id = std::move(message.id),
                   .receipt_handle = encode_handle({queue.id, message.number, receipt}),
                   .body = std::move(message.body),
                   .attributes = {},
                   .system_attributes = {},
                   .sender = std::move(message.sender),
                   .sent = from_unix_nanoseconds(message.sent),
                   .first_received = from_unix_nanoseconds(message.received),
                   .receives = message.receives,
                   .source = std::move(message.source)};
      if (message.sealing.empty()) {
        TRY(read_attributes(message.attributes, one));
      } else {
        TRY_ASSIGN(one.sealing, decode_sealing(message.sealing));
        one.sealed_attributes = std::move(message.attributes);
      }
      out.push_back(std::move(one));
    }
    if (std::ssize(found) < wanted) break;
  }
  return out;
}

Result<> Messages::remove(meta::Transaction& transaction, const Queue& queue,
                          std::string_view receipt_handle) {
  TRY_ASSIGN(const auto handle, decode_handle(queue, receipt_handle));
  TRY(transaction.execute(
      "DELETE FROM queue_messages WHERE queue = ? AND number = ? AND receipt = ?",
      {queue.id, handle.number, handle.receipt}));
  return {};
}

Result<> Messages::change_visibility(meta::Transaction& transaction, const Queue& queue,
                                     std::string_view receipt_handle,
                                     std::chrono::seconds visibility) {
  TRY_ASSIGN(const auto handle, decode_handle(queue, receipt_handle));
  const auto now = to_unix_nanoseconds(os_.clock.now());
  TRY_ASSIGN(const auto changed,
             transaction.execute(
                 "UPDATE queue_messages SET visible = ? WHERE queue = ? AND number "
                 "= ? AND receipt = ? AND visible > ?",
                 {now + nanoseconds(visibility), queue.id, handle.number, handle.receipt, now}));
  if (changed > 0) return {};
  return fail(ErrorCode::FailedPrecondition, "MessageNotInflight",
              fmt::format("Value {} for parameter ReceiptHandle is invalid. Reason: Message does "
                          "not exist or is not available for visibility timeout change.",
                          receipt_handle.substr(0, 128)));
}

Result<> Messages::purge(meta::Transaction& transaction, const Queue& queue) {
  const auto now = to_unix_nanoseconds(os_.clock.now());
  bool recent = false;
  TRY(transaction.query("SELECT 1 FROM queue_purges WHERE queue = ? AND purged > ?",
                        {queue.id, now - nanoseconds(kPurgeInterval)},
                        [&](const meta::Row&) -> Result<> {
                          recent = true;
                          return {};
                        }));
  if (recent) {
    return fail(ErrorCode::FailedPrecondition, "PurgeQueueInProgress",
                fmt::format("Only one PurgeQueue operation on {} is allowed every {} seconds.",
                            queue.name, kPurgeInterval.count()));
  }
  TRY(
      transaction.execute("INSERT INTO queue_purges (queue, purged) VALUES (?, ?) ON CONFLICT "
                          "(queue) DO UPDATE SET purged = excluded.purged",
                          {queue.id, now}));
  TRY(transaction.execute("DELETE FROM queue_messages WHERE queue = ?", {queue.id}));
  return {};
}

Result<Counts> Messages::count(meta::Transaction& transaction, const Queue& queue) {
  const auto now = os_.clock.now();
  const auto oldest =
      to_unix_nanoseconds(now) - nanoseconds(queue.seconds("MessageRetentionPeriod"));
  Counts counts;
  TRY(transaction.query(
      "SELECT coalesce(sum(visible <= ?2), 0), coalesce(sum(visible > ?2 AND receives > 0), 0), "
      "coalesce(sum(visible > ?2 AND receives = 0), 0) FROM queue_messages WHERE queue = ?1 AND "
      "sent > ?3",
      {queue.id, to_unix_nanoseconds(now), oldest}, [&](const meta::Row& row) -> Result<> {
        counts = {row.integer(0), row.integer(1), row.integer(2)};
        return {};
      }));
  return counts;
}

Result<bool> Messages::has_visible(meta::Transaction& transaction, int64_t queue_id) {
  bool found = false;
  TRY(transaction.query(
      "SELECT 1 FROM queue_messages WHERE queue = ?1 AND visible <= ?2 UNION ALL SELECT 1 WHERE "
      "NOT "
      "EXISTS (SELECT 1 FROM queues WHERE id = ?1) LIMIT 1",
      {queue_id, to_unix_nanoseconds(os_.clock.now())}, [&](const meta::Row&) -> Result<> {
        found = true;
        return {};
      }));
  return found;
}

}  // namespace traccia::sqs
