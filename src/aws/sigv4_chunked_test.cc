// aws-chunked bodies: framing, signatures, trailers, limits.
// SPDX-License-Identifier: Apache-2.0
#include "aws/sigv4_chunked.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "aws/sigv4_canonical.h"
#include "aws/sigv4_key.h"
#include "base/bytes.h"
#include "crypto/crypto.h"

namespace traccia::aws {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

ChunkedBody unsigned_body(uint64_t bytes, std::vector<std::string> trailers = {}) {
  return {.signatures = ChunkSignatures::Absent,
          .trailers = Trailers::Allowed,
          .seed_signature = "",
          .signing_key = "",
          .time = "",
          .scope = "",
          .decoded_bytes = bytes,
          .declared_trailers = std::move(trailers)};
}

ChunkedBody signed_body(uint64_t bytes, std::vector<std::string> trailers = {}) {
  return {.signatures = ChunkSignatures::Verified,
          .trailers = trailers.empty() ? Trailers::Forbidden : Trailers::Allowed,
          .seed_signature = std::string(64, 'a'),
          .signing_key = std::string(32, 'k'),
          .time = "20261124T050607Z",
          .scope = "20261124/us-east-1/s3/aws4_request",
          .decoded_bytes = bytes,
          .declared_trailers = std::move(trailers)};
}

// The sender's side, written from the documentation and not from the decoder.
std::string encode_signed(const ChunkedBody& announced, const std::vector<std::string>& chunks,
                          const Fields& trailers = {}) {
  std::string previous = announced.seed_signature;
  const auto next = [&](std::string_view algorithm, const std::string& hashes) {
    previous = hex_encode(crypto::hmac_sha256(
        announced.signing_key, fmt::format("{}\n{}\n{}\n{}\n{}", algorithm, announced.time,
                                           announced.scope, previous, hashes)));
    return previous;
  };
  std::string out;
  for (const auto& chunk : chunks) {
    const auto hashes = crypto::sha256_hex("") + "\n" + crypto::sha256_hex(chunk);
    out += fmt::format("{:x};chunk-signature={}\r\n", chunk.size(),
                       next("AWS4-HMAC-SHA256-PAYLOAD", hashes));
    if (!chunk.empty()) out += chunk + "\r\n";
  }
  std::string canonical;
  for (const auto& [name, value] : trailers) {
    out += name + ":" + value + "\r\n";
    canonical += name + ":" + value + "\n";
  }
  if (!trailers.empty()) {
    out += "x-amz-trailer-signature:" +
           next("AWS4-HMAC-SHA256-TRAILER", crypto::sha256_hex(canonical)) + "\r\n";
  }
  return out + "\r\n";
}

std::string verdict(std::string_view body, const ChunkedBody& announced) {
  const auto decoded = decode_chunked(body, announced);
  if (!decoded) {
    EXPECT_EQ(decoded.error().reason(), "InvalidChunk");
    return decoded.error().message();
  }
  return "payload=" + decoded->payload;
}

TEST(ChunkedTest, UnsignedPayloads) {
  EXPECT_EQ(verdict("3\r\nabc\r\n0\r\n\r\n", unsigned_body(3)), "payload=abc");
  EXPECT_EQ(verdict("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", unsigned_body(5)), "payload=abcde");
  EXPECT_EQ(verdict("0\r\n\r\n", unsigned_body(0)), "payload=");
  EXPECT_EQ(verdict("4\r\na\r\nb\r\n0\r\n\r\n", unsigned_body(4)), "payload=a\r\nb");
  EXPECT_EQ(verdict("A\r\n0123456789\r\n0\r\n\r\n", unsigned_body(10)), "payload=0123456789");
  EXPECT_EQ(verdict("3\r\nabc\r\n0\r\n", unsigned_body(3)), "payload=abc");
}

TEST(ChunkedTest, BrokenFraming) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "no line"},
      {"3\r\nabc\r\n", "no line"},
      {"3\r\nab", "truncated"},
      {"3\r\nabcd\r\n0\r\n\r\n", "does not end in a line break"},
      {"3\nabc\n0\n\n", "no line"},
      {"-3\r\nabc\r\n0\r\n\r\n", "bad chunk size"},
      {"0x3\r\nabc\r\n0\r\n\r\n", "bad chunk size"},
      {"\r\nabc\r\n0\r\n\r\n", "bad chunk size"},
      {"ffffffffffffffffff\r\nabc\r\n0\r\n\r\n", "bad chunk size"},
      {"4\r\nabcd\r\n0\r\n\r\n", "exceeds"},
      {"2\r\nab\r\n0\r\n\r\n", "chunks hold 2 bytes"},
      {"3\r\nabc\r\n0\r\n\r\nx", "1 bytes after"},
      {"3\r\nabc\r\n0\r\n\r\n\r\n", "2 bytes after"},
  };
  for (const auto& [body, message] : cases) {
    EXPECT_THAT(verdict(body, unsigned_body(3)), testing::HasSubstr(message)) << body;
  }
  EXPECT_THAT(verdict(std::string(300, '0') + "3\r\nabc\r\n0\r\n\r\n", unsigned_body(3)),
              testing::HasSubstr("no line of at most 256 bytes"));
}

