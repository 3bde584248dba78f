// Sixteen characters at a time where the processor has SSE2, else one by one through a table.
// SPDX-License-Identifier: Apache-2.0
#include "history/char_map.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <algorithm>
#include <cstring>

namespace traccia::history {
namespace {

constexpr uint64_t low_bits(size_t count) {
  return count >= CharMap::kWordBits ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
}

#ifdef __SSE2__

// Bits of the bytes from `first` to `last`; both below 128.
uint64_t in_range(__m128i bytes, char first, char last) {
  // Shifted so that the range ends at the largest signed value.
  const auto shifted = _mm_add_epi8(bytes, _mm_set1_epi8(static_cast<char>(127 - last)));
  const auto found =
      _mm_cmpgt_epi8(shifted, _mm_set1_epi8(static_cast<char>(126 - (last - first))));
  return static_cast<uint32_t>(_mm_movemask_epi8(found));
}

uint64_t equal_to(__m128i bytes, char wanted) {
  return static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(wanted))));
}

#endif

}  // namespace

void CharMap::read(std::string_view text) {
  size_ = text.size();
  const auto words = size_ / kWordBits + 2;
  for (auto& set : sets_) {
    if (set.size() < words) set.resize(words);
  }
  const auto whole = size_ / kWordBits;
  for (size_t word = 0; word < whole; ++word) classify(text.data() + word * kWordBits, word);
  // '_' is in no set.
  std::array<char, kWordBits> rest;
  rest.fill('_');
  if (size_ > whole * kWordBits) {
    std::memcpy(rest.data(), text.data() + whole * kWordBits, size_ - whole * kWordBits);
  }
  classify(rest.data(), whole);
  for (auto& set : sets_) set[whole + 1] = 0;
  find_run_digits(whole + 1);
}

// A run's first character and the seven behind it are of the set: by doubling, first for the places
// where eight in a row begin, then for the eight from each of them.
void CharMap::find_run_digits(size_t words) {
  static_assert(kRunMin == 8);
  uint64_t begins_before = 0;
  for (size_t word = 0; word < words; ++word) {
    const auto run = sets_[Run][word], next = sets_[Run][word + 1];
    const auto two = run & (run >> 1 | next << 63), next_two = next & next >> 1;
    const auto four = two & (two >> 2 | next_two << 62), next_four = next_two & next_two >> 2;
    const auto begins = four & (four >> 4 | next_four << 60);
    const auto of_two = begins | begins << 1 | begins_before >> 63;
    const auto before_two = begins_before | begins_before << 1;
    const auto of_four = of_two | of_two << 2 | before_two >> 62;
    const auto before_four = before_two | before_two << 2;
    const auto of_eight = of_four | of_four << 4 | before_four >> 60;
    sets_[RunDigit][word] = sets_[Digit][word] & of_eight;
    begins_before = begins;
  }
}

#ifdef __SSE2__

void CharMap::classify(const char* bytes, size_t word) {
  std::array<uint64_t, kSets> found{};
  for (size_t at = 0; at < kWordBits; at += sizeof(__m128i)) {
    const auto piece = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + at));
    const auto digit = in_range(piece, '0', '9'), capital = in_range(piece, 'A', 'Z');
    const auto small = in_range(piece, 'a', 'z');
    found[Digit] |= digit << at;
    found[HexDigit] |= (digit | in_range(piece, 'a', 'f')) << at;
    found[Base32] |= (capital | in_range(piece, '2', '7')) << at;
    found[Capital] |= capital << at;
    found[Small] |= small << at;
    found[Run] |= (digit | capital | small | equal_to(piece, '+') | equal_to(piece, '/')) << at;
    found[Mark] |= in_range(piece, 0, kMarkBytes - 1) << at;
  }
  for (size_t set = 0; set < RunDigit; ++set) sets_[set][word] = found[set];
}

#else

namespace {

constexpr std::array<uint8_t, 256> make_sets() {
  std::array<uint8_t, 256> sets{};
  const auto add = [&](char first, char last, std::initializer_list<CharMap::Set> into) {
    for (int c = first; c <= last; ++c) {
      for (const auto set : into) sets[static_cast<size_t>(c)] |= static_cast<uint8_t>(1U << set);
    }
  };
  add('0', '9', {CharMap::Digit, CharMap::HexDigit, CharMap::Run});
  add('a', 'f', {CharMap::HexDigit});
  add('a', 'z', {CharMap::Small, CharMap::Run});
  add('A', 'Z', {CharMap::Capital, CharMap::Base32, CharMap::Run});
  add('2', '7', {CharMap::Base32});
  add('+', '+', {CharMap::Run});
  add('/', '/', {CharMap::Run});
  add(0, CharMap::kMarkBytes - 1, {CharMap::Mark});
  return sets;
}
constexpr auto kSetsOf = make_sets();

}  // namespace

void CharMap::classify(const char* bytes, size_t word) {
  std::array<uint64_t, kSets> found{};
  for (size_t at = 0; at < kWordBits; ++at) {
    const uint64_t sets = kSetsOf[static_cast<uint8_t>(bytes[at])];
    for (size_t set = 0; set < RunDigit; ++set) found[set] |= (sets >> set & 1) << at;
  }
  for (size_t set = 0; set < RunDigit; ++set) sets_[set][word] = found[set];
}

#endif

size_t CharMap::next_in(Set set, size_t at) const {
  const auto& words = sets_[set];
  if (at >= size_) return size_;
  auto word = at / kWordBits;
  auto bits = words[word] & ~low_bits(at % kWordBits);
  while (bits == 0) {
    if (++word * kWordBits >= size_) return size_;
    bits = words[word];
  }
  return word * kWordBits + static_cast<size_t>(std::countr_zero(bits));
}

size_t CharMap::next_not_in(Set set, size_t at) const {
  const auto& words = sets_[set];
  if (at >= size_) return size_;
  auto word = at / kWordBits;
  auto bits = ~words[word] & ~low_bits(at % kWordBits);
  while (bits == 0) {
    if (++word * kWordBits >= size_) return size_;
    bits = ~words[word];
  }
  return std::min(size_, word * kWordBits + static_cast<size_t>(std::countr_zero(bits)));
}

size_t CharMap::begin_of(Set set, size_t at) const {
  const auto& words = sets_[set];
  auto word = at / kWordBits;
  auto bits = ~words[word] & low_bits(at % kWordBits);
  while (bits == 0) {
    if (word == 0) return 0;
    bits = ~words[--word];
  }
  return (word + 1) * kWordBits - static_cast<size_t>(std::countl_zero(bits));
}

bool CharMap::all(Set set, size_t begin, size_t end) const {
  for (; begin < end; begin += kWordBits) {
    if ((~window(set, begin) & low_bits(end - begin)) != 0) return false;
  }
  return true;
}

bool CharMap::any(Set set, size_t begin, size_t end) const {
  for (; begin < end; begin += kWordBits) {
    if ((window(set, begin) & low_bits(end - begin)) != 0) return true;
  }
  return false;
}

size_t CharMap::changes(size_t begin, size_t end) const {
  size_t count = 0;
  // Neighbours are compared within a window, so windows share a place.
  for (; begin + 1 < end; begin += kWordBits - 1) {
    uint64_t differs = 0;
    for (const auto set : {Digit, Capital, Small}) {
      const auto bits = window(set, begin);
      differs |= bits ^ bits >> 1;
    }
    const auto pairs = std::min(end - begin - 1, kWordBits - 1);
    count += static_cast<size_t>(std::popcount(differs & low_bits(pairs)));
  }
  return count;
}

}  // namespace traccia::history
