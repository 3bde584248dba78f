// Packing: what becomes bits, what stays text, and that nothing is lost.
// SPDX-License-Identifier: Apache-2.0
#include "history/packing.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>

namespace traccia::history {
namespace {

struct Packed {
  std::string skeleton, bits;
};

Packed pack(std::string_view record) {
  Packed out;
  std::make_unique<Packer>()->pack(record, out.skeleton, out.bits);
  std::string again;
  EXPECT_TRUE(unpack(out.skeleton, out.bits, record.size(), again));
  EXPECT_EQ(again, record);
  return out;
}

TEST(Packing, BitsOfRunsThatLookRandom) {
  const struct {
    std::string_view run;
    size_t bytes;  // of bits
  } cases[] = {
      {"cc3e64e5-60e4-4173-bcb8-5b530d58a30c", 16},
      {"cc3e64e5-60e4-4173-bcb8", 4},  // no UUID
      {"0123456789abcdef0", 9},
      {"ASIA3E55RIEBSVT4ZEXI", 13},
      {"l7MJOofwnhvlww6z4nWVUJtN", 18},
      {"l7MJOofw/hvlww6z4nWVUJtN", 18},
      {"prod/0123456789abcdef/part", 8},
      {"DescribeNetworkInterfaces", 0},
      {"GetFunction20150331v2", 0},
      {"111122223333", 0},
      {"abcdef", 0},
      {"", 0},
  };
  for (const auto& [run, bytes] : cases) {
    const auto packed = pack("\"" + std::string(run) + "\"");
    EXPECT_EQ(packed.bits.size(), bytes) << run;
    if (bytes > 0) continue;
    EXPECT_EQ(packed.skeleton, "\"" + std::string(run) + "\"");
  }
}

TEST(Packing, WhatRecursStaysText) {
  Packer packer;
  std::string bits;
  for (int i = 0; i < 20; ++i) {
    std::string skeleton;
    bits.clear();
    packer.pack(R"({"a":"AROAPHRB4A5DCLPRM52C"})", skeleton, bits);
  }
  EXPECT_EQ(bits, "");
}

TEST(Packing, LosesNothing) {
  constexpr std::string_view kParts[] = {"0123456789abcdef01234567",
                                         "ABCDEFGH234567ABCDEFGH2",
                                         "/",
                                         "\x01\x02",
                                         "\"",
                                         "Get",
                                         std::string_view("\0", 1),
                                         "cc3e64e5-60e4-4173-bcb8-5b530d58a30c",
                                         "-",
                                         "aB3dE6g"};
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    std::mt19937_64 random(seed);
    std::string record;
    for (auto count = random() % 30; count > 0; --count) {
      const auto part = kParts[random() % std::size(kParts)];
      record += part.substr(0, 1 + random() % part.size());
    }
    if (seed == 1) record = std::string(1000, 'a') + "1";
    pack(record);
    if (HasFailure()) FAIL() << "seed " << seed;
  }
}

TEST(Packing, DamageIsTold) {
  const auto [skeleton, bits] = pack(R"({"a":"ASIA3E55RIEBSVT4ZEXI","b":"0123456789abcdef0"})");
  std::string record;
  EXPECT_FALSE(unpack(skeleton, bits.substr(1), 100, record));
  EXPECT_FALSE(unpack(skeleton, bits + "x", 100, record));
  EXPECT_FALSE(unpack(skeleton, bits, 10, record)) << "too long";
  EXPECT_FALSE(unpack("\x01", "short", 100, record));
  EXPECT_FALSE(unpack("\x02", "", 100, record));
  EXPECT_FALSE(unpack(std::string_view("\0", 1), "", 100, record));
}

}  // namespace
}  // namespace traccia::history
