// Which nodes, policies and handshakes a call is authorised on.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api/access.h"
#include "api/organizations_call.h"

namespace traccia::api::organizations {
namespace {

// What may be named beside the first resource, and is authorised alike: a policy's target, and
// whence and where an account moves ("Actions, resources, and condition keys for AWS
// Organizations").
constexpr std::string_view kFurther[] = {"TargetId", "SourceParentId", "DestinationParentId"};

// A text of no known form names nothing that a policy could.
std::string arn_of(const Organization& organization, std::string_view id) {
  if (is_account_id(id)) return organization.arn_of("account", id);
  if (is_root_id(id)) return organization.arn_of("root", id);
  if (is_unit_id(id)) return organization.arn_of("ou", id);
  if (is_handshake_id(id)) return organization.arn_of("handshake", fmt::format("invite/{}", id));
  if (id == organization::kFullAccess) {
    return fmt::format("arn:aws:organizations::aws:policy/service_control_policy/{}", id);
  }
  if (!is_policy_id(id)) return organization.arn_of("unknown", id);
  return organization.arn_of("policy", fmt::format("service_control_policy/{}", id));
}

// The organization that a handshake is of, which its receiver does not belong to; else the
// caller's. "o-none" where there is none.
Result<Organization> find_organization(Call& call, std::string_view name) {
  auto& organizations = call.services.organizations;
  const auto& account = call.caller.principal.account_id;
  const Organization none{.id = "o-none", .management_account = account};
  if (!is_handshake_id(name)) {
    TRY_ASSIGN(auto found, organizations.find(call.transaction, account));
    return std::move(found).value_or(none);
  }
  auto nodes = tree(call);
  organization::Invitations invitations(call.services.os, organizations, nodes);
  const auto found = invitations.get(call.transaction, account, name);
  if (!found && found.error().code() == ErrorCode::NotFound) return none;
  if (!found) return std::unexpected(found.error());
  return organizations.get_by_id(call.transaction, found->organization);
}

}  // namespace

Result<> resolve(Call& call, const aws::Operation& operation, std::string_view name,
                 std::vector<Ask>& asks) {
  TRY_ASSIGN(const auto organization, find_organization(call, name));
  const auto add = [&](std::string_view id) -> Result<> {
    Ask ask{.action = operation.iam_action, .resource = arn_of(organization, id)};
    TRY_ASSIGN(const auto tags, organization::list_tags(call.transaction, organization, id));
    for (const auto& tag : tags) ask.add_key("aws:ResourceTag/" + tag.key, tag.value);
    // A request that names a policy means its type.
    if (is_policy_id(name) && takes_key(operation, "organizations:PolicyType")) {
      ask.add_key("organizations:PolicyType", kServiceControl);
    }
    asks.push_back(std::move(ask));
    return {};
  };
  TRY(add(name));
  for (const auto member : kFurther) {
    if (member == operation.access.named_by) continue;
    if (const auto id = optional_string(call.input, member)) TRY(add(*id));
  }
  return {};
}

}  // namespace traccia::api::organizations
