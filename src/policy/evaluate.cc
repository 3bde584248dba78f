// The order of AWS's policy evaluation.
// SPDX-License-Identifier: Apache-2.0
#include "policy/evaluate.h"

#include <algorithm>

namespace traccia::policy {
namespace {

bool names_action(const Statement& statement, const Request& request) {
  const bool named = std::ranges::any_of(statement.actions, [&](const Pattern& action) {
    return action.matches(request.action, request.context);
  });
  return named != statement.not_action;
}

bool names_resource(const Statement& statement, const Request& request) {
  if (statement.resources.empty()) return true;  // a trust policy
  const bool named = std::ranges::any_of(statement.resources, [&](const ArnPattern& resource) {
    return resource.matches(request.resource, request.context);
  });
  return named != statement.not_resource;
}

bool conditions_hold(const Statement& statement, const Request& request) {
  return std::ranges::all_of(statement.conditions, [&](const Condition& condition) {
    return condition.holds(request.context);
  });
}

// How the statement's Principal element means the caller; Direct where there is no such element.
Grant grant_of(const Statement& statement, const Request& request) {
  if (statement.principals.empty()) return Grant::Direct;
  if (!statement.not_principal) return matches_principal(statement.principals, request.principal);
  return spares(statement.principals, request.principal) ? Grant::None : Grant::Direct;
}

bool applies_to_named(const Statement& statement, const Request& request) {
  return names_action(statement, request) && names_resource(statement, request) &&
         conditions_hold(statement, request);
}

// What one group of policies says: the first Deny, and the Allow that grants most.
struct Verdict {
  const AttachedPolicy* policy = nullptr;  // of the Allow, or of the Deny when there is one
  const Statement* statement = nullptr;
  bool denied = false;
  Grant grant = Grant::None;

  bool allowed() const { return grant != Grant::None; }

  void ask(const AttachedPolicy& attached, const Request& request) {
    for (const auto& one : attached.document->statements) {
      const bool deny = one.effect == Effect::Deny;
      if (denied) return;
      if (!deny && grant == Grant::Direct) continue;
      const auto found = grant_of(one, request);
      if (found == Grant::None || (!deny && found <= grant)) continue;
      if (!applies_to_named(one, request)) continue;
      denied = deny;
      if (!deny) grant = found;
      policy = &attached;
      statement = &one;
    }
  }
};

Verdict ask(std::span<const AttachedPolicy> policies, const Request& request) {
  Verdict verdict;
  for (const auto& attached : policies) verdict.ask(attached, request);
  return verdict;
}

Verdict ask(const AttachedPolicy* attached, const Request& request) {
  Verdict verdict;
  if (attached != nullptr) verdict.ask(*attached, request);
  return verdict;
}

bool has_no_account(const Principal& principal) {
  return principal.kind == PrincipalKind::Anonymous || principal.kind == PrincipalKind::Service ||
         principal.kind == PrincipalKind::Federated;
}

bool service_control_counts(const Request& request, const PoliciesView& policies) {
  const auto& principal = request.principal;
  return !has_no_account(principal) && !principal.service_linked_role &&
         (policies.management_account.empty() || principal.account != policies.management_account);
}

std::string_view account_of_resource(const Request& request) {
  return request.resource_account.empty() ? request.principal.account : request.resource_account;
}

bool resource_control_counts(const Request& request, const PoliciesView& policies) {
  if (policies.resource_control.empty() || request.principal.service_linked_role) return false;
  if (!policies.management_account.empty() &&
      account_of_resource(request) == policies.management_account) {
    return false;
  }
  return covered_by_resource_control(request.action);
}

PolicyType type_of_resource(const PoliciesView& policies) {
  const bool trust =
      policies.resource != nullptr && policies.resource->document->kind == Kind::Trust;
  return trust ? PolicyType::Trust : PolicyType::Resource;
}

Decision deny(PolicyType type, const Verdict& verdict, const ControlLevel* level = nullptr) {
  return {Outcome::ExplicitDeny, type, verdict.policy, verdict.statement, level};
}
Decision missing(PolicyType type, const ControlLevel* level = nullptr) {
  return {Outcome::ImplicitDeny, type, nullptr, nullptr, level};
}
Decision allow(PolicyType type, const Verdict& verdict) {
  return {Outcome::Allowed, type, verdict.policy, verdict.statement, nullptr};
}

// Every level of SCPs or RCPs: a Deny, or the first level of SCPs that lacks an Allow.
struct Levels {
  std::optional<Decision> denied;
  std::optional<Decision> lacking;

