// Requests and answers of Organizations.
// SPDX-License-Identifier: Apache-2.0
#include "api/organizations_call.h"

#include "base/bytes.h"
#include "policy/document.h"

namespace traccia::api::organizations {
namespace {

constexpr int64_t kItemsMax = 20;
constexpr std::string_view kTokenVersion = "o1:";

constexpr Member kMovementMembers[] = {{"AccountId", &kString},
                                       {"JoinedMethod", &kString},
                                       {"JoinedTime", &kTimestamp},
                                       {"DepartedMethod", &kString},
                                       {"DepartedTime", &kTimestamp}};
constexpr Shape kMovement = aws::structure_shape(kMovementMembers);

std::unexpected<Error> no_access() {
  return fail(ErrorCode::PermissionDenied, "AccessDenied",
              "You don't have permissions to access this resource.");
}

// "o-…/r-…/ou-…/" of a node.
Result<std::string> path_of(Call& call, const Organization& organization, std::string_view parent) {
  TRY_ASSIGN(const auto nodes,
             organization::ancestors(call.transaction, parent, organization.root));
  auto path = organization.id + '/';
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) path += *node + '/';
  return path;
}

}  // namespace

Result<Organization> own_organization(Call& call) {
  return call.services.organizations.get(call.transaction, call.caller.principal.account_id);
}

Result<Organization> managed_organization(Call& call) {
  TRY_ASSIGN(auto organization, own_organization(call));
  if (organization.management_account != call.caller.principal.account_id) return no_access();
  return organization;
}

Result<Organization> readable_organization(Call& call) {
  TRY_ASSIGN(auto organization, own_organization(call));
  const auto& account = call.caller.principal.account_id;
  if (organization.management_account == account) return organization;
  TRY_ASSIGN(const bool delegated,
             organization::is_delegated(call.transaction, organization, account));
  if (!delegated) return no_access();
  return organization;
}

organization::Tree tree(Call& call) {
  return {call.services.os, call.services.organizations};
}

organization::ControlPolicies control_policies(Call& call) {
  return {call.services.os, call.services.organizations};
}

std::unexpected<Error> invalid_pattern() {
  return fail(ErrorCode::InvalidArgument, "InvalidInput/INVALID_PATTERN",
              "You provided a value that does not match the required pattern.");
}

Result<std::string> read_text(const json::Object& input, std::string_view name,
                              bool (*has_form)(std::string_view)) {
  auto text = get_string(input, name);
  if (!has_form(text)) return invalid_pattern();
  return text;
}

Result<std::string> read_name(const json::Object& input, std::string_view name, size_t max) {
  auto text = get_string(input, name);
  if (text.empty()) {
    return fail(ErrorCode::InvalidArgument, "InvalidInput/MIN_LENGTH_EXCEEDED",
                "You provided a string parameter that is shorter than allowed.");
  }
  if (policy::count_characters(text, policy::Limits::WhiteSpace::Counted) > max) {
    return fail(ErrorCode::InvalidArgument, "InvalidInput/MAX_LENGTH_EXCEEDED",
                "You provided a string parameter that is longer than allowed.");
  }
  return text;
}

Result<identity::Cursor> read_cursor(const json::Object& input) {
  identity::Cursor cursor;
  const auto items = optional_integer(input, "MaxResults").value_or(kItemsMax);
  if (items < 1) {
    return fail(ErrorCode::InvalidArgument, "InvalidInput/MIN_VALUE_EXCEEDED",
                "You provided a numeric parameter that has a smaller value than allowed.");
  }
  if (items > kItemsMax) {
    return fail(ErrorCode::InvalidArgument, "InvalidInput/MAX_VALUE_EXCEEDED",
                "You provided a numeric parameter that has a larger value than allowed.");
  }
  cursor.items_max = static_cast<size_t>(items);
  const auto token = optional_string(input, "NextToken");
  if (!token) return cursor;
  const auto decoded = base64_decode(*token);
  if (!decoded || !decoded->starts_with(kTokenVersion)) {
    return fail(ErrorCode::InvalidArgument, "InvalidInput/INVALID_NEXT_TOKEN",
                "Get the value for the NextToken parameter from the response to a previous call of "
                "the operation.");
  }
  cursor.after = decoded->substr(kTokenVersion.size());
  return cursor;
}

