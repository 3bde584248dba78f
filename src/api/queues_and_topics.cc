// Shared by SQS's and SNS's operations.
// SPDX-License-Identifier: Apache-2.0
#include "api/queues_and_topics.h"

#include <algorithm>

#include "api/service_keys.h"
#include "identity/trust.h"

namespace traccia::api {

std::map<std::string, std::string, std::less<>> texts_of(const json::Object& input,
                                                         std::string_view member) {
  std::map<std::string, std::string, std::less<>> out;
  const auto* const map = json::find(input, member);
  if (map == nullptr || !map->is_object()) return out;
  for (const auto& [name, value] : map->get_object()) out.emplace(name, value.as_string());
  return out;
}

std::vector<std::string> list_of(const json::Object& input, std::string_view member) {
  std::vector<std::string> out;
  const auto* const list = json::find(input, member);
  if (list == nullptr || !list->is_array()) return out;
  for (const auto& item : list->get_array()) out.emplace_back(item.as_string());
  return out;
}

Result<Prepared> prepare_attributes(Services& services, const Caller& caller,
                                    const json::Object& input) {
  const auto attributes = texts_of(input, "Attributes");
  if (const auto key = attributes.find("KmsMasterKeyId"); key != attributes.end()) {
    TRY(make_managed_key(services, caller, key->second));
  }
  return Prepared{};
}

Result<json::Object> policy_for_change(meta::Transaction& transaction, std::string_view stored) {
  TRY_ASSIGN(const auto text, identity::show_principals(transaction, stored));
  TRY_ASSIGN(auto document, json::parse(text));
  auto& object = document.as_object();
  auto& statements = object["Statement"];
  if (statements.is_object()) statements = json::Array{std::move(statements)};
  return std::move(object);
}

json::Array::iterator find_labelled(json::Object& policy, std::string_view label) {
  return std::ranges::find_if(policy["Statement"].as_array(), [&](const json::Value& one) {
    return one.is_object() && json::find_string(one.get_object(), "Sid") == label;
  });
}

}  // namespace traccia::api
