// Tells which sealed generations may hold a key, mostly with one access to memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "ingest/generation.h"

namespace traccia::ingest {

// A Bloom filter for each generation, laid side by side: a row has one bit a generation (its
// column), a key's rows share one cache line, so that one line answers for all of them. With 32
// rows a key of a generation, fewer than one key in five has a false candidate among 32
// generations. Not thread-safe.
class WindowFilter {
 public:
  static constexpr unsigned kColumns = 32;

  explicit WindowFilter(uint64_t keys_per_generation)
      : blocks_(std::bit_floor(keys_per_generation * 2)) {}

  // Bit c: column c may hold the key.
  uint32_t candidates(const RecordKey& key) const {
    if (rows_.empty()) return 0;
    const auto* block = &rows_[block_of(key) * kRows];
    uint32_t out = ~uint32_t{0};
    for (unsigned i = 0; i < kRowsPerKey; ++i) out &= block[row_of(key, i)];
    return out;
  }
  void prefetch(const RecordKey& key) const {
    if (!rows_.empty()) __builtin_prefetch(&rows_[block_of(key) * kRows]);
  }
  uint64_t rows() const { return blocks_ * kRows; }
  bool has_rows() const { return !rows_.empty(); }
  // Its memory: rows() zeros. Made apart, because that takes long.
  void set_rows(std::vector<uint32_t> rows) { rows_ = std::move(rows); }
  // Needs rows.
  void add(const RecordKey& key, unsigned column) {
    auto* block = &rows_[block_of(key) * kRows];
    for (unsigned i = 0; i < kRowsPerKey; ++i) block[row_of(key, i)] |= uint32_t{1} << column;
  }
  // Empties the column in the rows [from, to); needs rows.
  void clear(unsigned column, uint64_t from, uint64_t to) {
    const auto mask = ~(uint32_t{1} << column);
    for (auto row = from; row < to; ++row) rows_[row] &= mask;
  }

 private:
  static constexpr unsigned kRows = 16;  // of a block: 64 bytes
  static constexpr unsigned kRowsPerKey = 5;

  // By the key's first bits, so that keys in order fill the filter in order.
  uint64_t block_of(const RecordKey& key) const {
    return blocks_ == 1 ? 0 : key_prefix(key) >> (64 - std::countr_zero(blocks_));
  }
  static unsigned row_of(const RecordKey& key, unsigned i) {
    return static_cast<unsigned char>(key[8 + i]) % kRows;
  }

  uint64_t blocks_;  // a power of two
  std::vector<uint32_t> rows_;
};

}  // namespace traccia::ingest
