// Which keys of a request context a policy reads.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "policy/document.h"

namespace traccia::policy {

// The keys of conditions and of policy variables, as they are written first, each once whatever its
// case, sorted without regard to case ("GetContextKeysForCustomPolicy").
std::vector<std::string> context_keys(const Document& document);

}  // namespace traccia::policy
