// Where a text holds which characters, as bits: questions about a run are a few operations on
// words. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace traccia::history {

// Owned by one thread; keeps its memory from text to text.
class CharMap {
 public:
  enum Set : uint8_t {
    Digit,     // 0-9
    HexDigit,  // 0-9 a-f
    Base32,    // A-Z 2-7
    Capital,   // A-Z
    Small,     // a-z
    Run,       // A-Z a-z 0-9 + /
    Mark,      // bytes below kMarkBytes
    RunDigit,  // 0-9 in kRunMin or more of Run
    kSets
  };
  static constexpr uint8_t kMarkBytes = 5;
  static constexpr size_t kRunMin = 8;
  static constexpr size_t kWordBits = 64;

  void read(std::string_view text);

  // The first place from `at` on whose character is (not) in the set; the text's size: none.
  size_t next_in(Set set, size_t at) const;
  size_t next_not_in(Set set, size_t at) const;
  // One behind the last place before `at` whose character is not in the set; 0: none.
  size_t begin_of(Set set, size_t at) const;

  // Whether all, or any, of the stretch is in the set. Its places lie within the text.
  bool all(Set set, size_t begin, size_t end) const;
  bool any(Set set, size_t begin, size_t end) const;
  // How often the character's kind (capital, small letter, figure, other) changes in the stretch.
  size_t changes(size_t begin, size_t end) const;
  // Bit i: whether the character at begin + i is in the set; 0 beyond the text.
  uint64_t window(Set set, size_t begin) const {
    const auto& words = sets_[set];
    const auto word = begin / kWordBits, bit = begin % kWordBits;
    const auto low = words[word] >> bit;
    return bit == 0 ? low : low | words[word + 1] << (kWordBits - bit);
  }

 private:
  void classify(const char* bytes, size_t word);
  void find_run_digits(size_t words);

  size_t size_ = 0;
  std::array<std::vector<uint64_t>, kSets> sets_;  // a word more than the text needs
};

}  // namespace traccia::history
