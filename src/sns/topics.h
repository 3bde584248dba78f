// Topics and their attributes, without a protocol. Source of the rules: "Amazon SNS API Reference"
// and "Amazon SNS endpoints and quotas".
// SPDX-License-Identifier: Apache-2.0
#pragma once

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

namespace traccia::sns {

inline constexpr size_t kNameCharactersMax = 256;
inline constexpr size_t kDisplayNameCharactersMax = 100;
inline constexpr int64_t kTopicsMax = 100'000;  // of an account and region

// By name: "DisplayName" to "Trails".
using Attributes = std::map<std::string, std::string, std::less<>>;

struct TopicName {
  std::string_view account, region, name;
};
// arn:aws:sns:REGION:ACCOUNT:NAME, a view into the text; nullopt for what is none.
std::optional<TopicName> parse_topic_arn(std::string_view arn);
std::string topic_arn(const TopicName& name);

struct Topic {
  int64_t id = 0;
  std::string account, region, name;
  Time created;
  Attributes attributes;  // those that were set

  std::string arn() const { return topic_arn({account, region, name}); }
  // Empty: not set.
  std::string attribute(std::string_view attribute_name) const;
  // As it is stored; the default where none was set.
  std::string policy() const;
  // ARN of the KMS key that its messages rest under; empty: none.
  std::string key() const;
  // "1" or "2".
  std::string signature_version() const;
};

// Every topic has it until it is given another one ("CreateTopic"). Nobody's calls carry
// aws:SourceOwner, so it allows nothing by itself.
std::string default_policy(const Topic& topic);

// Thread-safe; state lives in the caller's transaction. Reasons of errors are SNS's codes:
// InvalidParameter (with what follows "Invalid parameter: " as message), NotFound,
// TopicLimitExceeded.
class Topics {
 public:
  explicit Topics(os::Os os) : os_(os) {}

  struct Created {
    Topic topic;
    bool existed = false;
  };
  // A topic that is there already is given, unless it differs in one of the attributes.
  Result<Created> create(meta::Transaction& transaction, const TopicName& name,
                         const Attributes& attributes);
  Result<Topic> get(meta::Transaction& transaction, const TopicName& name);
  Result<std::optional<Topic>> find(meta::Transaction& transaction, const TopicName& name);
  Result<std::optional<Topic>> find_by_arn(meta::Transaction& transaction, std::string_view arn);
  Result<std::optional<Topic>> find_by_id(meta::Transaction& transaction, int64_t id);
  // By name, behind `after`; one more than `max` tells that there are more. The name is ignored.
  Result<std::vector<Topic>> list(meta::Transaction& transaction, const TopicName& of,
                                  std::string_view after, int64_t max);
  // An empty value takes the attribute away.
  Result<> set_attribute(meta::Transaction& transaction, Topic& topic, std::string_view name,
                         std::string_view value);
  // Its subscriptions go too, and what has not been delivered.
  Result<> remove(meta::Transaction& transaction, const Topic& topic);

 private:
  os::Os os_;
};

// Attributes as the tables hold them.
std::string encode(const Attributes& attributes);
Result<Attributes> decode_attributes(std::string_view text);

}  // namespace traccia::sns