TEST(ChunkedTest, UnsignedTrailers) {
  const auto announced = unsigned_body(3, {"x-amz-checksum-crc32"});
  const auto decoded =
      decode_chunked("3\r\nabc\r\n0\r\nX-Amz-Checksum-CRC32: NSRBwg==\n\r\n\r\n", announced);
  ASSERT_TRUE(decoded) << decoded.error().message();
  EXPECT_THAT(decoded->trailers,
              testing::ElementsAre(testing::Pair("x-amz-checksum-crc32", "NSRBwg==")));
  EXPECT_EQ(verdict("3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n", announced),
            "payload=abc");
}

TEST(ChunkedTest, TrailersMustBeTheChecksumsDeclared) {
  const auto announced = unsigned_body(0, {"x-amz-checksum-crc32", "x-amz-acl"});
  const std::pair<const char*, const char*> cases[] = {
      {"0\r\n\r\n", "2 trailers declared, 0 sent"},
      {"0\r\nx-amz-acl:public-read\r\n\r\n", "'x-amz-acl' is not declared or not a checksum"},
      {"0\r\nx-amz-checksum-sha1:a\r\n\r\n", "'x-amz-checksum-sha1' is not declared"},
      {"0\r\nx-amz-checksum-crc32:a\r\nx-amz-checksum-crc32:b\r\n\r\n", "repeated"},
      {"0\r\nx-amz-checksum-crc32:\r\n\r\n", "bad value"},
      {"0\r\nx-amz-checksum-crc32:a\x01z\r\n\r\n", "bad value"},
      {"0\r\nx-amz-checksum-crc32\r\n\r\n", "bad trailer"},
  };
  for (const auto& [body, message] : cases) {
    EXPECT_THAT(verdict(body, announced), testing::HasSubstr(message)) << body;
  }
  EXPECT_THAT(verdict("0\r\nx-amz-trailer-signature:aa\r\n\r\n", unsigned_body(0)),
              testing::HasSubstr("trailer signature on an unsigned payload"));
}

TEST(ChunkedTest, SignaturesFormAChain) {
  const auto announced = signed_body(6);
  const std::string body = encode_signed(announced, {"abc", "def", ""});
  EXPECT_EQ(verdict(body, announced), "payload=abcdef");
  EXPECT_THAT(verdict(encode_signed(announced, {"def", "abc", ""}), announced), "payload=defabc");
  // The same chunks in another order keep their signatures and break the chain.
  const size_t second = body.find("3;", 10);
  const size_t last = body.find("\r\n0;") + 2;
  const std::string swapped =
      body.substr(second, last - second) + body.substr(0, second) + body.substr(last);
  EXPECT_THAT(verdict(swapped, announced), testing::HasSubstr("at offset 0 does not match"));
}

TEST(ChunkedTest, SignedBodiesNeedEverySignature) {
  const auto announced = signed_body(3);
  EXPECT_THAT(verdict("3\r\nabc\r\n0\r\n\r\n", announced), testing::HasSubstr("no signature"));
  auto other = announced;
  other.seed_signature = std::string(64, 'b');
  EXPECT_THAT(verdict(encode_signed(other, {"abc", ""}), announced),
              testing::HasSubstr("does not match"));
  // Cut before the last, empty chunk: the length declared is there, its closing signature is not.
  const std::string body = encode_signed(announced, {"abc", ""});
  EXPECT_THAT(verdict(body.substr(0, body.find("0;chunk", 20)), announced),
              testing::HasSubstr("no line"));
}

TEST(ChunkedTest, SignedTrailersNeedTheirSignature) {
  const auto announced = signed_body(3, {"x-amz-checksum-crc32"});
  std::string body = encode_signed(announced, {"abc", ""}, {{"x-amz-checksum-crc32", "AAAA=="}});
  EXPECT_EQ(verdict(body, announced), "payload=abc");
  const size_t at = body.find("x-amz-trailer-signature");
  EXPECT_THAT(verdict(body.substr(0, at) + "\r\n", announced),
              testing::HasSubstr("signature of the trailers"));
  EXPECT_THAT(verdict(body.substr(0, body.size() - 2) + "x-amz-checksum-sha1:a\r\n", announced),
              testing::HasSubstr("bad trailer"));
  EXPECT_THAT(verdict(body + "x-amz-checksum-crc32:a\r\n", announced),
              testing::HasSubstr("after the last chunk"));
  body[body.find("AAAA")] = 'B';
  EXPECT_THAT(verdict(body, announced), testing::HasSubstr("signature of the trailers"));
}

TEST(ChunkedTest, TrailersAreRefusedWhereNoneAreAnnounced) {
  const auto announced = signed_body(3);
  const std::string body = encode_signed(announced, {"abc", ""}, {{"x-amz-checksum-crc32", "A"}});
  EXPECT_THAT(verdict(body, announced), testing::HasSubstr("after the last chunk"));
}

