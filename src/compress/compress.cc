// ISA-L writes and reads gzip, libdeflate reads stretches, libzstd does both for zstd.
// SPDX-License-Identifier: Apache-2.0
#include "compress/compress.h"

#include <fmt/format.h>
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <libdeflate.h>
#include <zdict.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <memory>
#include <mutex>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"

namespace traccia::compress {
namespace {

constexpr uint32_t kGzipLevel = 1;
constexpr size_t kPieceBytes = 128 << 10;  // stays in the processor's cache

std::unexpected<Error> too_large(uint64_t bytes_max, uint64_t input_bytes) {
  return fail(ErrorCode::ResourceExhausted, "TooLarge",
              fmt::format("decompressing {} bytes gives more than the {} that are allowed",
                          input_bytes, bytes_max));
}

// What this input may grow to.
uint64_t output_max(uint64_t input_bytes, const DecompressLimits& limits) {
  return std::min(limits.bytes_max,
                  std::max(limits.ratio_free_bytes, input_bytes * limits.ratio_max));
}

libdeflate_decompressor* thread_inflater() {
  struct Free {
    void operator()(libdeflate_decompressor* d) const { libdeflate_free_decompressor(d); }
  };
  thread_local const std::unique_ptr<libdeflate_decompressor, Free> decompressor(
      libdeflate_alloc_decompressor());
  TRACCIA_ASSERT(decompressor != nullptr);
  return decompressor.get();
}

std::unexpected<Error> not_gzip(uint64_t bytes) {
  return fail(ErrorCode::DataLoss, "NotGzip",
              fmt::format("{} bytes are not a whole, undamaged gzip member", bytes));
}

// Reads one member from the front; what it took of `bytes`.
Result<size_t> gunzip_one(std::string_view bytes, uint64_t bytes_max, const TakePiece& take) {
  TRACCIA_ASSERT(bytes.size() <= UINT32_MAX);
  thread_local inflate_state state;
  thread_local std::vector<uint8_t> piece(kPieceBytes);
  isal_inflate_init(&state);
  state.crc_flag = ISAL_GZIP;
  state.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(bytes.data()));
  state.avail_in = static_cast<uint32_t>(bytes.size());
  uint64_t produced = 0;
  while (state.block_state != ISAL_BLOCK_FINISH) {
    state.next_out = piece.data();
    state.avail_out = static_cast<uint32_t>(piece.size());
    if (isal_inflate(&state) != ISAL_DECOMP_OK) return not_gzip(bytes.size());
    const auto count = piece.size() - state.avail_out;
    // It would go on if there was more.
    if (count == 0 && state.block_state != ISAL_BLOCK_FINISH) return not_gzip(bytes.size());
    produced += count;
    if (produced > bytes_max) return too_large(bytes_max, bytes.size());
    take({reinterpret_cast<const char*>(piece.data()), count});
  }
  return bytes.size() - state.avail_in;
}

}  // namespace

namespace {

constexpr size_t kGzipHeaderBytes = 10;
constexpr size_t kStoredBytesMax = 65535;
constexpr size_t kScratchBytes = 2 << 20;  // of a thread, kept
// An empty last block: what ends a stream whose stretches are not last.
constexpr std::string_view kLastBlock("\x03\x00", 2);

// Raw deflate from a fresh window. A sync flush ends at a byte boundary, with an empty block.
void append_deflate(std::string& out, std::string_view bytes, bool last) {
  thread_local std::vector<uint8_t> work(ISAL_DEF_LVL1_DEFAULT);
  thread_local isal_zstream stream;
  isal_deflate_init(&stream);
  stream.level = kGzipLevel;
  stream.level_buf = work.data();
  stream.level_buf_size = static_cast<uint32_t>(work.size());
  stream.gzip_flag = IGZIP_DEFLATE;
  stream.end_of_stream = last ? 1 : 0;
  stream.flush = last ? NO_FLUSH : SYNC_FLUSH;
  const auto room = bytes.size() + bytes.size() / 8 + 4096;
  TRACCIA_ASSERT(room <= UINT32_MAX);
  // The result is much smaller than the room it may need.
  thread_local std::unique_ptr<uint8_t[]> kept(new uint8_t[kScratchBytes]);
  std::unique_ptr<uint8_t[]> large(room > kScratchBytes ? new uint8_t[room] : nullptr);
  auto* const scratch = large ? large.get() : kept.get();
  stream.next_out = scratch;
  stream.avail_out = static_cast<uint32_t>(room);
  stream.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uint32_t>(bytes.size());
  TRACCIA_ASSERT(isal_deflate(&stream) == COMP_OK);
  TRACCIA_ASSERT(stream.avail_in == 0 && stream.avail_out > 0);
  out.append(reinterpret_cast<const char*>(scratch), room - stream.avail_out);
}

// Fixed: no time, no name, no flags, unknown system.
void append_gzip_header(std::string& out) {
  constexpr std::string_view kHeader("\x1f\x8b\x08\0\0\0\0\0\0\xff", kGzipHeaderBytes);
  out += kHeader;
}

void append_gzip_trailer(std::string& out, uint32_t crc, uint64_t bytes) {
  append_u32(out, crc);
  append_u32(out, static_cast<uint32_t>(bytes));  // modulo 2^32, RFC 1952
}

}  // namespace

