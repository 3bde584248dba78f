// The letters of IAM's unique ids and secrets.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace traccia::identity {

inline constexpr std::string_view kIdLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
inline constexpr std::string_view kSecretLetters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace traccia::identity