RC_GTEST_PROP(ChunkedProperty, DecodingUndoesEncoding, (const std::vector<std::string>& texts)) {
  std::vector<std::string> chunks;
  std::string whole;
  std::copy_if(texts.begin(), texts.end(), std::back_inserter(chunks),
               [](const auto& text) { return !text.empty(); });
  for (const auto& chunk : chunks) whole += chunk;
  chunks.emplace_back();
  const auto announced = signed_body(whole.size(), {"x-amz-checksum-crc32"});
  const auto body = encode_signed(announced, chunks, {{"x-amz-checksum-crc32", "AAAA=="}});
  const auto decoded = decode_chunked(body, announced);
  RC_ASSERT(decoded.has_value());
  RC_ASSERT(decoded->payload == whole);
  // Every proper prefix but the one without the optional last line break is refused.
  const auto cut = *rc::gen::inRange<size_t>(0, body.size() - 2);
  RC_ASSERT(!decode_chunked(std::string_view(body).substr(0, cut), announced).has_value());
}

// Through verify(): what the headers around a chunked body must say.
class ChunkedRequest : public testing::Test {
 protected:
  http::Request request(std::string_view mode, std::string_view body, Fields headers) {
    http::Request out;
    out.method = "PUT";
    out.path = "/b/k";
    out.headers.add("host", "h");
    for (const auto& [name, value] : headers) out.headers.add(name, value);
    out.headers.add("x-amz-content-sha256", mode);
    out.headers.add("x-amz-date", format_basic_seconds(now_));
    std::vector<std::string> names;
    for (const auto& [name, value] : out.headers) names.push_back(to_lower(name));
    std::sort(names.begin(), names.end());
    const Scope scope{format_date_basic(now_), "us-east-1", "s3"};
    const auto signature = hex_encode(crypto::hmac_sha256(
        derive_signing_key("secret", scope), string_to_sign(out, names, mode, now_, scope)));
    std::string list;
    for (const auto& name : names) list += (list.empty() ? "" : ";") + name;
    out.headers.add("authorization",
                    fmt::format("AWS4-HMAC-SHA256 Credential=AKID/{}, SignedHeaders={}, "
                                "Signature={}",
                                scope_text(scope), list, signature));
    out.body = body;
    return out;
  }

  std::string verdict(http::Request& request, uint64_t bytes_max = 1000) {
    const auto claim = parse_authorization(request);
    if (!claim) return std::string(claim.error().reason());
    const auto result = verify(request, *claim, "secret", now_, {.decoded_bytes_max = bytes_max});
    return result ? "accepted" : std::string(result.error().reason());
  }

  Time now_ = parse_iso("2026-11-24T05:06:07Z").value();
};

constexpr std::string_view kBody = "3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n";

TEST_F(ChunkedRequest, UnsignedTrailerAsSdksSendIt) {
  auto put = request(kStreamingUnsignedTrailer, kBody,
                     {{"content-encoding", "gzip, aws-chunked"},
                      {"x-amz-decoded-content-length", "3"},
                      {"x-amz-trailer", "x-amz-checksum-crc32"}});
  ASSERT_EQ(verdict(put), "accepted");
  EXPECT_EQ(put.body, "abc");
  EXPECT_EQ(put.headers.get("content-encoding"), "gzip");
  EXPECT_EQ(put.headers.get("x-amz-checksum-crc32"), "NSRBwg==");
}

TEST_F(ChunkedRequest, DecodedLengthIsRequiredAndBounded) {
  auto put = request(kStreamingUnsignedTrailer, "0\r\n\r\n", {});
  EXPECT_EQ(verdict(put), "MissingContentLength");
  put = request(kStreamingUnsignedTrailer, "0\r\n\r\n", {{"x-amz-decoded-content-length", "-1"}});
  EXPECT_EQ(verdict(put), "InvalidChunk");
  put = request(kStreamingUnsignedTrailer, "0\r\n\r\n", {{"x-amz-decoded-content-length", "1001"}});
  EXPECT_EQ(verdict(put), "EntityTooLarge");
  put = request(kStreamingUnsignedTrailer, "3\r\nabc\r\n0\r\n\r\n",
                {{"x-amz-decoded-content-length", "4"}});
  EXPECT_EQ(verdict(put), "InvalidChunk");
  EXPECT_EQ(put.body, "3\r\nabc\r\n0\r\n\r\n");
}

TEST_F(ChunkedRequest, TrailerMayNotOverrideAHeader) {
  auto put = request(kStreamingUnsignedTrailer, kBody,
                     {{"x-amz-decoded-content-length", "3"},
                      {"x-amz-checksum-crc32", "AAAAAA=="},
                      {"x-amz-trailer", "x-amz-checksum-crc32"}});
  EXPECT_EQ(verdict(put), "InvalidChunk");
}

TEST_F(ChunkedRequest, DeclaredTrailersAreSigned) {
  auto put = request(kStreamingUnsignedTrailer, kBody, {{"x-amz-decoded-content-length", "3"}});
  put.headers.add("x-amz-trailer", "x-amz-checksum-crc32");
  EXPECT_EQ(verdict(put), "HeadersNotSigned");
}

}  // namespace
}  // namespace traccia::aws
