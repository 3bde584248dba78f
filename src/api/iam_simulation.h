// A simulated request: whose policies, which keys, and what the policy engine says.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/iam_call.h"
#include "organization/organizations.h"
#include "policy/evaluate.h"

namespace traccia::api::iam {

// What IAM's simulators are given. Owned by one call.
struct Simulation {
  // Without action and resource.
  policy::Request request = {};
  std::vector<policy::AttachedPolicy> identity = {};
  std::optional<policy::AttachedPolicy> boundary = {};
  std::optional<policy::AttachedPolicy> resource = {};
  // Of the principal's account; none of a custom simulation.
  std::shared_ptr<const organization::Membership> membership = {};
};

// The user, group or role of the caller's account that PolicySourceArn names. Reasons:
// InvalidInput, NoSuchEntity.
Result<identity::Entity> source_entity(Call& call);

// Its policies and boundary, and the request as it would make it: of a user or role with the keys
// of the principal, of a group with none.
Result<> add_source(Call& call, const identity::Entity& source, Simulation& simulation);
// PolicyInputList, PermissionsBoundaryPolicyInputList (one at most; in place of the source's),
// ResourcePolicy, CallerArn, ResourceOwner, ContextEntries. Reason InvalidInput.
Result<> add_input(Call& call, Simulation& simulation);

// The context keys that its policies read, each once.
std::vector<std::string> keys_read(const Simulation& simulation);

// The decision, under the name `decision_member`, with MatchedStatements and
// PermissionsBoundaryDecisionDetail of one action on one resource; of EvalDecision also
// OrganizationsDecisionDetail where the account has an organization.
json::Object judge(const Simulation& simulation, std::string_view action, std::string_view resource,
                   std::string_view decision_member);

}  // namespace traccia::api::iam
