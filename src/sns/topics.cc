// What topics there are and how they behave.
// SPDX-License-Identifier: Apache-2.0
#include "sns/topics.h"

#include <fmt/format.h>

#include <algorithm>

#include "json/json.h"
#include "sns/delivery_policy.h"

namespace traccia::sns {
namespace {

std::unexpected<Error> invalid(std::string message) {
  return fail(ErrorCode::InvalidArgument, "InvalidParameter", std::move(message));
}

constexpr size_t kKeyBytesMax = 2048;

// Of FIFO topics, of logs of deliveries and of the protection of data, which this server lacks.
constexpr std::string_view kOfFifo[] = {"ContentBasedDeduplication", "FifoThroughputScope",
                                        "ArchivePolicy"};

// May be set to nothing.
constexpr std::string_view kRemovable[] = {"DeliveryPolicy", "DisplayName", "KmsMasterKeyId"};

Result<> check_name(std::string_view name) {
  if (name.ends_with(".fifo")) {
    return invalid("Topic Name Reason: this server has standard topics only");
  }
  const bool characters = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
  if (!name.empty() && name.size() <= kNameCharactersMax && characters) return {};
  return invalid("Topic Name");
}

size_t characters_of(std::string_view text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

// Values that are not empty.
Result<> check_attribute(std::string_view name, std::string_view value) {
  if (name == "Policy") return {};  // checked by who stores it
  if (name == "DisplayName") {
    if (characters_of(value) <= kDisplayNameCharactersMax) return {};
    return invalid(
        fmt::format("DisplayName: must be at most {} characters long", kDisplayNameCharactersMax));
  }
  if (name == "DeliveryPolicy") {
    TRY(parse_topic_delivery_policy(value));
    return {};
  }
  if (name == "KmsMasterKeyId") {
    // What key it is, is asked when it is used, as on AWS.
    if (value.size() <= kKeyBytesMax) return {};
    return invalid("KmsMasterKeyId");
  }
  if (name == "SignatureVersion") {
    if (value == "1" || value == "2") return {};
    return invalid(
        fmt::format("SignatureVersion: Invalid value [{}]. Must be 1 or 2.", value.substr(0, 64)));
  }
  if (name == "TracingConfig") {
    if (value == "PassThrough") return {};
    return invalid("TracingConfig: this server passes traces through and makes none");
  }
  if (name == "FifoTopic" && value == "false") return {};
  if (name == "FifoTopic" || std::ranges::find(kOfFifo, name) != std::end(kOfFifo)) {
    return invalid(fmt::format("{}: this server has standard topics only", name));
  }
  return invalid("AttributeName");
}

constexpr std::string_view kColumns = "id, account, region, name, created, attributes";

Result<Topic> read(const meta::Row& row) {
  Topic topic{.id = row.integer(0),
              .account = row.text(1),
              .region = row.text(2),
              .name = row.text(3),
              .created = from_unix_nanoseconds(row.integer(4)),
              .attributes = {}};
  TRY_ASSIGN(topic.attributes, decode_attributes(row.view(5)));
  return topic;
}

Result<std::vector<Topic>> read_all(meta::Transaction& transaction, std::string_view where,
                                    const std::vector<meta::Argument>& arguments) {
  std::vector<Topic> topics;
  TRY(transaction.query(fmt::format("SELECT {} FROM topics WHERE {}", kColumns, where), arguments,
                        [&](const meta::Row& row) -> Result<> {
                          TRY_ASSIGN(auto topic, read(row));
                          topics.push_back(std::move(topic));
                          return {};
                        }));
  return topics;
}

Result<std::optional<Topic>> read_one(meta::Transaction& transaction, std::string_view where,
                                      const std::vector<meta::Argument>& arguments) {
  TRY_ASSIGN(auto found, read_all(transaction, where, arguments));
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

// What a new topic would have is the same as not having been set.
std::string_view default_of(std::string_view attribute) {
  if (attribute == "SignatureVersion") return "1";
  if (attribute == "TracingConfig") return "PassThrough";
  if (attribute == "FifoTopic") return "false";
  return {};
}

bool differs(const Topic& topic, std::string_view name, std::string_view value) {
  auto has = topic.attribute(name);
  if (has.empty()) has = default_of(name);
  return has != (value.empty() ? default_of(name) : value);
}

}  // namespace

std::optional<TopicName> parse_topic_arn(std::string_view arn) {
  constexpr std::string_view kPrefix = "arn:aws:sns:";
  if (!arn.starts_with(kPrefix)) return std::nullopt;
  arn.remove_prefix(kPrefix.size());
  const auto first = arn.find(':');
  const auto second = first == arn.npos ? arn.npos : arn.find(':', first + 1);
  if (second == arn.npos) return std::nullopt;
  const TopicName out{arn.substr(first + 1, second - first - 1), arn.substr(0, first),
                      arn.substr(second + 1)};
  if (out.name.empty() || out.name.find(':') != out.name.npos) return std::nullopt;
  return out;
}

std::string topic_arn(const TopicName& name) {
  return fmt::format("arn:aws:sns:{}:{}:{}", name.region, name.account, name.name);
}

std::string encode(const Attributes& attributes) {
  json::Object out;
  for (const auto& [name, value] : attributes) out[name] = value;
  return json::serialize(out);
}

Result<Attributes> decode_attributes(std::string_view text) {
  Attributes out;
  TRY_ASSIGN(const auto document, json::parse(text));
  for (const auto& [name, value] : document.as_object()) out.emplace(name, value.as_string());
  return out;
}

std::string Topic::attribute(std::string_view attribute_name) const {
  const auto at = attributes.find(attribute_name);
  return at == attributes.end() ? "" : at->second;
}

std::string Topic::policy() const {
  auto own = attribute("Policy");
  return own.empty() ? default_policy(*this) : own;
}

std::string Topic::key() const {
  auto named = attribute("KmsMasterKeyId");
  if (named.empty() || named.starts_with("arn:")) return named;
  const bool alias = named.starts_with("alias/");
  return fmt::format("arn:aws:kms:{}:{}:{}{}", region, account, alias ? "" : "key/", named);
}

std::string Topic::signature_version() const {
  return attribute("SignatureVersion") == "2" ? "2" : "1";
}

std::string default_policy(const Topic& topic) {
  return json::serialize(json::Object{
      {"Version", "2008-10-17"},
      {"Id", "__default_policy_ID"},
      {"Statement",
       json::Array{json::Object{
           {"Sid", "__default_statement_ID"},
           {"Effect", "Allow"},
           {"Principal", json::Object{{"AWS", "*"}}},
           {"Action", json::Array{"SNS:GetTopicAttributes", "SNS:SetTopicAttributes",
                                  "SNS:AddPermission", "SNS:RemovePermission", "SNS:DeleteTopic",
                                  "SNS:Subscribe", "SNS:ListSubscriptionsByTopic", "SNS:Publish"}},
           {"Resource", topic.arn()},
           {"Condition",
            json::Object{{"StringEquals", json::Object{{"AWS:SourceOwner", topic.account}}}}}}}}});
}

Result<Topics::Created> Topics::create(meta::Transaction& transaction, const TopicName& name,
                                       const Attributes& attributes) {
  TRY(check_name(name.name));
  for (const auto& [attribute, value] : attributes) {
    if (!value.empty()) TRY(check_attribute(attribute, value));
  }
  TRY_ASSIGN(auto found, find(transaction, name));
  if (found) {
    const bool other = std::ranges::any_of(
        attributes, [&](const auto& one) { return differs(*found, one.first, one.second); });
    if (other) return invalid("Attributes Reason: Topic already exists with different attributes");
    return Created{std::move(*found), true};
  }
  int64_t others = 0;
  TRY(transaction.query("SELECT count(*) FROM topics WHERE account = ? AND region = ?",
                        {name.account, name.region}, [&](const meta::Row& row) -> Result<> {
                          others = row.integer(0);
                          return {};
                        }));
  if (others >= kTopicsMax) {
    return fail(ErrorCode::FailedPrecondition, "TopicLimitExceeded",
                fmt::format("An account can have {} topics in a region.", kTopicsMax));
  }
  Topic topic{.id = 0,
              .account = std::string(name.account),
              .region = std::string(name.region),
              .name = std::string(name.name),
              .created = os_.clock.now(),
              .attributes = {}};
  for (const auto& [attribute, value] : attributes) {
    if (!value.empty()) topic.attributes.emplace(attribute, value);
  }
  TRY(transaction.execute(
      "INSERT INTO topics (account, region, name, created, attributes) VALUES (?, ?, ?, ?, ?)",
      {topic.account, topic.region, topic.name, to_unix_nanoseconds(topic.created),
       encode(topic.attributes)}));
  topic.id = transaction.last_insert_id();
  return Created{std::move(topic), false};
}

Result<std::optional<Topic>> Topics::find(meta::Transaction& transaction, const TopicName& name) {
  return read_one(transaction, "account = ? AND region = ? AND name = ?",
                  {name.account, name.region, name.name});
}

Result<Topic> Topics::get(meta::Transaction& transaction, const TopicName& name) {
  TRY_ASSIGN(auto found, find(transaction, name));
  if (found) return std::move(*found);
  return fail(ErrorCode::NotFound, "NotFound", "Topic does not exist");
}

Result<std::optional<Topic>> Topics::find_by_arn(meta::Transaction& transaction,
                                                 std::string_view arn) {
  const auto name = parse_topic_arn(arn);
  if (!name) return std::nullopt;
  return find(transaction, *name);
}

Result<std::optional<Topic>> Topics::find_by_id(meta::Transaction& transaction, int64_t id) {
  return read_one(transaction, "id = ?", {id});
}

Result<std::vector<Topic>> Topics::list(meta::Transaction& transaction, const TopicName& of,
                                        std::string_view after, int64_t max) {
  return read_all(transaction, "account = ? AND region = ? AND name > ? ORDER BY name LIMIT ?",
                  {of.account, of.region, after, max + 1});
}

Result<> Topics::set_attribute(meta::Transaction& transaction, Topic& topic, std::string_view name,
                               std::string_view value) {
  const bool removable = std::ranges::find(kRemovable, name) != std::end(kRemovable);
  if (!value.empty() || !removable) TRY(check_attribute(name, value));
  if (value.empty()) {
    topic.attributes.erase(std::string(name));
  } else {
    topic.attributes.insert_or_assign(std::string(name), std::string(value));
  }
  TRY(transaction.execute("UPDATE topics SET attributes = ? WHERE id = ?",
                          {encode(topic.attributes), topic.id}));
  return {};
}

Result<> Topics::remove(meta::Transaction& transaction, const Topic& topic) {
  TRY(transaction.execute("DELETE FROM topics WHERE id = ?", {topic.id}));
  return {};
}

}  // namespace traccia::sns
