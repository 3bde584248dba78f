// The word is chosen by the hash's upper half, the bits in it by its lower one.
// SPDX-License-Identifier: Apache-2.0
#include "history/key_filter.h"

#include <xxhash.h>

namespace traccia::history {
namespace {

// Apart from the hashes of terms.
uint64_t hash_of_id(uint32_t hash) {
  return XXH3_64bits_withSeed(&hash, sizeof hash, 1);
}

uint64_t hash_of_term(std::string_view term) {
  return XXH3_64bits(term.data(), term.size());
}

uint64_t bits_of(uint64_t hash) {
  return uint64_t{1} << (hash & 63) | uint64_t{1} << (hash >> 6 & 63) |
         uint64_t{1} << (hash >> 12 & 63) | uint64_t{1} << (hash >> 18 & 63);
}

}  // namespace

size_t KeyFilter::word_of(uint64_t hash) const {
  return static_cast<size_t>((hash >> 32) * words_.size() >> 32);
}

void KeyFilter::add(uint64_t hash) {
  words_[word_of(hash)] |= bits_of(hash);
}

bool KeyFilter::may_hold(uint64_t hash) const {
  const auto bits = bits_of(hash);
  return (words_[word_of(hash)] & bits) == bits;
}

void KeyFilter::add_term(std::string_view term) {
  add(hash_of_term(term));
}

void KeyFilter::add_id(uint32_t hash) {
  add(hash_of_id(hash));
}

bool KeyFilter::may_hold_term(std::string_view term) const {
  return may_hold(hash_of_term(term));
}

bool KeyFilter::may_hold_id(uint32_t hash) const {
  return may_hold(hash_of_id(hash));
}

}  // namespace traccia::history
