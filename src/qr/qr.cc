// libqrencode makes the code; a PNG of one bit a pixel is little enough to be written here (PNG
// specification, third edition).
// SPDX-License-Identifier: Apache-2.0
#include "qr/qr.h"

#include <libdeflate.h>
#include <qrencode.h>

#include <memory>

#include "base/assert.h"

namespace traccia::qr {
namespace {

constexpr std::string_view kSignature = "\x89PNG\r\n\x1A\n";
constexpr char kGreyscaleBits = 1;

void append_big_endian(std::string& out, uint32_t value) {
  for (const unsigned shift : {24U, 16U, 8U, 0U}) out += static_cast<char>(value >> shift & 0xFFU);
}

void append_chunk(std::string& out, std::string_view type, std::string_view data) {
  append_big_endian(out, static_cast<uint32_t>(data.size()));
  const auto begin = out.size();
  out.append(type).append(data);
  append_big_endian(out, libdeflate_crc32(0, out.data() + begin, out.size() - begin));
}

std::string compress(std::string_view bytes) {
  const std::unique_ptr<libdeflate_compressor, decltype(&libdeflate_free_compressor)> compressor(
      libdeflate_alloc_compressor(6), libdeflate_free_compressor);
  TRACCIA_ASSERT(compressor != nullptr);
  std::string out(libdeflate_zlib_compress_bound(compressor.get(), bytes.size()), '\0');
  out.resize(libdeflate_zlib_compress(compressor.get(), bytes.data(), bytes.size(), out.data(),
                                      out.size()));
  TRACCIA_ASSERT(!out.empty());
  return out;
}

bool is_dark(const QRcode& code, unsigned x, unsigned y) {
  const auto width = static_cast<unsigned>(code.width);
  if (x < kQuietModules || y < kQuietModules) return false;
  x -= kQuietModules;
  y -= kQuietModules;
  return x < width && y < width && (code.data[y * width + x] & 1U) != 0;
}

// Rows of a filter byte and eight pixels a byte; 1 is white.
std::string pixels(const QRcode& code, unsigned modules) {
  const unsigned width = modules * kPixelsAModule;
  std::string out;
  for (unsigned y = 0; y < modules; ++y) {
    std::string row(1 + (width + 7) / 8, '\0');
    for (unsigned x = 0; x < width; ++x) {
      if (is_dark(code, x / kPixelsAModule, y)) continue;
      row[1 + x / 8] = static_cast<char>(static_cast<uint8_t>(row[1 + x / 8]) | 0x80U >> x % 8);
    }
    for (unsigned i = 0; i < kPixelsAModule; ++i) out += row;
  }
  return out;
}

}  // namespace

Result<std::string> png(std::string_view text) {
  const std::unique_ptr<QRcode, decltype(&QRcode_free)> code(
      QRcode_encodeData(static_cast<int>(text.size()),
                        reinterpret_cast<const unsigned char*>(text.data()), 0, QR_ECLEVEL_M),
      QRcode_free);
  if (code == nullptr) return fail(ErrorCode::InvalidArgument, "the text fits no QR code");
  const unsigned modules = static_cast<unsigned>(code->width) + 2 * kQuietModules;
  std::string header;
  append_big_endian(header, modules * kPixelsAModule);
  append_big_endian(header, modules * kPixelsAModule);
  header += kGreyscaleBits;
  header.append(4, '\0');  // greyscale, deflate, adaptive filters, not interlaced
  std::string out(kSignature);
  append_chunk(out, "IHDR", header);
  append_chunk(out, "IDAT", compress(pixels(*code, modules)));
  append_chunk(out, "IEND", {});
  return out;
}

}  // namespace traccia::qr
