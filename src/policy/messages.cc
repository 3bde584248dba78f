// Wording decisions as AWS does.
// SPDX-License-Identifier: Apache-2.0
#include "policy/messages.h"

#include <fmt/format.h>

#include "base/assert.h"

namespace traccia::policy {
namespace {

std::string_view name_of(const Principal& principal) {
  if (!principal.arn.empty()) return principal.arn;
  if (!principal.services.empty()) return principal.services.front();
  if (!principal.provider.empty()) return principal.provider;
  return "anonymous";
}

std::string statement_name(const Statement& statement) {
  if (!statement.sid.empty()) return fmt::format("statement '{}'", statement.sid);
  return fmt::format("statement {}", statement.index);
}

}  // namespace

std::string_view policy_type_name(PolicyType type) {
  switch (type) {
    case PolicyType::ServiceControl:
      return "service control policy";
    case PolicyType::ResourceControl:
      return "resource control policy";
    case PolicyType::Resource:
      return "resource-based policy";
    case PolicyType::Trust:
      return "role trust policy";
    case PolicyType::Identity:
      return "identity-based policy";
    case PolicyType::Boundary:
      return "permissions boundary";
    case PolicyType::Session:
      return "session policy";
    case PolicyType::None:
      return "policy";
  }
  return {};
}

std::string access_denied_message(const Request& request, Wording wording) {
  auto out = fmt::format("User: {} is not authorized to perform: {}", name_of(request.principal),
                         request.action);
  const auto& words = request.resource_words;
  if (words.empty() && request.resource == "*") return out;
  const std::string_view quote = wording == Wording::S3 ? "\"" : "";
  return out.append(
      fmt::format(" on resource: {0}{1}{0}", quote, words.empty() ? request.resource : words));
}

std::string access_denied_message(const Request& request, const Decision& decision, NamePolicy name,
                                  Wording wording) {
  TRACCIA_ASSERT(!decision.allowed());
  auto out = access_denied_message(request, wording);
  const auto type = policy_type_name(decision.type);
  if (decision.outcome == Outcome::ImplicitDeny) {
    return out.append(fmt::format(" because no {} allows the {} action", type, request.action));
  }
  const std::string_view article = decision.type == PolicyType::Trust      ? "the"
                                   : decision.type == PolicyType::Identity ? "an"
                                                                           : "a";
  out.append(fmt::format(" with an explicit deny in {} {}", article, type));
  if (name == NamePolicy::Yes && decision.policy->name.starts_with("arn:")) {
    out.append(": ").append(decision.policy->name);
  }
  return out;
}

std::string summarize(const Decision& decision) {
  const auto type = policy_type_name(decision.type);
  const auto level =
      decision.level != nullptr ? fmt::format(" of {}", decision.level->node) : std::string();
  if (decision.outcome == Outcome::ImplicitDeny) {
    return fmt::format("denied: no {}{} allows it", type, level);
  }
  const std::string_view verb =
      decision.outcome == Outcome::Allowed ? "allowed by" : "explicitly denied by";
  if (decision.statement == nullptr) {
    return fmt::format("{} the caller's own right", verb);
  }
  return fmt::format("{} {} of {} '{}'{}", verb, statement_name(*decision.statement), type,
                     decision.policy->name, level);
}

}  // namespace traccia::policy
