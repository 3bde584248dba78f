// Blocks of records, as the head and the segments keep them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "compress/compress.h"
#include "event/record.h"
#include "history/encoding.h"

namespace traccia::history {

// So many events share a block, in order of arrival: few enough that one look-up hit costs little,
// and the dictionary makes up for what small blocks lose.
inline constexpr uint32_t kBlockRecords = 8;
inline constexpr uint64_t kBlockBytesMax = kBlockRecords * (event::kRecordBytesMax + 16ULL);
inline constexpr size_t kDictionaryBytesMax = 96 << 10;

inline std::string pack_records(const std::vector<std::string>& records) {
  std::string out;
  append_varint(out, records.size());
  for (const auto& record : records) append_varint(out, record.size());
  for (const auto& record : records) out += record;
  return out;
}

// Record `slot` of a decompressed block; DataLoss when the lengths do not fit.
inline Result<std::string> unpack_record(std::string_view block, uint32_t slot) {
  VarintReader reader(block);
  const auto count = reader.next();
  uint64_t before = 0, length = 0;
  for (uint32_t i = 0; i < count && !reader.failed(); ++i) {
    const auto one = reader.next();
    if (i < slot) before += one;
    if (i == slot) length = one;
  }
  reader.take(before);
  const auto record = reader.take(length);
  if (reader.failed() || slot >= count) {
    return fail(ErrorCode::DataLoss, "a block of records does not hold what it says");
  }
  return std::string(record);
}

}  // namespace traccia::history
