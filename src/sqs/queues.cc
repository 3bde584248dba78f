// What queues there are and how they behave.
// SPDX-License-Identifier: Apache-2.0
#include "sqs/queues.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "json/json.h"

namespace traccia::sqs {
namespace {

// Attributes that are whole numbers within bounds.
struct Setting {
  std::string_view name;
  int64_t min, max, otherwise;
};
constexpr Setting kSettings[] = {{"DelaySeconds", 0, 900, 0},
                                 {"KmsDataKeyReusePeriodSeconds", 60, 86'400, 300},
                                 {"MaximumMessageSize", 1024, kMessageBytesMax, kMessageBytesMax},
                                 {"MessageRetentionPeriod", 60, 1'209'600, 345'600},
                                 {"ReceiveMessageWaitTimeSeconds", 0, 20, 0},
                                 {"VisibilityTimeout", 0, 43'200, 30}};
constexpr std::string_view kRedrivePolicy = "RedrivePolicy";
constexpr std::string_view kRedriveAllowPolicy = "RedriveAllowPolicy";
constexpr std::string_view kEncrypted = "SqsManagedSseEnabled";
constexpr std::string_view kKey = "KmsMasterKeyId";
constexpr size_t kKeyBytesMax = 2048;
constexpr int64_t kReceivesMax = 1000;
constexpr std::chrono::seconds kNameRests{60};  // after a queue's end ("CreateQueue")
constexpr size_t kSourceQueuesMax = 10;         // that a RedriveAllowPolicy names

const Setting* find_setting(std::string_view name) {
  const auto* const at = std::ranges::find(kSettings, name, &Setting::name);
  return at == std::end(kSettings) ? nullptr : at;
}

std::optional<int64_t> parse_number(std::string_view text) {
  int64_t number = 0;
  const auto parsed = std::from_chars(text.begin(), text.end(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.end()) return std::nullopt;
  return number;
}

std::unexpected<Error> bad_value(std::string_view name, std::string_view value,
                                 std::string_view reason) {
  return fail(ErrorCode::InvalidArgument, "InvalidAttributeValue",
              fmt::format("Value {} for parameter {} is invalid. Reason: {}", value.substr(0, 256),
                          name, reason));
}

// {"deadLetterTargetArn":"arn:…","maxReceiveCount":5}; the count may be text.
Result<Redrive> parse_redrive(std::string_view text) {
  constexpr std::string_view kNeeds =
      "Amazon SQS can't create the redrive policy, as it needs deadLetterTargetArn and "
      "maxReceiveCount.";
  const auto document = json::parse(text);
  if (!document || !document->is_object()) {
    return bad_value(kRedrivePolicy, text, "Redrive policy is not a valid JSON map.");
  }
  const auto& object = document->get_object();
  Redrive out;
  out.dead_letter_arn = json::find_string(object, "deadLetterTargetArn");
  const auto* const count = json::find(object, "maxReceiveCount");
  if (out.dead_letter_arn.empty() || count == nullptr) {
    return bad_value(kRedrivePolicy, text, kNeeds);
  }
  const auto number = count->is_string()  ? parse_number(count->get_string())
                      : count->is_int64() ? std::optional(count->get_int64())
                                          : std::nullopt;
  if (!number || *number < 1 || *number > kReceivesMax) {
    return bad_value(kRedrivePolicy, text,
                     "Invalid value for maxReceiveCount. Valid values are 1 to 1000.");
  }
  out.receives_max = *number;
  return out;
}

// Whether the queue takes what `source` gives up.
Result<bool> allows_source(const Queue& dead_letters, std::string_view source) {
  const auto at = dead_letters.attributes.find(kRedriveAllowPolicy);
  if (at == dead_letters.attributes.end()) return true;
  TRY_ASSIGN(const auto document, json::parse(at->second));
  const auto permission = json::find_string(document.as_object(), "redrivePermission");
  if (permission == "denyAll") return false;
  if (permission == "allowAll") return true;
  const auto* const sources = json::find(document.as_object(), "sourceQueueArns");
  return sources != nullptr && sources->is_array() &&
         std::ranges::any_of(sources->get_array(), [&](const json::Value& one) {
           return one.is_string() && std::string_view(one.get_string()) == source;
         });
}

Result<> check_redrive_allow(std::string_view text) {
  const auto document = json::parse(text);
  if (!document || !document->is_object()) {
    return bad_value(kRedriveAllowPolicy, text, "Redrive allow policy is not a valid JSON map.");
  }
  const auto& object = document->get_object();
  const auto permission = json::find_string(object, "redrivePermission");
  const auto* const sources = json::find(object, "sourceQueueArns");
  const bool by_queue = permission == "byQueue";
  const bool known = by_queue || permission == "allowAll" || permission == "denyAll";
  const bool listed = sources != nullptr && sources->is_array() && !sources->get_array().empty() &&
                      sources->get_array().size() <= kSourceQueuesMax;
  if (!known || by_queue != listed) {
    return bad_value(kRedriveAllowPolicy, text,
                     "It needs redrivePermission allowAll, denyAll or byQueue, the last with 1 to "
                     "10 sourceQueueArns.");
  }
  return {};
}

Result<> check_name(std::string_view name) {
  const bool characters = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
  if (name.ends_with(".fifo")) {
    return fail(ErrorCode::InvalidArgument, "UnsupportedOperation",
                "This server has standard queues only; FIFO queues are not available.");
  }
  if (name.empty() || name.size() > kNameCharactersMax || !characters) {
    return fail(ErrorCode::InvalidArgument, "InvalidParameterValue",
                "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in "
                "length");
  }
  return {};
}

std::string encode(const Attributes& attributes) {
  json::Object out;
  for (const auto& [name, value] : attributes) out[name] = value;
  return json::serialize(out);
}

constexpr std::string_view kColumns = "id, account, region, name, created, modified, attributes";

Result<Queue> read(const meta::Row& row) {
  Queue queue{.id = row.integer(0),
              .account = row.text(1),
              .region = row.text(2),
              .name = row.text(3),
              .created = from_unix_nanoseconds(row.integer(4)),
              .modified = from_unix_nanoseconds(row.integer(5)),
              .attributes = {}};
  TRY_ASSIGN(const auto document, json::parse(row.view(6)));
  for (const auto& [name, value] : document.as_object()) {
    queue.attributes.emplace(name, value.as_string());
  }
  return queue;
}

Result<std::vector<Queue>> read_all(meta::Transaction& transaction, std::string_view where,
                                    const std::vector<meta::Argument>& arguments) {
  std::vector<Queue> queues;
  TRY(transaction.query(fmt::format("SELECT {} FROM queues WHERE {}", kColumns, where), arguments,
                        [&](const meta::Row& row) -> Result<> {
                          TRY_ASSIGN(auto queue, read(row));
                          queues.push_back(std::move(queue));
                          return {};
                        }));
  return queues;
}

}  // namespace

std::string Queue::arn() const {
  return fmt::format("arn:aws:sqs:{}:{}:{}", region, account, name);
}

std::string Queue::policy() const {
  const auto at = attributes.find("Policy");
  return at == attributes.end() ? "" : at->second;
}

std::string Queue::key() const {
  const auto at = attributes.find(kKey);
  if (at == attributes.end() || at->second.starts_with("arn:")) {
    return at == attributes.end() ? "" : at->second;
  }
  const bool alias = at->second.starts_with("alias/");
  return fmt::format("arn:aws:kms:{}:{}:{}{}", region, account, alias ? "" : "key/", at->second);
}

int64_t Queue::number(std::string_view attribute) const {
  const auto* const setting = find_setting(attribute);
  const auto at = attributes.find(attribute);
  if (at == attributes.end()) return setting == nullptr ? 0 : setting->otherwise;
  return parse_number(at->second).value_or(setting == nullptr ? 0 : setting->otherwise);
}

std::optional<Redrive> Queue::redrive() const {
  const auto at = attributes.find(kRedrivePolicy);
  if (at == attributes.end()) return std::nullopt;
  auto parsed = parse_redrive(at->second);
  if (!parsed) return std::nullopt;  // checked when it was set
  return std::move(*parsed);
}

namespace {

// Once these attributes are set.
bool will_have(const Queue& queue, const Attributes& attributes, std::string_view name) {
  const auto at = attributes.find(name);
  if (at != attributes.end()) return !at->second.empty();
  return queue.attributes.contains(name);
}

std::unexpected<Error> one_encryption() {
  return fail(ErrorCode::InvalidArgument, "InvalidAttributeValue",
              "You can use one type of server-side encryption (SSE) at one time. You can either "
              "enable KMS SSE or SQS SSE.");
}

}  // namespace

Result<> Queues::check(meta::Transaction& transaction, const Queue& queue,
                       const Attributes& attributes) {
  for (const auto& [name, value] : attributes) {
    if (value.empty() || name == "Policy") continue;
    if (const auto* const setting = find_setting(name)) {
      const auto number = parse_number(value);
      if (!number || *number < setting->min || *number > setting->max) {
        return fail(ErrorCode::InvalidArgument, "InvalidAttributeValue",
                    fmt::format("Invalid value for the parameter {}.", name));
      }
    } else if (name == kRedrivePolicy) {
      TRY_ASSIGN(const auto redrive, parse_redrive(value));
      TRY_ASSIGN(const auto target, find_by_arn(transaction, redrive.dead_letter_arn));
      const bool near =
          target && target->account == queue.account && target->region == queue.region;
      if (!near) return bad_value(name, value, "Dead letter target does not exist.");
      TRY_ASSIGN(const bool allowed, allows_source(*target, queue.arn()));
      if (!allowed) {
        return bad_value(name, value, "Dead letter target does not allow this queue.");
      }
    } else if (name == kRedriveAllowPolicy) {
      TRY(check_redrive_allow(value));
    } else if (name == kEncrypted) {
      if (value != "true" && value != "false") return bad_value(name, value, "true or false");
      if (value == "true" && will_have(queue, attributes, kKey)) return one_encryption();
    } else if (name == kKey) {
      // What key it is, is asked when it is used, as on AWS.
      if (value.size() > kKeyBytesMax) return bad_value(name, value, "It is too long.");
    } else if (name == "FifoQueue" || name == "ContentBasedDeduplication") {
      return fail(ErrorCode::InvalidArgument, "InvalidAttributeName",
                  fmt::format("Unknown Attribute {}.", name));
    } else {
      return fail(ErrorCode::InvalidArgument, "InvalidAttributeName",
                  fmt::format("Unknown Attribute {}.", name.substr(0, 128)));
    }
  }
  return {};
}

namespace {

Result<> check_not_deleted_recently(meta::Transaction& transaction, const QueueName& name,
                                    Time now) {
  bool recent = false;
  TRY(transaction.query(
      "SELECT 1 FROM queue_deletions WHERE account = ? AND region = ? AND name = "
      "? AND deleted > ?",
      {name.account, name.region, name.name, to_unix_nanoseconds(now - kNameRests)},
      [&](const meta::Row&) -> Result<> {
        recent = true;
        return {};
      }));
  if (!recent) return {};
  return fail(ErrorCode::FailedPrecondition, "QueueDeletedRecently",
              fmt::format("You must wait {} seconds after deleting a queue before you can create "
                          "another with the same name.",
                          kNameRests.count()));
}

}  // namespace

Result<Queue> Queues::create(meta::Transaction& transaction, const QueueName& name,
                             const Attributes& attributes) {
  TRY(check_name(name.name));
  TRY_ASSIGN(auto there, find(transaction, name));
  if (there) {
    for (const auto& [attribute, value] : attributes) {
      const auto at = there->attributes.find(attribute);
      const auto* const setting = find_setting(attribute);
      const bool same = at != there->attributes.end() ? at->second == value
                        : setting != nullptr          ? parse_number(value) == setting->otherwise
                                                      : value.empty();
      if (same) continue;
      return fail(ErrorCode::AlreadyExists, "QueueNameExists",
                  fmt::format("A queue already exists with the same name and a different value for "
                              "attribute {}",
                              attribute));
    }
    return std::move(*there);
  }
  TRY(check_not_deleted_recently(transaction, name, os_.clock.now()));
  Queue queue{.id = 0,
              .account = std::string(name.account),
              .region = std::string(name.region),
              .name = std::string(name.name),
              .created = floor_seconds(os_.clock.now()),
              .modified = {},
              .attributes = {}};
  queue.modified = queue.created;
  TRY(check(transaction, queue, attributes));
  int64_t others = 0;
  TRY(transaction.query("SELECT count(*) FROM queues WHERE account = ? AND region = ?",
                        {name.account, name.region}, [&](const meta::Row& row) -> Result<> {
                          others = row.integer(0);
                          return {};
                        }));
  if (others >= kQueuesMax) {
    return fail(ErrorCode::FailedPrecondition, "OverLimit",
                fmt::format("An account can have {} queues in a region.", kQueuesMax));
  }
  for (const auto& [attribute, value] : attributes) {
    if (!value.empty()) queue.attributes.emplace(attribute, value);
  }
  TRY(transaction.execute(
      "INSERT INTO queues (account, region, name, created, modified, "
      "attributes) VALUES (?, ?, ?, ?, ?, ?)",
      {queue.account, queue.region, queue.name, to_unix_nanoseconds(queue.created),
       to_unix_nanoseconds(queue.modified), encode(queue.attributes)}));
  queue.id = transaction.last_insert_id();
  return queue;
}

Result<std::optional<Queue>> Queues::find(meta::Transaction& transaction, const QueueName& name) {
  TRY_ASSIGN(auto found, read_all(transaction, "account = ? AND region = ? AND name = ?",
                                  {name.account, name.region, name.name}));
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

Result<Queue> Queues::get(meta::Transaction& transaction, const QueueName& name) {
  TRY_ASSIGN(auto found, find(transaction, name));
  if (found) return std::move(*found);
  return fail(ErrorCode::NotFound, "QueueDoesNotExist", "The specified queue does not exist.");
}

Result<std::optional<Queue>> Queues::find_by_arn(meta::Transaction& transaction,
                                                 std::string_view arn) {
  constexpr std::string_view kPrefix = "arn:aws:sqs:";
  if (!arn.starts_with(kPrefix)) return std::nullopt;
  arn.remove_prefix(kPrefix.size());
  const auto first = arn.find(':');
  const auto second = first == arn.npos ? arn.npos : arn.find(':', first + 1);
  if (second == arn.npos) return std::nullopt;
  return find(transaction, {.account = arn.substr(first + 1, second - first - 1),
                            .region = arn.substr(0, first),
                            .name = arn.substr(second + 1)});
}

Result<std::vector<Queue>> Queues::list(meta::Transaction& transaction, const QueueName& prefix,
                                        std::string_view after, int64_t max) {
  return read_all(transaction,
                  "account = ?1 AND region = ?2 AND substr(name, 1, length(?3)) = ?3 AND name > ?4 "
                  "ORDER BY name LIMIT ?5",
                  {prefix.account, prefix.region, prefix.name, after, max + 1});
}

Result<std::vector<Queue>> Queues::sources_of(meta::Transaction& transaction, const Queue& queue) {
  TRY_ASSIGN(auto queues,
             read_all(transaction,
                      "account = ? AND region = ? AND instr(attributes, 'RedrivePolicy') > 0 "
                      "ORDER BY name",
                      {queue.account, queue.region}));
  std::erase_if(queues, [arn = queue.arn()](const Queue& one) {
    const auto redrive = one.redrive();
    return !redrive || redrive->dead_letter_arn != arn;
  });
  return queues;
}

Result<> Queues::set_attributes(meta::Transaction& transaction, Queue& queue,
                                const Attributes& attributes) {
  TRY(check(transaction, queue, attributes));
  for (const auto& [name, value] : attributes) {
    if (value.empty()) {
      queue.attributes.erase(name);
    } else {
      queue.attributes.insert_or_assign(name, value);
    }
  }
  queue.modified = floor_seconds(os_.clock.now());
  TRY(transaction.execute(
      "UPDATE queues SET attributes = ?, modified = ? WHERE id = ?",
      {encode(queue.attributes), to_unix_nanoseconds(queue.modified), queue.id}));
  return {};
}

Result<> Queues::remove(meta::Transaction& transaction, const Queue& queue) {
  const auto now = os_.clock.now();
  TRY(transaction.execute("DELETE FROM queue_deletions WHERE deleted <= ?",
                          {to_unix_nanoseconds(now - kNameRests)}));
  TRY(transaction.execute(
      "INSERT OR REPLACE INTO queue_deletions (account, region, name, deleted) VALUES (?, ?, ?, ?)",
      {queue.account, queue.region, queue.name, to_unix_nanoseconds(now)}));
  TRY(transaction.execute("DELETE FROM queues WHERE id = ?", {queue.id}));
  return {};
}

}  // namespace traccia::sqs
