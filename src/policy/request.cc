// Filling and reading a request's context.
// SPDX-License-Identifier: Apache-2.0
#include "policy/request.h"

#include <fmt/format.h>

#include <algorithm>

namespace traccia::policy {

std::string to_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::vector<std::string>& ContextKeys::at(std::string_view name) {
  auto lower = to_lower(name);
  auto place = std::ranges::lower_bound(keys_, lower, {}, &Key::name);
  if (place == keys_.end() || place->name != lower) {
    place = keys_.insert(place, Key{std::move(lower), {}});
  }
  return place->values;
}

void ContextKeys::set(std::string_view name, std::string_view value) {
  auto& values = at(name);
  values.assign(1, std::string(value));
}

void ContextKeys::set(std::string_view name, std::vector<std::string> values) {
  at(name) = std::move(values);
}

void ContextKeys::add(std::string_view name, std::string_view value) {
  at(name).emplace_back(value);
}

void ContextKeys::set_flag(std::string_view name, bool value) {
  set(name, std::string_view(value ? "true" : "false"));
}

void ContextKeys::set_number(std::string_view name, int64_t value) {
  set(name, std::string_view(fmt::format("{}", value)));
}

void ContextKeys::set_time(std::string_view name, Time value) {
  set(name, std::string_view(format_iso_seconds(value)));
}

std::span<const std::string> ContextKeys::find(std::string_view lower_name) const {
  const auto place = std::ranges::lower_bound(keys_, lower_name, {}, &Key::name);
  if (place == keys_.end() || place->name != lower_name) return {};
  return place->values;
}

void set_principal_keys(ContextKeys& keys, const Principal& principal) {
  using enum PrincipalKind;
  keys.set_flag("aws:PrincipalIsAWSService", principal.kind == Service);
  if (!principal.account.empty()) keys.set("aws:PrincipalAccount", principal.account);
  if (!principal.unique_id.empty()) keys.set("aws:userid", principal.unique_id);
  const auto typed = [&](std::string_view type, std::string_view arn) {
    keys.set("aws:PrincipalType", type);
    keys.set("aws:PrincipalArn", arn);
  };
  switch (principal.kind) {
    case Anonymous:
      keys.set("aws:PrincipalType", std::string_view("Anonymous"));
      keys.set("aws:userid", std::string_view("anonymous"));
      return;
    case Root:
      return typed("Account", principal.arn);
    case User:
      keys.set("aws:username", std::string_view(principal.name));
      return typed("User", principal.arn);
    case AssumedRole:
      return typed("AssumedRole", principal.issuer_arn);
    case FederatedUser:
      return typed("FederatedUser", principal.arn);
    case Service:
      if (principal.services.empty()) return;
      keys.set("aws:PrincipalServiceName", std::string_view(principal.services.front()));
      keys.set("aws:PrincipalServiceNamesList", principal.services);
      return;
    case Federated:
      return;
  }
}

}  // namespace traccia::policy