  void ask(std::span<const ControlLevel> levels, PolicyType type, const Request& request) {
    for (const auto& level : levels) {
      const auto verdict = policy::ask(std::span(level.policies), request);
      if (verdict.denied) {
        denied = deny(type, verdict, &level);
        return;
      }
      if (!verdict.allowed() && !lacking) lacking = missing(type, &level);
    }
  }
};

// What the policies other than SCPs and RCPs say, once each.
struct Verdicts {
  Verdict resource;
  Verdict identity;
  Verdict boundary;
  Verdict session;
};

Decision decide(const Request& request, const PoliciesView& policies, const Verdicts& said) {
  const auto resource_type = type_of_resource(policies);
  const auto grant = policies.key_grant ? Grant::Direct : said.resource.grant;
  const auto by_resource = [&] {
    return said.resource.allowed() ? allow(resource_type, said.resource)
                                   : allow(PolicyType::None, {});  // a KMS grant
  };
  if (has_no_account(request.principal)) {
    return grant == Grant::None ? missing(resource_type) : by_resource();
  }
  const bool same_account = account_of_resource(request) == request.principal.account;
  if (grant == Grant::None && (!same_account || policies.resource_rule == ResourceRule::Own)) {
    return missing(resource_type);
  }
  if (grant == Grant::Direct && same_account) return by_resource();

  const bool root = request.principal.kind == PrincipalKind::Root;
  const bool by_role = same_account && grant == Grant::Issuer;
  if (!said.identity.allowed() && !root && !by_role) return missing(PolicyType::Identity);
  if (policies.boundary != nullptr && !said.boundary.allowed()) {
    return missing(PolicyType::Boundary);
  }
  if (policies.has_session_policies && !said.session.allowed()) {
    return missing(PolicyType::Session);
  }
  if (said.identity.allowed()) return allow(PolicyType::Identity, said.identity);
  return by_role ? by_resource() : allow(PolicyType::None, {});
}

void list(std::span<const AttachedPolicy> policies, PolicyType type, const ControlLevel* level,
          const Request& request, std::vector<MatchedStatement>& out) {
  for (const auto& attached : policies) {
    for (const auto& statement : attached.document->statements) {
      if (applies(statement, request)) out.push_back({type, &attached, &statement, level});
    }
  }
}

}  // namespace

bool applies(const Statement& statement, const Request& request) {
  return grant_of(statement, request) != Grant::None && applies_to_named(statement, request);
}

Decision evaluate(const Request& request, const PoliciesView& policies) {
  Levels service_control, resource_control;
  if (service_control_counts(request, policies)) {
    service_control.ask(policies.service_control, PolicyType::ServiceControl, request);
    if (service_control.denied) return *service_control.denied;
  }
  if (resource_control_counts(request, policies)) {
    resource_control.ask(policies.resource_control, PolicyType::ResourceControl, request);
    if (resource_control.denied) return *resource_control.denied;
  }
  Verdicts said;
  said.resource = ask(policies.resource, request);
  if (said.resource.denied) return deny(type_of_resource(policies), said.resource);
  if (!has_no_account(request.principal)) {
    said.identity = ask(policies.identity, request);
    if (said.identity.denied) return deny(PolicyType::Identity, said.identity);
    said.boundary = ask(policies.boundary, request);
    if (said.boundary.denied) return deny(PolicyType::Boundary, said.boundary);
    said.session = ask(policies.session, request);
    if (said.session.denied) return deny(PolicyType::Session, said.session);
  }
  if (service_control.lacking) return *service_control.lacking;
  return decide(request, policies, said);
}

Explanation explain(const Request& request, const PoliciesView& policies) {
  Explanation out{evaluate(request, policies), {}};
  if (service_control_counts(request, policies)) {
    for (const auto& level : policies.service_control) {
      list(level.policies, PolicyType::ServiceControl, &level, request, out.matched);
    }
  }
  if (resource_control_counts(request, policies)) {
    for (const auto& level : policies.resource_control) {
      list(level.policies, PolicyType::ResourceControl, &level, request, out.matched);
    }
  }
  if (policies.resource != nullptr) {
    list({policies.resource, 1}, type_of_resource(policies), nullptr, request, out.matched);
  }
  if (has_no_account(request.principal)) return out;
  list(policies.identity, PolicyType::Identity, nullptr, request, out.matched);
  if (policies.boundary != nullptr) {
    list({policies.boundary, 1}, PolicyType::Boundary, nullptr, request, out.matched);
  }
  list(policies.session, PolicyType::Session, nullptr, request, out.matched);
  return out;
}

}  // namespace traccia::policy
