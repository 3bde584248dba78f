// Random text of records (ids, keys, tokens) as bits: what a compressor can only lose on.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "history/char_map.h"

namespace traccia::history {

// A record is split into its skeleton, where a mark stands for each random run, and the runs' bits.
// zstd takes 4.5 bits for a random hex digit and 6.5 for one of base64, and such runs in between
// make its matches short. What recurs stays in the skeleton, as a part of longer matches. Owned by
// one thread.
class Packer {
 public:
  // Appends both.
  void pack(std::string_view record, std::string& skeleton, std::string& bits);

 private:
  bool is_recurring(std::string_view run);
  bool is_uuid(size_t begin, size_t run_end) const;
  // What of the run, which no character of a run follows, is packed.
  void pack_run(size_t begin, size_t end);
  void pack_piece(size_t begin, size_t end);
  // What lies between the last that was packed and `end` goes into the skeleton.
  void copy_until(size_t end);

  // The record at hand, and what of it is done.
  CharMap map_;
  std::string_view record_;
  std::string* skeleton_ = nullptr;
  std::string* bits_ = nullptr;
  size_t copied_ = 0;
  bool has_marks_ = false;

  // Runs share an entry by hash: the one that comes more often than the others together holds it.
  struct Seen {
    uint16_t tag = 0;
    uint8_t times = 0;
  };
  static constexpr size_t kSeenEntries = 32 << 10;
  static constexpr uint8_t kRecurringFrom = 10;  // times
  std::array<Seen, kSeenEntries> seen_{};
};

// Appends the record; false when the two are no skeleton and its bits, or it has more bytes.
bool unpack(std::string_view skeleton, std::string_view bits, size_t bytes_max,
            std::string& record);

}  // namespace traccia::history
