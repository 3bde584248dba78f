// Round trips, limits and damage of the compression adapter.
// SPDX-License-Identifier: Apache-2.0
#include "compress/compress.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <array>

#include "base/bytes.h"

namespace traccia::compress {
namespace {

std::string words(size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += "word " + std::to_string(i * 7919 % 1000) + "\n";
  return out;
}

TEST(Gzip, IsOneMemberWithAFixedHeader) {
  const auto packed = gzip(words(5000));
  EXPECT_EQ(hex_encode(packed.substr(0, 4)), "1f8b0800");
  EXPECT_EQ(hex_encode(packed.substr(4, 4)), "00000000") << "no time";
  EXPECT_EQ(static_cast<unsigned char>(packed[9]), 255) << "no operating system";
  EXPECT_EQ(packed, gzip(words(5000))) << "the same bytes each time";
  EXPECT_EQ(gunzip(packed, {}).value(), words(5000));
  EXPECT_LT(packed.size() * 3, words(5000).size());
}

TEST(Gzip, RoundTripsAnything) {
  EXPECT_TRUE(rc::check([](const std::string& bytes) {
    RC_ASSERT(gunzip(gzip(bytes), {}).value() == bytes);
    RC_ASSERT(unzstd(zstd(bytes, 1), {}).value() == bytes);
  }));
}

TEST(Gzip, IncompressibleBytesFit) {
  std::string noise(3 << 20, '\0');
  uint64_t state = 88172645463325252ULL;
  for (auto& c : noise) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    c = static_cast<char>(state);
  }
  EXPECT_EQ(gunzip(gzip(noise), {}).value(), noise);
}

Result<std::string> inflated(std::string_view stretch, size_t size) {
  std::string out(size, '\0');
  TRY(inflate_stretch(stretch, out));
  return out;
}

TEST(Stretches, MakeOneMemberInAnyOrder) {
  EXPECT_TRUE(rc::check([](const std::vector<std::string>& texts, const std::string& between) {
    GzipStitcher stitcher;
    std::string all;
    const auto stored = between.substr(0, 65535);
    for (const auto& text : texts) {
      const auto stretch = deflate_stretch(text);
      RC_ASSERT(inflated(stretch, text.size()).value() == text);
      RC_ASSERT(!inflated(stretch, text.size() + 1));
      stitcher.add_stored(stored);
      stitcher.add(stretch, text);
      all += stored + text;
    }
    RC_ASSERT(gunzip(std::move(stitcher).finish(), {}).value() == all);
  }));
}

TEST(Stretches, CompressAndKeepNoHistory) {
  const auto text = words(20000);
  const auto stretch = deflate_stretch(text);
  EXPECT_LT(stretch.size() * 3, text.size());
  EXPECT_EQ(stretch, deflate_stretch(text)) << "the same bytes each time";
  EXPECT_EQ(inflated(stretch, text.size()).value(), text);
}

TEST(Stretches, DamageIsTold) {
  const auto text = words(200);
  const auto stretch = deflate_stretch(text);
  for (size_t i = 0; i < stretch.size(); ++i) {
    EXPECT_FALSE(inflated(stretch.substr(0, i), text.size())) << i;
  }
  EXPECT_EQ(inflated(stretch, text.size() - 1).error().reason(), "NotDeflate");
  EXPECT_FALSE(inflated(stretch + "x", text.size()));
}

TEST(Gunzip, NamesWhatIsWrong) {
  const auto packed = gzip("hello");
  EXPECT_EQ(gunzip("", {}).error().reason(), "NotGzip");
  EXPECT_EQ(gunzip("plain text, no gzip at all", {}).error().reason(), "NotGzip");
  EXPECT_EQ(gunzip(packed + "x", {}).error().reason(), "TrailingData");
  for (size_t i = 0; i < packed.size(); ++i) EXPECT_FALSE(gunzip(packed.substr(0, i), {})) << i;
  EXPECT_EQ(gunzip_members(packed + packed, {}).value(), "hellohello");
  EXPECT_FALSE(gunzip_members(packed + "x", {}));
}

TEST(Gunzip, TellsDamage) {
  const auto packed = gzip(words(20000));
  for (size_t at = 0; at < packed.size(); at += at < 20 || at + 20 > packed.size() ? 1 : 997) {
    auto damaged = packed;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    const auto read = gunzip(damaged, {});
    // Time and system of the header say nothing about the content.
    const bool ignored = at >= 4 && at <= 9;
    EXPECT_EQ(read.has_value(), ignored) << at;
    if (!read) {
      EXPECT_EQ(read.error().reason(), "NotGzip") << at;
    }
  }
}

TEST(Gunzip, GivesPiecesInOrder) {
  const auto text = words(100'000);
  std::string joined;
  size_t pieces = 0;
  const auto size = gunzip_pieces(gzip(text), {}, [&](std::string_view piece) {
    joined += piece;
    ++pieces;
  });
  EXPECT_EQ(size.value(), text.size());
  EXPECT_EQ(joined, text);
  EXPECT_GT(pieces, 2U);
  EXPECT_EQ(gunzip_pieces(gzip(text) + "x", {}, [](std::string_view) {}).error().reason(),
            "TrailingData");
}

TEST(Gunzip, BombsAreStopped) {
  const auto bomb = gzip(std::string(8 << 20, '0'));
  DecompressLimits limits;
  limits.bytes_max = 4 << 20;
  EXPECT_EQ(gunzip(bomb, limits).error().reason(), "TooLarge");
  EXPECT_EQ(gunzip_members(bomb, limits).error().reason(), "TooLarge");
  limits.bytes_max = 64 << 20;
  limits.ratio_max = 10;
  EXPECT_EQ(gunzip(bomb, limits).error().reason(), "TooLarge");
  limits.bytes_max = 10;
  EXPECT_EQ(gunzip(gzip("0123456789"), limits).value(), "0123456789") << "exactly the limit";
}

TEST(Unzstd, NamesWhatIsWrong) {
  const auto packed = zstd("hello", 1);
  EXPECT_EQ(unzstd("", {}).error().reason(), "NotZstd");
  EXPECT_EQ(unzstd("plain", {}).error().reason(), "NotZstd");
  EXPECT_EQ(unzstd(packed + packed, {}).value(), "hellohello");
  for (size_t i = 0; i < packed.size(); ++i) EXPECT_FALSE(unzstd(packed.substr(0, i), {})) << i;
  DecompressLimits limits;
  limits.bytes_max = 4 << 20;
  EXPECT_EQ(unzstd(zstd(std::string(8 << 20, '0'), 1), limits).error().reason(), "TooLarge");
  limits.bytes_max = 5;
  EXPECT_EQ(unzstd(packed, limits).value(), "hello") << "exactly the limit";
  limits.bytes_max = 4;
  EXPECT_EQ(unzstd(packed, limits).error().reason(), "TooLarge");
}

TEST(Crc32c, PublishedVectorAndComposition) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);  // RFC 3720, B.4 check value
  EXPECT_EQ(crc32c("6789", crc32c("12345")), crc32c("123456789"));
  EXPECT_EQ(crc32c(""), 0U);
}

