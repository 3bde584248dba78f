// The letters of IAM's unique ids.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace traccia::identity {

inline constexpr std::string_view kIdLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

}  // namespace traccia::identity
