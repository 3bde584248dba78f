// gzip, zstd and checksums. Decompression is always bounded: outside bytes may be bombs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace traccia::compress {

// One gzip member (RFC 1952) with a fixed header (mtime 0, no name, OS 255) and a fixed level:
// the same bytes always give the same member, on every machine with this library version.
std::string gzip(std::string_view bytes);

// A stretch of a deflate stream (RFC 1951): it ends at a byte boundary and refers to nothing before
// it, so that stretches may follow one another. The same bytes always give the same stretch.
std::string deflate_stretch(std::string_view bytes);
// Fills `out` with what it holds. DataLoss, reason "NotDeflate", when it is damaged or of another
// size.
Result<> inflate_stretch(std::string_view stretch, std::span<char> out);

// One gzip member as gzip() writes it, out of stretches that are compressed already. owned by one
// thread.
class GzipStitcher {
 public:
  GzipStitcher();
  // `stretch` holds `bytes`.
  void add(std::string_view stretch, std::string_view bytes);
  // At most 65535 bytes, not compressed.
  void add_stored(std::string_view bytes);
  // The whole member; the stitcher must not be used afterwards.
  std::string finish() &&;

  uint64_t compressed_bytes() const { return out_.size(); }

 private:
  void count(std::string_view bytes);

  std::string out_;
  uint32_t crc_ = 0;
  uint64_t bytes_ = 0;
};

struct DecompressLimits {
  uint64_t bytes_max = 64ULL << 20;
  // Output may exceed ratio_max × input only up to ratio_free_bytes.
  uint64_t ratio_max = 1100;  // deflate cannot exceed 1032
  uint64_t ratio_free_bytes = 1ULL << 20;
};

// What a well-formed reader of CloudTrail files accepts: exactly one member, nothing after it.
// Reasons: "NotGzip" (header, truncation, CRC or length wrong), "TrailingData" (bytes after the
// member), "TooLarge" (ResourceExhausted: a limit was reached).
Result<std::string> gunzip(std::string_view bytes, DecompressLimits limits);
// The same without holding the whole: `take` gets it piece by piece, before its checksum is known.
// The bytes in all.
using TakePiece = std::function<void(std::string_view)>;
Result<uint64_t> gunzip_pieces(std::string_view bytes, DecompressLimits limits,
                               const TakePiece& take);
// Several members one after another are joined, as HTTP Content-Encoding: gzip allows.
Result<std::string> gunzip_members(std::string_view bytes, DecompressLimits limits);

std::string zstd(std::string_view bytes, int level);
// Reasons: "NotZstd", "TooLarge". Concatenated frames are joined.
Result<std::string> unzstd(std::string_view bytes, DecompressLimits limits);

// Compresses small pieces that resemble a text both sides have: zstd with that text as its window,
// or with a dictionary as learn_dictionary() makes it. An empty text is no dictionary. Thread-safe.
class Dictionary {
 public:
  // Text of one's own.
  explicit Dictionary(std::string text, int level = 1);
  // Text from outside: DataLoss, reason "NotZstd", when it begins like a dictionary and is none.
  static Result<std::shared_ptr<const Dictionary>> read(std::string text);
  ~Dictionary();
  Dictionary(const Dictionary&) = delete;
  Dictionary& operator=(const Dictionary&) = delete;
  std::string compress(std::string_view bytes) const;
  // DataLoss, reason "NotZstd", unless `bytes` is one whole frame of at most `bytes_max` content.
  Result<std::string> decompress(std::string_view bytes, uint64_t bytes_max) const;
  const std::string& text() const { return text_; }

 private:
  struct Prepared;
  std::string text_;
  int level_;
  std::unique_ptr<Prepared> prepared_;
};

// Text for a Dictionary: `window` with the statistics of pieces like the samples in front. The
// window itself when the samples are too few to tell.
std::string learn_dictionary(std::string_view window, std::span<const std::string> samples,
                             int level = 1);

// Text for a Dictionary of at most `bytes_max`, with a window chosen from all over the samples too;
// takes about 20 µs a KiB of them. Of too few samples simply their beginning.
std::string train_dictionary(std::span<const std::string> samples, size_t bytes_max);

// CRC-32C (Castagnoli), hardware-assisted where the CPU can. crc32c(b, crc32c(a)) == crc32c(a+b).
uint32_t crc32c(std::string_view bytes, uint32_t seed = 0);

// CRC-32 as gzip and S3 use it.
uint32_t crc32(std::string_view bytes, uint32_t seed = 0);
// CRC-64/NVME (polynomial 0xAD93D23594C93659, reflected), S3's default for large objects.
uint64_t crc64nvme(std::string_view bytes);

// The sum of A + B from the sums of A and B and the length of B. A few microseconds.
uint32_t crc32_combine(uint32_t first, uint32_t second, uint64_t second_bytes);
uint32_t crc32c_combine(uint32_t first, uint32_t second, uint64_t second_bytes);
uint64_t crc64nvme_combine(uint64_t first, uint64_t second, uint64_t second_bytes);

}  // namespace traccia::compress
