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
#include "history/packing.h"

namespace traccia::history {

// So many events share a block of a head, in order of arrival: few enough that one look-up hit
// costs little, and the dictionary makes up for what small blocks lose.
inline constexpr uint32_t kBlockRecords = 16;
// Of a merged segment, whose dictionary is trained.
inline constexpr uint32_t kMergedBlockRecords = 16;
inline constexpr uint32_t kBlockRecordsMax = 64;
inline constexpr uint64_t kBlockBytesMax = kBlockRecordsMax * (event::kRecordBytesMax + 16ULL);
// A dictionary is the newest records and the statistics of so many blocks before them.
inline constexpr size_t kDictionaryBytesMax = 96 << 10;
inline constexpr size_t kDictionarySamples = 64;

// How blocks hold records: as they are, or as skeletons and bits (packing.h).
enum class BlockForm : uint8_t { Plain = 0, Packed = 1 };

// Records that become one block. Reused after clear().
class RecordPacker {
 public:
  void add(std::string_view record) {
    ends_.push_back(static_cast<uint32_t>(texts_.size() + record.size()));
    texts_ += record;
  }
  uint32_t count() const { return static_cast<uint32_t>(ends_.size()); }
  std::string_view record(uint32_t slot) const {
    const auto begin = slot == 0 ? 0 : ends_[slot - 1];
    return std::string_view(texts_).substr(begin, ends_[slot] - begin);
  }
  // The block before its compression; valid until the next call.
  std::string_view pack() {
    packed_.clear();
    append_varint(packed_, ends_.size());
    for (uint32_t i = 0; i < count(); ++i) append_varint(packed_, record(i).size());
    packed_ += texts_;
    return packed_;
  }
  void clear() {
    texts_.clear();
    ends_.clear();
  }

 private:
  std::string texts_;
  std::string packed_;
  std::vector<uint32_t> ends_;
};

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

// The records of a packed block on their way into it. Owned by one thread.
class BlockBuilder {
 public:
  void add(std::string_view skeleton, std::string_view bits);
  uint32_t count() const { return count_; }
  // The block, compressed; the builder is empty again.
  std::string finish(const compress::Dictionary& dictionary);

 private:
  uint32_t count_ = 0;
  std::string lengths_, skeletons_, bits_;
};

// A block of a segment, decompressed. Immutable.
class RecordBlock {
 public:
  // DataLoss when it is damaged.
  static Result<RecordBlock> open(std::string_view block, BlockForm form,
                                  const compress::Dictionary& dictionary);
  Result<std::string> record(uint32_t slot) const;
  uint64_t bytes() const { return text_.size() + bits_.size(); }

 private:
  BlockForm form_ = BlockForm::Plain;
  std::string text_;
  std::string bits_;
};

}  // namespace traccia::history
