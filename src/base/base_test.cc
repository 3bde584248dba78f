// Text forms of bytes and times, bounded reading, error context, log values.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/log.h"
#include "base/time.h"

namespace traccia {
namespace {

TEST(Bytes, TextFormsGoBothWays) {
  EXPECT_TRUE(rc::check([](const std::string& bytes) {
    RC_ASSERT(hex_decode(hex_encode(bytes)).value() == bytes);
    RC_ASSERT(base64_decode(base64_encode(bytes)).value() == bytes);
    RC_ASSERT(percent_decode(percent_encode(bytes, KeepSlash::No)).value() == bytes);
    RC_ASSERT(percent_decode(percent_encode(bytes, KeepSlash::Yes)).value() == bytes);
  }));
}

TEST(Bytes, PublishedVectors) {
  EXPECT_EQ(base64_encode("foob"), "Zm9vYg==");  // RFC 4648, section 10
  EXPECT_EQ(base64_encode(""), "");
  EXPECT_EQ(percent_encode("a b/c~\xc3\xa9", KeepSlash::No), "a%20b%2Fc~%C3%A9");
  EXPECT_EQ(percent_encode("a/b", KeepSlash::Yes), "a/b");
}

TEST(Bytes, DecodersAreStrict) {
  for (const auto* text : {"a", "zz", "0g"}) EXPECT_FALSE(hex_decode(text)) << text;
  for (const auto* text : {"Zg", "Zg=", "Z===", "Zm9v\n", "Zm 9v", "=Zg="}) {
    EXPECT_FALSE(base64_decode(text)) << text;
  }
  for (const auto* text : {"%", "%2", "%zz", "a%4"}) EXPECT_FALSE(percent_decode(text)) << text;
  EXPECT_EQ(percent_decode("a+b").value(), "a+b");
}

TEST(Bytes, ReadersStopAtTheEnd) {
  std::string bytes;
  append_u32(bytes, 7);
  append_u64(bytes, 1ULL << 40);
  append_block(bytes, "text");
  ByteReader reader(bytes);
  EXPECT_EQ(reader.u32().value(), 7U);
  EXPECT_EQ(reader.u64().value(), 1ULL << 40);
  EXPECT_EQ(reader.block().value(), "text");
  EXPECT_EQ(reader.u8().error().code(), ErrorCode::DataLoss);
  std::string lying;
  append_u32(lying, 0xFFFFFFFF);
  lying += "x";
  ByteReader liar(lying);
  EXPECT_EQ(liar.block().error().code(), ErrorCode::DataLoss);
}

TEST(Bytes, ComparesWholeTexts) {
  EXPECT_TRUE(constant_time_equal("abc", "abc"));
  EXPECT_FALSE(constant_time_equal("abc", "abd"));
  EXPECT_FALSE(constant_time_equal("abc", "ab"));
}

TEST(Times, Forms) {
  const auto time = parse_iso("2026-11-24T05:06:07.089Z").value();
  EXPECT_EQ(format_iso_seconds(time), "2026-11-24T05:06:07Z");
  EXPECT_EQ(format_iso_milliseconds(time), "2026-11-24T05:06:07.089Z");
  EXPECT_EQ(format_basic_seconds(time), "20261124T050607Z");
  EXPECT_EQ(format_basic_minutes(time), "20261124T0506Z");
  EXPECT_EQ(format_date_path(time), "2026/11/24");
  EXPECT_EQ(format_date_basic(time), "20261124");
  EXPECT_EQ(format_http_date(time), "Tue, 24 Nov 2026 05:06:07 GMT");
  EXPECT_EQ(parse_http_date("Tue, 24 Nov 2026 05:06:07 GMT").value(), floor_seconds(time));
  EXPECT_EQ(parse_basic_seconds("20261124T050607Z").value(), floor_seconds(time));
  EXPECT_EQ(parse_iso("2026-11-24T06:06:07+01:00").value(), floor_seconds(time));
  EXPECT_TRUE(parse_iso("2024-02-29T23:59:59Z"));
}

TEST(Times, RefusesWhatTheCalendarLacks) {
  for (const auto* text : {"", "2026-11-24", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
                           "2026-11-31T00:00:00Z", "2026-11-24T24:00:00Z", "2026-11-24T05:60:00Z",
                           "2026-11-24T05:06:07", "2026-11-24 05:06:07Z", "2026-11-24T05:06:07Zx",
                           "20261124T050607Z", "2026-11-24T05:06:07.Z", "-026-11-24T05:06:07Z"}) {
    EXPECT_FALSE(parse_iso(text)) << text;
  }
  EXPECT_FALSE(parse_basic_seconds("20261124T05060Z"));
  EXPECT_FALSE(parse_http_date("24 Nov 2026 05:06:07 GMT"));
}

TEST(Times, Intervals) {
  using std::chrono::seconds;
  EXPECT_EQ(parse_interval("90s").value(), seconds(90));
  EXPECT_EQ(parse_interval("15m").value(), seconds(900));
  EXPECT_EQ(parse_interval("1h").value(), seconds(3600));
  EXPECT_EQ(parse_interval("30d").value(), seconds(30 * 86400));
  for (const auto* text : {"", "s", "10", "1.5h", "-1s", "0s", "1w", "99999999999999999999s"}) {
    EXPECT_FALSE(parse_interval(text)) << text;
  }
}

TEST(Errors, CarryContextAndReason) {
  const auto inner = [] { return Result<>(fail(ErrorCode::NotFound, "NoSuchKey", "no such key")); };
  const auto outer = [&]() -> Result<int> {
    TRY(inner());
    return 1;
  };
  const auto error = outer().error();
  EXPECT_EQ(error.reason(), "NoSuchKey");
  EXPECT_EQ(Error(error).with_context("read 'x'").message(), "read 'x': no such key");
}

TEST(Logs, QuoteAndCutValues) {
  EXPECT_EQ(render_log_fields({{"a", "plain"}, {"b", 7}, {"c", "two words"}, {"d", ""}}),
            " a=plain b=7 c=\"two words\" d=\"\"");
  EXPECT_EQ(render_log_fields({{"a", "x\"\n\\"}}), " a=\"x\\\"\\x0a\\\\\"");
  EXPECT_LT(render_log_fields({{"a", std::string(9000, 'x')}}).size(), 2100U);
}

TEST(ByteCounts, HaveBinaryUnits) {
  EXPECT_EQ(parse_byte_count("512MiB").value(), 512ULL << 20);
  EXPECT_EQ(parse_byte_count("64GiB").value(), 64ULL << 30);
  EXPECT_EQ(parse_byte_count("1000000TiB").value(), 1'000'000ULL << 40);
  for (const auto* text : {"", "64", "GiB", "64GB", "64gib", "-1GiB", "0GiB", "1.5GiB", " 1GiB",
                           "1GiB ", "1000001TiB", "99999999999999999999GiB"}) {
    EXPECT_FALSE(parse_byte_count(text)) << text;
  }
}

}  // namespace
}  // namespace traccia
