// Whether a request is allowed, by which statement of which policy.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/document.h"
#include "policy/request.h"

namespace traccia::policy {

// A document and what it is called where it is attached: a policy's ARN, or an inline policy's
// name.
struct AttachedPolicy {
  std::string name = {};
  std::shared_ptr<const Document> document = {};
};

// The policies on one level of the organization's tree: the root, an OU, or the account.
struct ControlLevel {
  std::string node = {};  // "r-…", "ou-…", or the account's id
  std::vector<AttachedPolicy> policies = {};
};

// How a policy of the resource meets the identity policies of its own account.
enum class ResourceRule : uint8_t {
  Either,  // one of the two suffices
  Own,     // the resource's must allow, alone or by handing over to the account: KMS keys, trust
};

// Everything that applies to one request. Views what the caller keeps, for one call.
struct PoliciesView {
  // Of the user and its groups, or of the role. A federated user's are its issuer's.
  std::span<const AttachedPolicy> identity = {};
  const AttachedPolicy* boundary = nullptr;
  // The policies passed when the session was made; their union limits it. `has_session_policies`
  // with none of them allows nothing: GetFederationToken without a policy.
  std::span<const AttachedPolicy> session = {};
  bool has_session_policies = false;
  // SCPs on the path from the root to the principal's account; none outside of an organization, or
  // where the policy type is not enabled.
  std::span<const ControlLevel> service_control = {};
  // RCPs on the path to the resource's account. RCPFullAWSAccess need not be among them.
  std::span<const ControlLevel> resource_control = {};
  // The organization's management account: SCPs do not touch its principals, RCPs its resources.
  std::string_view management_account = {};
  // The resource's own policy, in sts:AssumeRole… the role's trust policy.
  const AttachedPolicy* resource = nullptr;
  ResourceRule resource_rule = ResourceRule::Either;
  // A KMS grant that covers the request allows as the key policy would, naming the caller itself.
  bool key_grant = false;
};

enum class Outcome : uint8_t { Allowed, ExplicitDeny, ImplicitDeny };

// Which policies, in the order in which they are asked.
enum class PolicyType : uint8_t {
  ServiceControl,
  ResourceControl,
  Resource,
  Trust,
  Identity,
  Boundary,
  Session,
  None,  // a root user's own right, or a KMS grant
};

// Views the request's policies: valid while they are.
struct Decision {
  Outcome outcome = Outcome::ImplicitDeny;
  // ExplicitDeny: where the Deny stands. ImplicitDeny: who should have allowed and did not.
  // Allowed: which gave the right; Identity also where a resource's policy handed over to the
  // account.
  PolicyType type = PolicyType::None;
  const AttachedPolicy* policy = nullptr;  // none for an implicit deny, and for PolicyType::None
  const Statement* statement = nullptr;
  // The level of an SCP or RCP.
  const ControlLevel* level = nullptr;

  bool allowed() const { return outcome == Outcome::Allowed; }
};

// A pure function of its arguments: no clock, no I/O, no allocation. The order is AWS's ("Policy
// evaluation logic"):
//
//   1. A Deny that applies in any policy decides: SCPs, RCPs, resource, identity, boundary,
//   session.
//   2. SCPs: some Allow on every level. Not for the management account, services, service-linked
//      roles and callers without an account.
//   3. RCPs only deny. Not for the management account's resources, service-linked roles, and
//      services they do not cover.
//   4. Same account: what the resource's policy grants to the caller itself (user, session,
//      federated user, service, everybody) stands alone. What it grants to the role behind a
//      session is limited by 6 and 7. What it grants to the account needs 5, as if there were none.
//   5. Identity policies: some Allow. A root user needs none.
//   6. The permissions boundary must allow.  7. The session policies must allow.
//   Other account: the resource's policy must allow in any form, and 5, 6 and 7 the caller's side.
//   ResourceRule::Own: without a grant of the resource's policy 5 does not count.
//   Services, anonymous and federated callers have no identity policies: the resource's decides.
//
// Time is that of matching each statement once.
Decision evaluate(const Request& request, const PoliciesView& policies);

// One statement that applies to a request.
struct MatchedStatement {
  PolicyType type = PolicyType::None;
  const AttachedPolicy* policy = nullptr;
  const Statement* statement = nullptr;
  const ControlLevel* level = nullptr;
};
struct Explanation {
  Decision decision = {};
  // All that apply, also where the decision did not need them: SCPs of the principal's and RCPs of
  // the resource's account only where they count.
  std::vector<MatchedStatement> matched = {};
};
// For SimulatePrincipalPolicy and people: the same decision, with what led to it. Allocates.
Explanation explain(const Request& request, const PoliciesView& policies);

// Whether a statement applies to a request, whatever its effect.
bool applies(const Statement& statement, const Request& request);

}  // namespace traccia::policy