std::string gzip(std::string_view bytes) {
  std::string out;
  append_gzip_header(out);
  append_deflate(out, bytes, true);
  append_gzip_trailer(out, crc32(bytes), bytes.size());
  return out;
}

std::string deflate_stretch(std::string_view bytes) {
  std::string out;
  append_deflate(out, bytes, false);
  return out;
}

Result<> inflate_stretch(std::string_view stretch, std::span<char> out) {
  std::string whole;
  whole.reserve(stretch.size() + kLastBlock.size());
  whole += stretch;
  whole += kLastBlock;
  size_t consumed = 0, produced = 0;
  const bool good =
      libdeflate_deflate_decompress_ex(thread_inflater(), whole.data(), whole.size(), out.data(),
                                       out.size(), &consumed, &produced) == LIBDEFLATE_SUCCESS &&
      consumed == whole.size() && produced == out.size();
  if (good) return {};
  return fail(
      ErrorCode::DataLoss, "NotDeflate",
      fmt::format("{} bytes are not a deflate stretch of {} bytes", stretch.size(), out.size()));
}

GzipStitcher::GzipStitcher() {
  append_gzip_header(out_);
}

void GzipStitcher::count(std::string_view bytes) {
  crc_ = crc32(bytes, crc_);
  bytes_ += bytes.size();
}

void GzipStitcher::add(std::string_view stretch, std::string_view bytes) {
  out_ += stretch;
  count(bytes);
}

void GzipStitcher::add_stored(std::string_view bytes) {
  TRACCIA_ASSERT(bytes.size() <= kStoredBytesMax);
  const auto length = static_cast<uint32_t>(bytes.size());
  out_.push_back('\0');  // not the last, stored; the boundary is there already
  append_u32(out_, length | (~length << 16));
  out_ += bytes;
  count(bytes);
}

std::string GzipStitcher::finish() && {
  out_ += kLastBlock;
  append_gzip_trailer(out_, crc_, bytes_);
  return std::move(out_);
}

Result<uint64_t> gunzip_pieces(std::string_view bytes, DecompressLimits limits,
                               const TakePiece& take) {
  uint64_t size = 0;
  TRY_ASSIGN(const auto consumed,
             gunzip_one(bytes, output_max(bytes.size(), limits), [&](std::string_view piece) {
               size += piece.size();
               take(piece);
             }));
  if (consumed != bytes.size()) {
    return fail(ErrorCode::DataLoss, "TrailingData",
                fmt::format("{} bytes follow the gzip member", bytes.size() - consumed));
  }
  return size;
}

Result<std::string> gunzip(std::string_view bytes, DecompressLimits limits) {
  std::string out;
  TRY(gunzip_pieces(bytes, limits, [&](std::string_view piece) { out += piece; }));
  return out;
}

Result<std::string> gunzip_members(std::string_view bytes, DecompressLimits limits) {
  const auto bytes_max = output_max(bytes.size(), limits);
  std::string out;
  do {
    TRY_ASSIGN(const auto consumed, gunzip_one(bytes, bytes_max - out.size(),
                                               [&](std::string_view piece) { out += piece; }));
    bytes.remove_prefix(consumed);
  } while (!bytes.empty());
  return out;
}

namespace {

struct FreeZstd {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  void operator()(ZSTD_CDict* dictionary) const { ZSTD_freeCDict(dictionary); }
  void operator()(ZSTD_DDict* dictionary) const { ZSTD_freeDDict(dictionary); }
};

ZSTD_CCtx* thread_compressor() {
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeZstd> context(ZSTD_createCCtx());
  TRACCIA_ASSERT(context != nullptr);
  return context.get();
}

ZSTD_DCtx* thread_decompressor() {
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeZstd> context(ZSTD_createDCtx());
  TRACCIA_ASSERT(context != nullptr);
  return context.get();
}

std::unexpected<Error> not_zstd(size_t bytes) {
  return fail(ErrorCode::DataLoss, "NotZstd",
              fmt::format("{} bytes are not whole, undamaged zstd frames", bytes));
}

}  // namespace

