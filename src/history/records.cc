// A packed block: a zstd frame of lengths and skeletons, then the bits, which zstd cannot shorten.
// SPDX-License-Identifier: Apache-2.0
#include "history/records.h"

#include <utility>

namespace traccia::history {
namespace {

std::unexpected<Error> damaged() {
  return fail(ErrorCode::DataLoss, "a block of records does not hold what it says");
}

}  // namespace

void BlockBuilder::add(std::string_view skeleton, std::string_view bits) {
  append_varint(lengths_, skeleton.size());
  append_varint(lengths_, bits.size());
  skeletons_ += skeleton;
  bits_ += bits;
  ++count_;
}

std::string BlockBuilder::finish(const compress::Dictionary& dictionary) {
  std::string text;
  append_varint(text, std::exchange(count_, 0));
  text += std::exchange(lengths_, {});
  text += std::exchange(skeletons_, {});
  const auto frame = dictionary.compress(text);
  std::string out;
  append_varint(out, frame.size());
  out += frame;
  out += std::exchange(bits_, {});
  return out;
}

Result<RecordBlock> RecordBlock::open(std::string_view block, BlockForm form,
                                      const compress::Dictionary& dictionary) {
  RecordBlock out;
  out.form_ = form;
  if (form == BlockForm::Packed) {
    VarintReader reader(block);
    const auto frame = reader.take(reader.next());
    if (reader.failed()) return damaged();
    out.bits_ = block.substr(static_cast<size_t>(frame.data() + frame.size() - block.data()));
    block = frame;
  }
  TRY_ASSIGN(out.text_, dictionary.decompress(block, kBlockBytesMax));
  return out;
}

Result<std::string> RecordBlock::record(uint32_t slot) const {
  if (form_ == BlockForm::Plain) return unpack_record(text_, slot);
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
