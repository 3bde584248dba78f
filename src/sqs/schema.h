// The tables of this module.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace traccia::sqs {

// After identity's, whose accounts it names.
extern const std::string_view kSchema;
extern const std::string_view kRecentSchema;  // follow it
extern const std::string_view kSealingSchema;

}  // namespace traccia::sqs
