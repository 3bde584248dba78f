// What Organizations' operations do alike: find the caller's organization, read and write pages,
// render.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/operation_call.h"
#include "api/organizations_shapes.h"
#include "identity/page.h"
#include "identity/tags.h"
#include "organization/control_policies.h"
#include "organization/invitations.h"
#include "organization/organizations.h"
#include "organization/records.h"
#include "organization/tree.h"

namespace traccia::api::organizations {

using organization::Organization;

// Every operation, by family.
std::span<const Binding> organization_bindings();
std::span<const Binding> account_bindings();
std::span<const Binding> unit_bindings();
std::span<const Binding> policy_bindings();
std::span<const Binding> handshake_bindings();
std::span<const Binding> service_bindings();
std::span<const Binding> tag_bindings();

// The caller's organization: for everybody in it; for the management account and delegated
// administrators; for the management account. Reasons AWSOrganizationsNotInUse, AccessDenied.
Result<Organization> own_organization(Call& call);
Result<Organization> readable_organization(Call& call);
Result<Organization> managed_organization(Call& call);

organization::Tree tree(Call& call);
organization::ControlPolicies control_policies(Call& call);

// A text member of this form. Reason InvalidInput/INVALID_PATTERN.
Result<std::string> read_text(const json::Object& input, std::string_view name,
                              bool (*has_form)(std::string_view));
// At most so many characters, and one at least. Reason InvalidInput/….
Result<std::string> read_name(const json::Object& input, std::string_view name, size_t max = 128);
std::unexpected<Error> invalid_pattern();

// NextToken and MaxResults. Reason InvalidInput/….
Result<identity::Cursor> read_cursor(const json::Object& input);
// NextToken behind `last` when there is more.
void write_page(json::Object& output, bool more, std::string_view last);

Result<std::vector<identity::Tag>> read_tags(const json::Object& input);

// The first four parts of ARNs, pages and times as Organizations has them.
json::Object render(const Organization& organization, std::string_view management_email);
json::Object render_root(const Organization& organization);
Result<json::Object> render(Call& call, const Organization& organization,
                            const organization::Member& member);
Result<json::Object> render(Call& call, const Organization& organization,
                            const organization::Unit& unit);
json::Value render(Time time);

// Events of Organizations itself that follow the call's own, in the management account's history:
// "CreateAccountResult" and its like, and who has come or gone. `details` by a shape, so that
// names are masked.
Result<> tell(Call& call, const Organization& organization, std::string_view name,
              const Shape& shape, const json::Object& details);
Result<> tell_joined(Call& call, const Organization& organization, std::string_view account,
                     organization::JoinedMethod method);
enum class Departure : uint8_t { Left, Removed };
Result<> tell_departed(Call& call, const Organization& organization, std::string_view account,
                       Departure departure);

inline constexpr std::string_view kServiceControl = "SERVICE_CONTROL_POLICY";

}  // namespace traccia::api::organizations
