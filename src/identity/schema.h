// The tables of this module, in the order in which a data directory gets them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

namespace traccia::identity {

extern const std::string_view kSchema;
// Users, groups, roles and policies; turns the users of kSchema into entities.
extern const std::string_view kIamSchema;
// Names, addresses and states of accounts.
extern const std::string_view kAccountsSchema;
// Passwords, sign-in, credential reports.
extern const std::string_view kSigninSchema;
// MFA devices.
extern const std::string_view kMfaSchema;
// OpenID Connect providers.
extern const std::string_view kOidcSchema;
// When roles were last used.
extern const std::string_view kRoleUsesSchema;
// How requests to delete service-linked roles ended.
extern const std::string_view kRoleDeletionsSchema;

// The above in order, for tests of what works with this module alone.
std::vector<std::string_view> schemas();

}  // namespace traccia::identity
