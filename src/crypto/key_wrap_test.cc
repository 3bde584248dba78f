// Key wrapping against the vectors of RFC 5649, section 6.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/key_wrap.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace traccia::crypto {
namespace {

TEST(KeyWrap, TestVectors) {
  const auto key = hex_decode("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8").value();
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"c37b7e6492584340bed12207808941155068f738",
       "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a"},
      {"466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f"}};
  for (const auto& [plain, wrapped] : cases) {
    EXPECT_EQ(hex_encode(wrap_padded(key, hex_decode(plain).value())), wrapped);
    EXPECT_EQ(hex_encode(unwrap_padded(key, hex_decode(wrapped).value()).value()), plain);
  }
}

TEST(KeyWrap, WhatIsNotWrappedUnderTheKeyIsRefused) {
  const std::string key(32, 'k');
  const auto wrapped = wrap_padded(key, "some key material");
  EXPECT_EQ(unwrap_padded(key, wrapped).value(), "some key material");
  for (size_t i = 0; i < wrapped.size(); ++i) {
    auto changed = wrapped;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(unwrap_padded(key, changed)) << i;
  }
  EXPECT_FALSE(unwrap_padded(std::string(32, 'x'), wrapped));
  EXPECT_FALSE(unwrap_padded(key, wrapped.substr(8)));
  EXPECT_FALSE(unwrap_padded(key, wrapped.substr(1)));
  EXPECT_FALSE(unwrap_padded(key, ""));
  EXPECT_FALSE(unwrap_padded("short", wrapped));
}

}  // namespace
}  // namespace traccia::crypto
