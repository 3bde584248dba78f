// Small fast random numbers that are a pure function of what they are for.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace traccia::load {

// The finaliser of SplitMix64: every bit of the input moves every bit of the output.
constexpr uint64_t mix(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

constexpr uint64_t mix(uint64_t a, uint64_t b) {
  return mix(mix(a + 0x9e3779b97f4a7c15ULL) ^ b);
}

// SplitMix64. owned by one thread.
class Random {
 public:
  using result_type = uint64_t;
  explicit constexpr Random(uint64_t seed) : state_(seed) {}
  static constexpr uint64_t min() { return 0; }
  static constexpr uint64_t max() { return UINT64_MAX; }
  constexpr uint64_t operator()() { return mix(state_ += 0x9e3779b97f4a7c15ULL); }
  constexpr uint64_t below(uint64_t bound) { return (*this)() % bound; }

 private:
  uint64_t state_;
};

}  // namespace traccia::load
