// The tables of this module, in the order in which a data directory gets them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace traccia::identity {

extern const std::string_view kSchema;
// Users, groups, roles and policies; turns the users of kSchema into entities.
extern const std::string_view kIamSchema;
extern const std::string_view kSigninSchema;

}  // namespace traccia::identity
