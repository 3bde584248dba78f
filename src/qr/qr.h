// QR codes as pictures.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace traccia::qr {

inline constexpr unsigned kPixelsAModule = 4;
inline constexpr unsigned kQuietModules = 4;  // ISO/IEC 18004: the margin that readers need

// A PNG, black on white, of the smallest code that holds the text with medium error correction.
// InvalidArgument when no code does (beyond some 2300 bytes) or the text is empty.
Result<std::string> png(std::string_view text);

}  // namespace traccia::qr
