// Frames of zstd behind their lengths.
// SPDX-License-Identifier: Apache-2.0
#include "blob/packing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/bytes.h"
#include "compress/compress.h"

namespace traccia::blob {
namespace {

constexpr int kLevel = 12;

uint64_t frames_of(uint64_t size) {
  return (size + kFrameBytes - 1) / kFrameBytes;
}

std::unexpected<Error> damaged(std::string_view what) {
  return fail(ErrorCode::DataLoss, fmt::format("packed content: {}", what));
}

class UnpackingReader : public Reader {
 public:
  UnpackingReader(std::unique_ptr<Reader> packed, uint64_t size, std::vector<uint64_t> starts)
      : packed_(std::move(packed)), size_(size), starts_(std::move(starts)) {}

  uint64_t size() const override { return size_; }

  Result<size_t> read_at(uint64_t offset, std::span<char> out) override {
    size_t done = 0;
    while (done < out.size() && offset + done < size_) {
      const auto at = offset + done;
      TRY(load(at / kFrameBytes));
      const auto inside = at % kFrameBytes;
      const auto count = std::min<uint64_t>(out.size() - done, frame_.size() - inside);
      std::memcpy(out.data() + done, frame_.data() + inside, count);
      done += count;
    }
    return done;
  }

 private:
  Result<> load(uint64_t number) {
    if (number_ == number && !frame_.empty()) return {};
    std::string packed(starts_[number + 1] - starts_[number], '\0');
    TRY_ASSIGN(const auto count, packed_->read_at(starts_[number], packed));
    const auto expected = std::min<uint64_t>(kFrameBytes, size_ - number * kFrameBytes);
    frame_.clear();
    if (count != packed.size()) return damaged("a frame is cut");
    TRY_ASSIGN(frame_, compress::unzstd(packed, {.bytes_max = expected,
                                                 .ratio_max = kFrameBytes,
                                                 .ratio_free_bytes = kFrameBytes}));
    number_ = number;
    if (frame_.size() == expected) return {};
    frame_.clear();
    return damaged("a frame has another size");
  }

  std::unique_ptr<Reader> packed_;
  uint64_t size_;
  std::vector<uint64_t> starts_;  // of the frames, and where the last ends
  uint64_t number_ = 0;
  std::string frame_;
};

}  // namespace

std::optional<std::string> pack(std::string_view bytes) {
  const auto count = frames_of(bytes.size());
  const auto worth = bytes.size() - bytes.size() / 20;
  std::string lengths;
  std::string frames;
  append_u32(lengths, static_cast<uint32_t>(count));
  for (uint64_t i = 0; i < count; ++i) {
    const auto frame = compress::zstd(bytes.substr(i * kFrameBytes, kFrameBytes), kLevel);
    append_u32(lengths, static_cast<uint32_t>(frame.size()));
    frames += frame;
    // Such content is told by its first frames; the rest is not tried.
    if (lengths.size() + frames.size() > worth) return std::nullopt;
  }
  if (count == 0) return std::nullopt;
  return lengths + frames;
}

Result<std::unique_ptr<Reader>> unpacking_reader(std::unique_ptr<Reader> packed, uint64_t size) {
  const auto count = frames_of(size);
  const auto head = sizeof(uint32_t) * (count + 1);
  if (head > packed->size()) return damaged("its list of frames is cut");
  std::string lengths(head, '\0');
  TRY_ASSIGN(const auto read, packed->read_at(0, lengths));
  if (read != head) return damaged("its list of frames is cut");
  ByteReader reader(lengths);
  TRY_ASSIGN(const auto told, reader.u32());
  if (told != count) return damaged("another count of frames");
  std::vector<uint64_t> starts{head};
  for (uint64_t i = 0; i < count; ++i) {
    TRY_ASSIGN(const auto length, reader.u32());
    starts.push_back(starts.back() + length);
  }
  if (starts.back() != packed->size()) return damaged("its frames do not add up");
  return std::make_unique<UnpackingReader>(std::move(packed), size, std::move(starts));
}

}  // namespace traccia::blob