// Check values of the CRC catalogue for "123456789".
TEST(Crc, PublishedVectors) {
  EXPECT_EQ(crc32("123456789"), 0xCBF43926U);
  EXPECT_EQ(crc64nvme("123456789"), 0xAE8B14860A799888ULL);
}

// The definition, bit by bit.
uint64_t crc64nvme_slowly(std::string_view bytes) {
  uint64_t sum = ~0ULL;
  for (const char c : bytes) {
    sum ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) {
      sum = (sum >> 1) ^ ((sum & 1) != 0 ? 0x9A6C9329AC4BC9B5ULL : 0);
    }
  }
  return ~sum;
}

TEST(Crc, OfEveryLengthAndPlace) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) bytes += static_cast<char>(i * 7 + i / 3);
  for (size_t at = 0; at < 9; ++at) {
    for (size_t count = 0; count < 64; ++count) {
      const auto piece = std::string_view(bytes).substr(at, count);
      ASSERT_EQ(crc64nvme(piece), crc64nvme_slowly(piece)) << at << "+" << count;
    }
  }
  EXPECT_EQ(crc64nvme(bytes), crc64nvme_slowly(bytes));
}

TEST(Crc, SumsOfPiecesMakeTheSumOfTheWhole) {
  std::string bytes;
  for (int i = 0; i < 70'000; ++i) bytes += static_cast<char>(i % 251 * (i % 251) % 256);
  for (const size_t cut :
       std::initializer_list<size_t>{0, 1, 7, 8, 255, 4096, 65'536, 69'999, 70'000}) {
    const auto a = std::string_view(bytes).substr(0, cut);
    const auto b = std::string_view(bytes).substr(cut);
    EXPECT_EQ(crc32_combine(crc32(a), crc32(b), b.size()), crc32(bytes)) << cut;
    EXPECT_EQ(crc32c_combine(crc32c(a), crc32c(b), b.size()), crc32c(bytes)) << cut;
    EXPECT_EQ(crc64nvme_combine(crc64nvme(a), crc64nvme(b), b.size()), crc64nvme(bytes)) << cut;
  }
}

// A length that no memory holds: adding the same zeros in one step or in three.
TEST(Crc, CombinesOverTerabytes) {
  constexpr uint64_t kHuge = (5ULL << 40) + 12'345;
  const auto zeros = crc64nvme_combine(0, 0, kHuge);
  EXPECT_EQ(zeros, 0U);
  const auto sum = crc64nvme("begin");
  auto steps = crc64nvme_combine(sum, 0, 5ULL << 40);
  steps = crc64nvme_combine(steps, 0, 12'000);
  steps = crc64nvme_combine(steps, 0, 345);
  EXPECT_EQ(crc64nvme_combine(sum, 0, kHuge), steps);
  auto small = crc32_combine(crc32("begin"), 0, 5ULL << 40);
  small = crc32_combine(small, 0, 12'345);
  EXPECT_EQ(crc32_combine(crc32("begin"), 0, kHuge), small);
}

TEST(Dictionary, HelpsSmallPiecesAndRefusesWhatIsNotItsOwn) {
  const auto event = [](int i) {
    return "{\"eventSource\":\"s3.amazonaws.com\",\"userAgent\":\"aws-cli/2.0 "
           "Python/3.11\",\"n\":" +
           std::to_string(i) + "},";
  };
  std::string text;
  for (int i = 0; i < 500; ++i) text += event(i);
  const Dictionary with(text), without("");
  const auto piece = event(1234567);
  const auto small = with.compress(piece);
  EXPECT_LT(small.size() * 2, without.compress(piece).size());
  EXPECT_EQ(with.decompress(small, piece.size()).value(), piece);
  EXPECT_EQ(without.decompress(without.compress(""), 0).value(), "");
  EXPECT_EQ(with.text(), text);
  const auto refused = [](const Result<std::string>& result) {
    return !result && result.error().reason() == "NotZstd";
  };
  EXPECT_TRUE(refused(with.decompress(small, piece.size() - 1))) << "larger than allowed";
  EXPECT_TRUE(refused(with.decompress("", 100)));
  EXPECT_TRUE(refused(with.decompress("not a frame at all", 100)));
  for (size_t i = 0; i < small.size(); ++i) {
    EXPECT_TRUE(refused(with.decompress(small.substr(0, i), 1 << 20))) << i;
  }
  const auto foreign = without.decompress(small, 1 << 20);
  EXPECT_TRUE(!foreign || *foreign != piece);
}

TEST(Dictionary, LearnsStatistics) {
  std::string window;
  std::vector<std::string> samples(1);
  for (uint32_t i = 0; i < 3000; ++i) {
    const auto line = fmt::format("{{\"id\":\"{:08x}\",\"count\":{}}},", i * 2654435761U, i % 97);
    if (window.size() < 10'000) {
      window += line;
    } else if ((samples.back() += line).size() > 300) {
      samples.emplace_back();
    }
  }
  const auto piece = samples.back() + samples.front();
  samples.resize(samples.size() - 1);
  const Dictionary plain(window);
  const auto text = learn_dictionary(window, samples);
  EXPECT_TRUE(text.ends_with(window));
  const Dictionary learnt(text);
  EXPECT_LT(learnt.compress(piece).size(), plain.compress(piece).size());
  const auto read = Dictionary::read(text).value();
  EXPECT_EQ(read->decompress(learnt.compress(piece), piece.size()).value(), piece);
  EXPECT_EQ(learn_dictionary(window, {}), window) << "no samples";
  EXPECT_EQ(Dictionary::read(text.substr(0, 40)).error().reason(), "NotZstd");
  EXPECT_TRUE(Dictionary::read("any text"));
}

}  // namespace
}  // namespace traccia::compress
