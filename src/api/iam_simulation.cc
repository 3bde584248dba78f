// Gathers what a simulation is about, asks the policy engine, renders what it says.
// SPDX-License-Identifier: Apache-2.0
#include "api/iam_simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "aws/arn.h"
#include "policy/context_keys.h"

namespace traccia::api::iam {
namespace {

constexpr std::string_view kPolicyInput = "PolicyInputList";
constexpr std::string_view kBoundaryInput = "PermissionsBoundaryPolicyInputList";

std::unexpected<Error> invalid(std::string message) {
  return fail(ErrorCode::InvalidArgument, "InvalidInput", std::move(message));
}

// "user/path/name" of an IAM ARN.
struct NamedEntity {
  std::string account;
  EntityKind kind = EntityKind::User;
  std::string name;
};

Result<NamedEntity> parse_entity_arn(std::string_view text) {
  const auto arn = aws::parse_arn(text);
  if (!arn || arn->service != "iam") return invalid(fmt::format("Invalid ARN: {}", text));
  const auto slash = arn->resource.find('/');
  const auto type = arn->resource.substr(0, slash);
  for (const auto kind : {EntityKind::User, EntityKind::Group, EntityKind::Role}) {
    if (slash == std::string::npos || type != entity_type(kind)) continue;
    return NamedEntity{arn->account, kind, arn->resource.substr(arn->resource.rfind('/') + 1)};
  }
  return invalid(
      fmt::format("Invalid Entity Arn: {} does not clearly define entity type and name.", text));
}

Result<policy::AttachedPolicy> parse_policy(std::string name, std::string_view text,
                                            policy::Kind kind) {
  auto limits = policy::limits_of({.kind = kind});
  limits.characters_max = limits.bytes_max;  // a simulation may be of more than can be stored
  auto document = policy::parse(text, {.kind = kind}, limits);
  if (!document) return invalid(fmt::format("{}: {}", name, document.error().message()));
  return policy::AttachedPolicy{std::move(name),
                                std::make_shared<const policy::Document>(std::move(*document))};
}

Result<> add_policies(const json::Object& input, std::string_view member, policy::Kind kind,
                      std::vector<policy::AttachedPolicy>& out) {
  const auto* list = json::find(input, member);
  if (list == nullptr || !list->is_array()) return {};
  size_t number = 0;
  for (const auto& text : list->get_array()) {
    TRY_ASSIGN(auto policy, parse_policy(fmt::format("{}.{}", member, ++number),
                                         std::string_view(text.as_string()), kind));
    out.push_back(std::move(policy));
  }
  return {};
}

// The caller of a simulation without a principal, or in place of it.
Result<> set_caller(std::string_view arn, policy::Request& request) {
  TRY_ASSIGN(const auto named, parse_entity_arn(arn));
  if (named.kind != EntityKind::User) {
    return invalid(fmt::format("CallerArn must be the ARN of a user: {}", arn));
  }
  request.principal = {.kind = policy::PrincipalKind::User,
                       .arn = std::string(arn),
                       .account = named.account,
                       .name = named.name};
  request.context = {};
  policy::set_principal_keys(request.context, request.principal);
  return {};
}

Result<> set_owner(std::string_view arn, policy::Request& request) {
  const auto parsed = aws::parse_arn(arn);
  const std::string account = parsed ? parsed->account : std::string(arn);
  if (!identity::valid_account_id(account)) {
    return invalid(fmt::format("ResourceOwner is no account: {}", arn));
  }
  request.resource_account = account;
  return {};
}

void set_context(const json::Object& input, policy::ContextKeys& context) {
  const auto* entries = json::find(input, "ContextEntries");
  if (entries == nullptr || !entries->is_array()) return;
  for (const auto& entry : entries->get_array()) {
    std::vector<std::string> values;
    const auto* list = json::find(entry.as_object(), "ContextKeyValues");
    if (list != nullptr && list->is_array()) {
      for (const auto& value : list->get_array()) values.emplace_back(value.as_string());
    }
    context.set(get_string(entry.as_object(), "ContextKeyName"), std::move(values));
  }
}

policy::PoliciesView view(const Simulation& simulation) {
  policy::PoliciesView out;
  out.identity = simulation.identity;
  if (simulation.boundary) out.boundary = &*simulation.boundary;
  if (simulation.resource) out.resource = &*simulation.resource;
  if (simulation.membership) {
    out.service_control = simulation.membership->service_control;
    out.management_account = simulation.membership->management_account;
  }
  return out;
}

std::string_view name_of(policy::Outcome outcome) {
  switch (outcome) {
    case policy::Outcome::Allowed:
      return "allowed";
    case policy::Outcome::ExplicitDeny:
      return "explicitDeny";
    case policy::Outcome::ImplicitDeny:
      return "implicitDeny";
  }
  return {};
}

json::Object render(const policy::Place& place) {
  return {{"Line", place.line}, {"Column", place.column}};
}

// Managed policies are called by name, what has no name in IAM as the simulation calls it.
json::Object render(const policy::MatchedStatement& matched) {
  const auto& name = matched.policy->name;
  const bool managed = name.starts_with("arn:");
  return {{"SourcePolicyId", managed ? name.substr(name.rfind('/') + 1) : name},
          {"SourcePolicyType",
           matched.type == policy::PolicyType::Resource ? "resource" : "IAM Policy"},
          {"StartPosition", render(matched.statement->place)},
          {"EndPosition", render(matched.statement->end)}};
}

// Boundaries and SCPs limit only.
bool grants(policy::PolicyType type) {
  return type == policy::PolicyType::Identity || type == policy::PolicyType::Resource;
}

// Of a denial only statements that deny ("EvaluationResult").
json::Array render_matched(const policy::Explanation& explanation) {
  const bool denied = explanation.decision.outcome == policy::Outcome::ExplicitDeny;
  json::Array out;
  for (const auto& matched : explanation.matched) {
    const bool denies = matched.statement->effect == policy::Effect::Deny;
    if (denies != denied || (!denies && !grants(matched.type))) continue;
    out.push_back(render(matched));
  }
  return out;
}

}  // namespace

Result<identity::Entity> source_entity(Call& call) {
  const auto arn = get_string(call.input, "PolicySourceArn");
  TRY_ASSIGN(const auto named, parse_entity_arn(arn));
  const auto missing = [&] {
    return fail(
        ErrorCode::NotFound, "NoSuchEntity",
        fmt::format("The {} with name {} cannot be found.", entity_type(named.kind), named.name));
  };
  if (named.account != call.caller.principal.account_id) return missing();
  TRY_ASSIGN(auto entity, call.services.identity.entities().get(
                              call.transaction, {named.account, named.kind, named.name}));
  if (entity.arn() != arn) return missing();
  return entity;
}

Result<> add_source(Call& call, const identity::Entity& source, Simulation& simulation) {
  TRY_ASSIGN(const auto own, call.services.identity.attachments().policies_of(
                                 call.transaction, source.account_id, source.id));
  simulation.identity = own->identity;
  TRY_ASSIGN(simulation.membership,
             call.services.organizations.membership_of(call.transaction, source.account_id));
  if (const auto* boundary = own->boundary_or_null()) simulation.boundary = *boundary;
  auto& principal = simulation.request.principal;
  principal.account = source.account_id;
  principal.kind = policy::PrincipalKind::User;
  if (source.kind == EntityKind::Group) return {};
  if (source.kind == EntityKind::User) {
    principal.arn = source.arn();
    principal.name = source.name;
    principal.unique_id = source.id;
  } else {
    principal.kind = policy::PrincipalKind::AssumedRole;
    principal.issuer_arn = source.arn();
  }
  auto& context = simulation.request.context;
  policy::set_principal_keys(context, principal);
  for (const auto& tag : own->tags) context.set("aws:PrincipalTag/" + tag.key, tag.value);
  return {};
}

Result<> add_input(Call& call, Simulation& simulation) {
  const auto& input = call.input;
  auto& request = simulation.request;
  TRY(add_policies(input, kPolicyInput, policy::Kind::Identity, simulation.identity));
  std::vector<policy::AttachedPolicy> boundaries;
  TRY(add_policies(input, kBoundaryInput, policy::Kind::Boundary, boundaries));
  if (boundaries.size() > 1) return invalid("Only one permissions boundary can be simulated.");
  if (!boundaries.empty()) simulation.boundary = std::move(boundaries.front());
  if (const auto caller = optional_string(input, "CallerArn")) TRY(set_caller(*caller, request));
  if (request.principal.account.empty()) {
    request.principal.kind = policy::PrincipalKind::User;
    request.principal.account = call.caller.principal.account_id;
  }
  if (const auto text = optional_string(input, "ResourcePolicy")) {
    if (request.principal.arn.empty()) {
      return invalid("CallerArn must be specified when a resource policy is simulated.");
    }
    TRY_ASSIGN(simulation.resource, parse_policy("ResourcePolicy", *text, policy::Kind::Resource));
  }
  if (const auto owner = optional_string(input, "ResourceOwner")) TRY(set_owner(*owner, request));
  set_context(input, request.context);
  return {};
}

std::vector<std::string> keys_read(const Simulation& simulation) {
  std::map<std::string, std::string> keys;  // by lower case, as they are first written
  const auto add = [&](const policy::AttachedPolicy& policy) {
    for (auto& key : policy::context_keys(*policy.document)) {
      keys.emplace(policy::to_lower(key), std::move(key));
    }
  };
  std::ranges::for_each(simulation.identity, add);
  if (simulation.boundary) add(*simulation.boundary);
  if (simulation.resource) add(*simulation.resource);
  std::vector<std::string> out;
  for (auto& [lower, key] : keys) out.push_back(std::move(key));
  return out;
}

json::Object judge(const Simulation& simulation, std::string_view action, std::string_view resource,
                   std::string_view decision_member) {
  auto request = simulation.request;
  request.action = action;
  request.resource = resource;
  const auto explanation = policy::explain(request, view(simulation));
  const auto& decision = explanation.decision;
  json::Object out{{decision_member, name_of(decision.outcome)},
                   {"MatchedStatements", render_matched(explanation)}};
  if (simulation.membership && !simulation.membership->organization.empty() &&
      decision_member == "EvalDecision") {
    const bool allowed = decision.allowed() || decision.type != policy::PolicyType::ServiceControl;
    out["OrganizationsDecisionDetail"] = json::Object{{"AllowedByOrganizations", allowed}};
  }
  if (simulation.boundary) {
    policy::PoliciesView boundary_alone;
    boundary_alone.identity = {&*simulation.boundary, 1};
    const bool allowed = policy::evaluate(request, boundary_alone).allowed();
    out["PermissionsBoundaryDecisionDetail"] =
        json::Object{{"AllowedByPermissionsBoundary", allowed}};
  }
  return out;
}

}  // namespace traccia::api::iam