// Most dictionaries only read: what compressing needs is made when it is first asked for.
struct Dictionary::Prepared {
  std::once_flag first;
  std::unique_ptr<ZSTD_CDict, FreeZstd> compressing;
  std::unique_ptr<ZSTD_DDict, FreeZstd> decompressing;
};

Dictionary::Dictionary(std::string text, int level)
    : text_(std::move(text)), level_(level), prepared_(std::make_unique<Prepared>()) {
  prepared_->decompressing.reset(ZSTD_createDDict(text_.data(), text_.size()));
}

Dictionary::~Dictionary() = default;

Result<std::shared_ptr<const Dictionary>> Dictionary::read(std::string text) {
  auto dictionary = std::make_shared<const Dictionary>(std::move(text));
  if (dictionary->prepared_->decompressing) return dictionary;
  return fail(ErrorCode::DataLoss, "NotZstd",
              fmt::format("{} bytes are not a zstd dictionary", dictionary->text_.size()));
}

std::string Dictionary::compress(std::string_view bytes) const {
  std::call_once(prepared_->first, [&] {
    prepared_->compressing.reset(ZSTD_createCDict(text_.data(), text_.size(), level_));
    TRACCIA_ASSERT(prepared_->compressing);
  });
  thread_local std::vector<char> room;
  room.resize(std::max(room.size(), ZSTD_compressBound(bytes.size())));
  const auto size =
      ZSTD_compress_usingCDict(thread_compressor(), room.data(), room.size(), bytes.data(),
                               bytes.size(), prepared_->compressing.get());
  TRACCIA_ASSERT(!ZSTD_isError(size));
  return {room.data(), size};
}

std::string learn_dictionary(std::string_view window, std::span<const std::string> samples,
                             int level) {
  constexpr size_t kStatisticsBytesMax = 16 << 10;
  if (samples.empty()) return std::string(window);
  std::string all;
  std::vector<size_t> sizes;
  for (const auto& sample : samples) {
    all += sample;
    sizes.push_back(sample.size());
  }
  std::string out(window.size() + kStatisticsBytesMax, '\0');
  const ZDICT_params_t parameters{.compressionLevel = level, .notificationLevel = 0, .dictID = 0};
  const auto size =
      ZDICT_finalizeDictionary(out.data(), out.size(), window.data(), window.size(), all.data(),
                               sizes.data(), static_cast<unsigned>(sizes.size()), parameters);
  if (ZDICT_isError(size) != 0U) return std::string(window);
  out.resize(size);
  return out;
}

std::string train_dictionary(std::span<const std::string> samples, size_t bytes_max) {
  std::string all;
  std::vector<size_t> sizes;
  for (const auto& sample : samples) {
    all += sample;
    sizes.push_back(sample.size());
  }
  std::string out(bytes_max, '\0');
  const auto size = ZDICT_trainFromBuffer(out.data(), out.size(), all.data(), sizes.data(),
                                          static_cast<unsigned>(sizes.size()));
  if (ZDICT_isError(size) != 0U) return all.substr(0, bytes_max);
  out.resize(size);
  return out;
}

Result<std::string> Dictionary::decompress(std::string_view bytes, uint64_t bytes_max) const {
  TRACCIA_ASSERT(prepared_->decompressing);
  const auto size = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > bytes_max) {
    return not_zstd(bytes.size());
  }
  std::string out(size, '\0');
  const auto done =
      ZSTD_decompress_usingDDict(thread_decompressor(), out.data(), out.size(), bytes.data(),
                                 bytes.size(), prepared_->decompressing.get());
  if (ZSTD_isError(done) != 0U || done != size) return not_zstd(bytes.size());
  return out;
}

std::string zstd(std::string_view bytes, int level) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  const auto size = ZSTD_compressCCtx(thread_compressor(), out.data(), out.size(), bytes.data(),
                                      bytes.size(), level);
  TRACCIA_ASSERT(!ZSTD_isError(size));
  out.resize(size);
  return out;
}

