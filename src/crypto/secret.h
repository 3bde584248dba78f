// Secret bytes that do not outlive their use.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace traccia::crypto {

// Wiped when it goes, and so is what it was made of. Immutable and thread-safe but for moves.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string bytes);
  ~Secret();
  Secret(Secret&&) noexcept = default;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  std::string_view view() const { return {bytes_.data(), bytes_.size()}; }

 private:
  void wipe();

  std::vector<char> bytes_;  // never inside of the object, so that a move leaves nothing behind
};

}  // namespace traccia::crypto
