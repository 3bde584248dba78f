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

// So many events share a block, in order of arrival: few enough that one look-up hit costs little,
// and the dictionary makes up for what small blocks lose.
inline constexpr uint32_t kBlockRecords = 16;
inline constexpr uint32_t kBlockRecordsMax = 64;
inline constexpr char kPackedBlocks = 1;  // the only form of blocks, in a segment's options
inline constexpr uint64_t kBlockBytesMax = kBlockRecordsMax * (event::kRecordBytesMax + 16ULL);
// A dictionary is the newest records and the statistics of so many blocks before them.
inline constexpr size_t kDictionaryBytesMax = 192 << 10;
inline constexpr size_t kDictionarySamples = 64;

// Records on their way into a block, as they are. Reused after clear().
class OpenRecords {
 public:
  void add(std::string_view record) {
    texts_ += record;
    ends_.push_back(texts_.size());
  }
  uint32_t count() const { return static_cast<uint32_t>(ends_.size()); }
  std::string_view record(uint32_t slot) const {
    const auto begin = slot == 0 ? 0 : ends_[slot - 1];
    return std::string_view(texts_).substr(begin, ends_[slot] - begin);
  }
  void clear() {
    texts_.clear();
    ends_.clear();
  }

 private:
  std::string texts_;
  std::vector<size_t> ends_;
};

// Packs records into a block, as skeletons and bits (packing.h). Owned by one thread.
class BlockBuilder {
 public:
  void add(std::string_view record, Packer& packer);
  uint32_t count() const { return count_; }
  // The block, compressed; the builder is empty again.
  std::string finish(const compress::Dictionary& dictionary);

 private:
  uint32_t count_ = 0;
  std::string lengths_, skeletons_, bits_, text_;  // reused
};

// A block, decompressed. Immutable.
class RecordBlock {
 public:
  // DataLoss when it is damaged.
  static Result<RecordBlock> open(std::string_view block, const compress::Dictionary& dictionary);
  Result<std::string> record(uint32_t slot) const;
  uint64_t bytes() const { return text_.size() + bits_.size(); }
  // What was compressed: lengths and skeletons.
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::string bits_;
};

}  // namespace traccia::history
