// A Case with its policies parsed, for tests.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/assert.h"
#include "policy/case_from_bytes.h"
#include "policy/messages.h"

namespace traccia::policy {

// Owned by one thread; borrows the case.
class CompiledCase {
 public:
  explicit CompiledCase(const Case& c) : case_(c) {
    identity_ = attach(c.identity, Kind::Identity);
    if (c.boundary) boundary_ = attach({*c.boundary}, Kind::Boundary);
    if (c.session) session_ = attach(*c.session, Kind::Session);
    if (c.resource) resource_ = attach({*c.resource}, Kind::Resource);
    for (const auto& level : c.service_control) {
      service_control_.push_back({"level", attach(level, Kind::ServiceControl)});
    }
    for (const auto& level : c.resource_control) {
      resource_control_.push_back({"level", attach(level, Kind::ResourceControl)});
    }
  }

  PoliciesView view() const {
    return {.identity = identity_,
            .boundary = boundary_.empty() ? nullptr : &boundary_.front(),
            .session = session_,
            .has_session_policies = case_.session.has_value(),
            .service_control = service_control_,
            .resource_control = resource_control_,
            .management_account = case_.management_account,
            .resource = resource_.empty() ? nullptr : &resource_.front(),
            .resource_rule = case_.own_rule ? ResourceRule::Own : ResourceRule::Either,
            .key_grant = case_.key_grant};
  }

  // In the words of Naive::answer.
  std::string answer() const {
    const auto decision = evaluate(case_.request, view());
    const std::string_view verb = decision.outcome == Outcome::Allowed        ? "allow "
                                  : decision.outcome == Outcome::ExplicitDeny ? "deny "
                                                                              : "lack ";
    return std::string(verb).append(policy_type_name(decision.type));
  }

 private:
  static std::vector<AttachedPolicy> attach(const std::vector<std::string>& texts, Kind kind) {
    std::vector<AttachedPolicy> out;
    for (const auto& text : texts) {
      auto document = parse(text, {.kind = kind});
      TRACCIA_ASSERT(document);
      out.push_back({"policy", std::make_shared<const Document>(std::move(document).value())});
    }
    return out;
  }

  const Case& case_;
  std::vector<AttachedPolicy> identity_, boundary_, session_, resource_;
  std::vector<ControlLevel> service_control_, resource_control_;
};

}  // namespace traccia::policy
