// A block: a zstd frame of lengths and skeletons, then the bits, which zstd cannot shorten.
// SPDX-License-Identifier: Apache-2.0
#include "history/records.h"

#include <utility>

namespace traccia::history {
namespace {

std::unexpected<Error> damaged() {
  return fail(ErrorCode::DataLoss, "a block of records does not hold what it says");
}

}  // namespace

void BlockBuilder::add(std::string_view record, Packer& packer) {
  const auto skeletons_before = skeletons_.size(), bits_before = bits_.size();
  packer.pack(record, skeletons_, bits_);
  append_varint(lengths_, skeletons_.size() - skeletons_before);
  append_varint(lengths_, bits_.size() - bits_before);
  ++count_;
}

std::string BlockBuilder::finish(const compress::Dictionary& dictionary) {
  text_.clear();
  append_varint(text_, std::exchange(count_, 0));
  text_ += lengths_;
  text_ += skeletons_;
  const auto frame = dictionary.compress(text_);
  std::string out;
  append_varint(out, frame.size());
  out.reserve(out.size() + frame.size() + bits_.size());
  out += frame;
  out += bits_;
  for (auto* part : {&lengths_, &skeletons_, &bits_}) part->clear();
  return out;
}

Result<RecordBlock> RecordBlock::open(std::string_view block,
                                      const compress::Dictionary& dictionary) {
  VarintReader reader(block);
  const auto frame = reader.take(reader.next());
  if (reader.failed()) return damaged();
  RecordBlock out;
  out.bits_ = block.substr(static_cast<size_t>(frame.data() + frame.size() - block.data()));
  TRY_ASSIGN(out.text_, dictionary.decompress(frame, kBlockBytesMax));
  return out;
}

Result<std::string> RecordBlock::record(uint32_t slot) const {
  VarintReader reader(text_), bits(bits_);
  const auto count = reader.next();
  uint64_t before = 0, bits_before = 0, length = 0, bits_length = 0;
  for (uint32_t i = 0; i < count && !reader.failed(); ++i) {
    const auto skeleton_length = reader.next(), run_length = reader.next();
    if (i < slot) {
      before += skeleton_length;
      bits_before += run_length;
    } else if (i == slot) {
      length = skeleton_length;
      bits_length = run_length;
    }
  }
  reader.take(before);
  bits.take(bits_before);
  const auto skeleton = reader.take(length), run_bits = bits.take(bits_length);
  if (reader.failed() || bits.failed() || slot >= count) return damaged();
  std::string record;
  record.reserve(length + bits_length * 2);
  if (!unpack(skeleton, run_bits, event::kRecordBytesMax, record)) return damaged();
  return record;
}

}  // namespace traccia::history
