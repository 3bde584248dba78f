// The principals of a role's trust policy, bound to who they are.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "meta/database.h"

namespace traccia::identity {

// The trust policy as it is stored: users and roles by unique id in place of their ARNs, so that
// who comes later under the same name is not trusted ("AWS JSON policy elements: Principal").
// MalformedPolicyDocument when a user, role or account that is named does not exist. The text must
// be a trust policy.
Result<std::string> bind_trust(meta::Transaction& transaction, std::string_view document);

// The stored policy as it is shown: ARNs in place of the ids of users and roles that exist.
Result<std::string> show_trust(meta::Transaction& transaction, std::string_view stored);

}  // namespace traccia::identity
