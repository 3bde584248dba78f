// The form of the picture; the code in it is libqrencode's.
// SPDX-License-Identifier: Apache-2.0
#include "qr/qr.h"

#include <gtest/gtest.h>
#include <libdeflate.h>

#include <memory>

namespace traccia::qr {
namespace {

uint32_t big_endian(std::string_view bytes) {
  uint32_t out = 0;
  for (const char c : bytes.substr(0, 4)) out = out << 8U | static_cast<uint8_t>(c);
  return out;
}

TEST(Qr, IsAPictureOfASquareCode) {
  const auto made = png("otpauth://totp/a@111122223333?secret=MZXW6YTB").value();
  std::string_view rest = made;
  ASSERT_TRUE(rest.starts_with("\x89PNG\r\n\x1A\n"));
  rest.remove_prefix(8);
  std::string data;
  uint32_t width = 0;
  std::string types;
  while (!rest.empty()) {
    const auto size = big_endian(rest);
    const auto type = rest.substr(4, 4);
    types.append(type) += ' ';
    if (type == "IHDR") width = big_endian(rest.substr(8));
    if (type == "IDAT") data = rest.substr(8, size);
    EXPECT_EQ(big_endian(rest.substr(8 + size)), libdeflate_crc32(0, rest.data() + 4, 4 + size));
    rest.remove_prefix(12 + size);
  }
  EXPECT_EQ(types, "IHDR IDAT IEND ");
  // Versions of QR codes have 17 + 4 × version modules a side.
  const auto modules = width / kPixelsAModule - 2 * kQuietModules;
  EXPECT_EQ(width % kPixelsAModule, 0U);
  EXPECT_EQ((modules - 17) % 4, 0U);

  const size_t row = 1 + (width + 7) / 8;
  std::string pixels(row * width, '\0');
  const std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)> inflate(
      libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
  size_t got = 0;
  ASSERT_EQ(libdeflate_zlib_decompress(inflate.get(), data.data(), data.size(), pixels.data(),
                                       pixels.size(), &got),
            LIBDEFLATE_SUCCESS);
  EXPECT_EQ(got, pixels.size());
  const auto dark = [&](unsigned x, unsigned y) {
    x = (x + kQuietModules) * kPixelsAModule;
    y = (y + kQuietModules) * kPixelsAModule;
    return (static_cast<uint8_t>(pixels[y * row + 1 + x / 8]) & 0x80U >> x % 8) == 0;
  };
  // The finder pattern of a corner: a dark ring of seven modules, a light one, a dark core.
  EXPECT_TRUE(dark(0, 0) && dark(6, 0) && dark(0, 6) && dark(3, 3));
  EXPECT_FALSE(dark(1, 1) || dark(7, 0) || dark(0, 7));
  EXPECT_TRUE(dark(modules - 1, 0) && dark(0, modules - 1));
}

TEST(Qr, WhatFitsNoCodeIsRefused) {
  EXPECT_FALSE(png(""));
  EXPECT_FALSE(png(std::string(3000, 'x')));
}

}  // namespace
}  // namespace traccia::qr
