// Memory that is handed out piece by piece and given back as a whole.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/assert.h"

namespace traccia {

// Pieces stay where they are until the arena is destroyed. Owned by one thread while it grows, then
// immutable.
class Arena {
 public:
  static constexpr size_t kChunkBytesMax = 512 << 10;  // larger pieces have a chunk of their own

  // The first chunk has `first_chunk_bytes`, each further one twice as much up to kChunkBytesMax.
  explicit Arena(size_t first_chunk_bytes)
      : next_chunk_bytes_(std::min(first_chunk_bytes, kChunkBytesMax)) {}

  // At least `bytes` of room, right behind what was taken last unless a new chunk is needed.
  char* room(size_t bytes) {
    if (bytes > static_cast<size_t>(end_ - at_)) add_chunk(bytes);
    return at_;
  }
  // Takes the first `bytes` of the room.
  void take(size_t bytes) {
    TRACCIA_ASSERT(bytes <= static_cast<size_t>(end_ - at_));
    at_ += bytes;
  }
  std::string_view copy(std::string_view text) {
    if (text.empty()) return {};
    char* const to = room(text.size());
    std::memcpy(to, text.data(), text.size());
    take(text.size());
    return {to, text.size()};
  }
  // `count` objects, not initialised.
  template <typename T>
  std::span<T> array(size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    void* raw = room(count * sizeof(T) + alignof(T));
    size_t space = count * sizeof(T) + alignof(T);
    TRACCIA_ASSERT(std::align(alignof(T), count * sizeof(T), raw, space) != nullptr);
    auto* const first = static_cast<T*>(raw);
    take(static_cast<size_t>(reinterpret_cast<char*>(first + count) - at_));
    return {first, count};
  }
  // What it holds from the system.
  uint64_t bytes() const { return bytes_; }

 private:
  void add_chunk(size_t bytes) {
    const auto size = std::max(bytes, next_chunk_bytes_);
    chunks_.emplace_back(new char[size]);  // not cleared
    at_ = chunks_.back().get();
    end_ = at_ + size;
    bytes_ += size;
    next_chunk_bytes_ = std::min(next_chunk_bytes_ * 2, kChunkBytesMax);
  }

  size_t next_chunk_bytes_;
  char* at_ = nullptr;
  char* end_ = nullptr;
  uint64_t bytes_ = 0;
  std::vector<std::unique_ptr<char[]>> chunks_;
};

}  // namespace traccia
