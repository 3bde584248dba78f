// Random text of records (ids, keys, tokens) as bits: what a compressor can only lose on.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

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
  // What of `run`, which ends at a byte that belongs to none, is packed.
  void pack_run(std::string_view run, std::string& skeleton, std::string& bits);
  bool pack_piece(std::string_view piece, std::string& skeleton, std::string& bits);

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
