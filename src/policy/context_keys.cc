// Collects condition keys and policy variables.
// SPDX-License-Identifier: Apache-2.0
#include "policy/context_keys.h"

#include <algorithm>
#include <map>
#include <string_view>

namespace traccia::policy {
namespace {

using Keys = std::map<std::string, std::string>;  // by lower-case name

void add(Keys& keys, std::string_view name) {
  keys.try_emplace(to_lower(name), name);
}

// ${key} and ${key, 'default'}; ${*}, ${?} and ${$} are characters. The text has been parsed.
void add_variables(Keys& keys, std::string_view text) {
  for (auto at = text.find("${"); at != text.npos; at = text.find("${", at + 2)) {
    const auto body = text.substr(at + 2, text.find('}', at) - at - 2);
    if (body == "*" || body == "?" || body == "$") continue;
    auto name = body.substr(0, body.find(','));
    name = name.substr(0, name.find_last_not_of(' ') + 1);
    name.remove_prefix(std::min(name.find_first_not_of(' '), name.size()));
    add(keys, name);
  }
}

}  // namespace

std::vector<std::string> context_keys(const Document& document) {
  Keys keys;
  const bool variables = document.version == Version::V2012;
  for (const auto& statement : document.statements) {
    for (const auto& condition : statement.conditions) {
      add(keys, condition.key());
      if (!variables) continue;
      for (const auto& value : condition.values()) add_variables(keys, value);
    }
    if (!variables) continue;
    for (const auto& resource : statement.resources) add_variables(keys, resource.text());
  }
  std::vector<std::string> out;
  out.reserve(keys.size());
  for (auto& [lower, name] : keys) out.push_back(name);
  return out;
}

}  // namespace traccia::policy
