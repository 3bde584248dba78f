// The principals of trust policies and key policies, bound to who they are.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "meta/database.h"

namespace traccia::identity {

// The policy as it is stored: users and roles by unique id in place of their ARNs, so that who
// comes later under the same name is not meant ("AWS JSON policy elements: Principal").
// MalformedPolicyDocument when a user, role or account that is named does not exist. The text must
// have been parsed as a policy with principals.
Result<std::string> bind_principals(meta::Transaction& transaction, std::string_view document);

// One principal out of such a policy, as bind_principals() would store it.
Result<std::string> bind_principal(meta::Transaction& transaction, std::string_view entry);

// The stored policy as it is shown: ARNs in place of the ids of users and roles that exist.
Result<std::string> show_principals(meta::Transaction& transaction, std::string_view stored);

}  // namespace traccia::identity
