// Replaces the names of principals in the text of a policy.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace traccia::policy {

// What shall stand in place of an entry of type AWS; nullopt: it stays. Its error ends the walk.
using RenamePrincipal = std::function<Result<std::optional<std::string>>(std::string_view entry)>;

// Asks for every entry of the Principal and NotPrincipal elements that is of type AWS, in their
// order, and gives the text with the answers in place; all else stays byte for byte. The text must
// have been parsed as a policy: InvalidArgument when it is no JSON.
Result<std::string> rename_principals(std::string_view text, const RenamePrincipal& rename);

}  // namespace traccia::policy