void write_page(json::Object& output, bool more, std::string_view last) {
  if (more) output["NextToken"] = base64_encode(std::string(kTokenVersion) + std::string(last));
}

Result<std::vector<identity::Tag>> read_tags(const json::Object& input) {
  std::vector<identity::Tag> tags;
  const auto* list = json::find(input, "Tags");
  if (list == nullptr || !list->is_array()) return tags;
  for (const auto& tag : list->get_array()) {
    TRY_ASSIGN(auto key, read_name(tag.as_object(), "Key"));
    auto value = get_string(tag.as_object(), "Value");
    if (policy::count_characters(value, policy::Limits::WhiteSpace::Counted) > 256) {
      return invalid_pattern();
    }
    tags.push_back({std::move(key), std::move(value)});
  }
  return tags;
}

Result<> tell(Call& call, const Organization& organization, std::string_view name,
              const Shape& shape, const json::Object& details) {
  TRY_ASSIGN(auto draft, service_event_draft(call.services.os, call.now,
                                             {.service = "organizations.amazonaws.com",
                                              .account = organization.management_account,
                                              .region = "us-east-1",
                                              .name = name,
                                              .details = aws::audit_parameters(shape, details)}));
  call.after_event.push_back(std::move(draft));
  return {};
}

Result<> tell_joined(Call& call, const Organization& organization, std::string_view account,
                     organization::JoinedMethod method) {
  const bool made = method == organization::JoinedMethod::Created;
  return tell(call, organization, "AccountJoinedOrganization", kMovement,
              {{"AccountId", account},
               {"JoinedMethod", made ? "Created" : "Invited"},
               {"JoinedTime", render(call.now)}});
}

Result<> tell_departed(Call& call, const Organization& organization, std::string_view account,
                       Departure departure) {
  return tell(call, organization, "AccountDepartedOrganization", kMovement,
              {{"AccountId", account},
               {"DepartedMethod", departure == Departure::Left ? "Left" : "Removed"},
               {"DepartedTime", render(call.now)}});
}

json::Value render(Time time) {
  return aws::encode_timestamp(floor_seconds(time));
}

json::Object render(const Organization& organization, std::string_view management_email) {
  const bool all = organization.features == organization::FeatureSet::All;
  json::Array types;
  if (all) types.push_back(json::Object{{"Type", kServiceControl}, {"Status", "ENABLED"}});
  const auto& management = organization.management_account;
  return {{"Id", organization.id},
          {"Arn", organization.arn()},
          {"FeatureSet", all ? "ALL" : "CONSOLIDATED_BILLING"},
          {"MasterAccountArn", organization.arn_of("account", management)},
          {"MasterAccountId", management},
          {"MasterAccountEmail", management_email},
          {"AvailablePolicyTypes", std::move(types)}};
}

json::Object render_root(const Organization& organization) {
  json::Array types;
  if (organization.controls_enabled) {
    types.push_back(json::Object{{"Type", kServiceControl}, {"Status", "ENABLED"}});
  }
  return {{"Id", organization.root},
          {"Arn", organization.arn_of("root", organization.root)},
          {"Name", "Root"},
          {"PolicyTypes", std::move(types)}};
}

Result<json::Object> render(Call& call, const Organization& organization,
                            const organization::Member& member) {
  const bool active = member.account.state == identity::AccountState::Active;
  const bool invited = member.method == organization::JoinedMethod::Invited;
  TRY_ASSIGN(const auto parent, path_of(call, organization, member.parent));
  return json::Object{{"Id", member.account.id},
                      {"Arn", organization.arn_of("account", member.account.id)},
                      {"Email", member.account.email},
                      {"Name", member.account.name},
                      {"Status", active ? "ACTIVE" : "SUSPENDED"},
                      {"State", active ? "ACTIVE" : "CLOSED"},
                      {"Paths", json::Array{json::Value(parent + member.account.id + '/')}},
                      {"JoinedMethod", invited ? "INVITED" : "CREATED"},
                      {"JoinedTimestamp", render(member.joined)}};
}

Result<json::Object> render(Call& call, const Organization& organization,
                            const organization::Unit& unit) {
  TRY_ASSIGN(const auto parent, path_of(call, organization, unit.parent));
  return json::Object{{"Id", unit.id},
                      {"Arn", organization.arn_of("ou", unit.id)},
                      {"Name", unit.name},
                      {"Path", parent + unit.id + '/'}};
}

}  // namespace traccia::api::organizations