Result<std::string> unzstd(std::string_view bytes, DecompressLimits limits) {
  const auto bytes_max = output_max(bytes.size(), limits);
  const std::unique_ptr<ZSTD_DCtx, FreeZstd> context(ZSTD_createDCtx());
  TRACCIA_ASSERT(context != nullptr);
  std::string out;
  ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
  size_t state = 1;
  while (input.pos < input.size || state != 0) {
    const auto filled = out.size();
    // One byte more than allowed tells "too large" from "just fits".
    const auto room = std::min<uint64_t>(bytes_max + 1, std::max<uint64_t>(filled * 2, 64 << 10));
    if (filled >= room) return too_large(bytes_max, bytes.size());
    out.resize(room);
    ZSTD_outBuffer output{out.data() + filled, room - filled, 0};
    const auto before = input.pos;
    state = ZSTD_decompressStream(context.get(), &output, &input);
    out.resize(filled + output.pos);
    if (ZSTD_isError(state) != 0U || (input.pos == before && output.pos == 0)) {
      return not_zstd(bytes.size());
    }
    if (out.size() > bytes_max) return too_large(bytes_max, bytes.size());
  }
  if (bytes.empty()) return fail(ErrorCode::DataLoss, "NotZstd", "no bytes are not a zstd frame");
  return out;
}

uint32_t crc32c(std::string_view bytes, uint32_t seed) {
  // crc32_iscsi leaves out the inversions before and after, so the seed carries them.
  while (!bytes.empty()) {
    const auto piece = bytes.substr(0, 1 << 30);
    seed = ~crc32_iscsi(reinterpret_cast<unsigned char*>(const_cast<char*>(piece.data())),
                        static_cast<int>(piece.size()), ~seed);
    bytes.remove_prefix(piece.size());
  }
  return seed;
}

uint32_t crc32(std::string_view bytes, uint32_t seed) {
  return libdeflate_crc32(seed, bytes.data(), bytes.size());
}

namespace {

constexpr uint64_t kCrc64Nvme = 0x9A6C9329AC4BC9B5;  // reflected, as all here

// Eight bytes a step: table k gives what a byte does to the sum that 7 - k bytes follow.
using Crc64Tables = std::array<std::array<uint64_t, 256>, 8>;
Crc64Tables make_crc64_tables() {
  Crc64Tables out{};
  for (uint64_t i = 0; i < 256; ++i) {
    auto value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? kCrc64Nvme : 0);
    out[0][i] = value;
  }
  for (size_t k = 1; k < out.size(); ++k) {
    for (size_t i = 0; i < 256; ++i) {
      out[k][i] = (out[k - 1][i] >> 8) ^ out[0][out[k - 1][i] & 0xFF];
    }
  }
  return out;
}

// Polynomials over GF(2) modulo that of the sum, reflected: the highest bit is that of x^0.
template <typename T>
T multiply(T a, T b, T modulus) {
  constexpr int kBits = std::numeric_limits<T>::digits;
  T product = 0;
  for (int bit = kBits - 1; bit >= 0; --bit) {
    if ((a >> bit & 1) != 0) product ^= b;
    b = (b >> 1) ^ ((b & 1) != 0 ? modulus : T{0});
  }
  return product;
}

// What the first sum becomes when so many zero bytes follow: it times x^(8 bytes). The ones before
// and after fall out of the exclusive or.
template <typename T>
T combine(T first, T second, uint64_t second_bytes, T modulus) {
  constexpr int kBits = std::numeric_limits<T>::digits;
  auto power = T(1) << (kBits - 1 - 8);  // x^8, squared at each step
  for (; second_bytes != 0; second_bytes >>= 1) {
    if ((second_bytes & 1) != 0) first = multiply(first, power, modulus);
    power = multiply(power, power, modulus);
  }
  return first ^ second;
}

}  // namespace

uint64_t crc64nvme(std::string_view bytes) {
  static const auto tables = make_crc64_tables();
  uint64_t sum = ~0ULL;
  for (; bytes.size() >= sizeof(sum); bytes.remove_prefix(sizeof(sum))) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof(word));
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
    word ^= sum;
    sum = 0;
    for (size_t k = 0; k < tables.size(); ++k) sum ^= tables[7 - k][word >> (8 * k) & 0xFF];
  }
  for (const char c : bytes) {
    sum = (sum >> 8) ^ tables[0][(sum ^ static_cast<unsigned char>(c)) & 0xFF];
  }
  return ~sum;
}

uint32_t crc32_combine(uint32_t first, uint32_t second, uint64_t second_bytes) {
  return combine(first, second, second_bytes, uint32_t{0xEDB88320});
}

uint32_t crc32c_combine(uint32_t first, uint32_t second, uint64_t second_bytes) {
  return combine(first, second, second_bytes, uint32_t{0x82F63B78});
}

uint64_t crc64nvme_combine(uint64_t first, uint64_t second, uint64_t second_bytes) {
  return combine(first, second, second_bytes, kCrc64Nvme);
}

}  // namespace traccia::compress
