// The tables of this module.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace traccia::sns {

// After identity's, whose accounts it names.
extern const std::string_view kSchema;

}  // namespace traccia::sns
