// Content of blobs that is kept small rather than at hand.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "blob/blob.h"

namespace traccia::blob {

// Of the content, each packed by itself: what a read of a few bytes costs.
inline constexpr size_t kFrameBytes = 1 << 20;

// u32 count of the frames, u32 length of each, then the frames: zstd of kFrameBytes of the content,
// the last of less. nullopt where it would save less than one byte in twenty.
std::optional<std::string> pack(std::string_view bytes);

// The content of `size` bytes that was packed into what `packed` reads. DataLoss when it is not
// what pack() made.
Result<std::unique_ptr<Reader>> unpacking_reader(std::unique_ptr<Reader> packed, uint64_t size);

}  // namespace traccia::blob
