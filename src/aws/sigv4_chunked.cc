// Decoding of aws-chunked bodies.
// SPDX-License-Identifier: Apache-2.0
#include "aws/sigv4_chunked.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "aws/sigv4_canonical.h"
#include "base/bytes.h"
#include "crypto/crypto.h"

namespace traccia::aws {
namespace {

constexpr size_t kChunkHeaderBytesMax = 256;
constexpr size_t kTrailerBytesMax = 1024;
constexpr size_t kTrailersMax = 16;
constexpr std::string_view kEmptyHash =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr std::string_view kSignatureExtension = "chunk-signature=";
constexpr std::string_view kTrailerSignature = "x-amz-trailer-signature";
constexpr std::string_view kTrailerPrefix = "x-amz-checksum-";

auto invalid(std::string message) {
  return fail(ErrorCode::InvalidArgument, "InvalidChunk", std::move(message));
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

// One pass over the body. owned by one thread.
class Decoder {
 public:
  Decoder(std::string_view body, const ChunkedBody& announced)
      : body_(body), announced_(announced), previous_signature_(announced.seed_signature) {}

  Result<DecodedBody> run() {
    out_.payload.reserve(std::min<uint64_t>(announced_.decoded_bytes, body_.size()));
    while (true) {
      TRY_ASSIGN(const bool more, take_chunk());
      if (!more) break;
    }
    if (announced_.trailers == Trailers::Allowed) TRY(take_trailers());
    // Some clients leave the last line break out.
    if (rest().starts_with("\r\n")) offset_ += 2;
    if (offset_ != body_.size()) {
      return invalid(fmt::format("{} bytes after the last chunk", body_.size() - offset_));
    }
    if (out_.payload.size() != announced_.decoded_bytes) {
      return invalid(fmt::format("chunks hold {} bytes, x-amz-decoded-content-length says {}",
                                 out_.payload.size(), announced_.decoded_bytes));
    }
    return std::move(out_);
  }

 private:
  std::string_view rest() const { return body_.substr(offset_); }

  // The line without its CRLF.
  Result<std::string_view> take_line(size_t bytes_max) {
    const auto window = rest().substr(0, bytes_max + 2);
    const size_t end = window.find("\r\n");
    if (end == std::string_view::npos) {
      return invalid(fmt::format("no line of at most {} bytes at offset {}", bytes_max, offset_));
    }
    offset_ += end + 2;
    return window.substr(0, end);
  }

  // False after the last chunk, which is the empty one; its trailing line break belongs to the end.
  Result<bool> take_chunk() {
    const size_t start = offset_;
    TRY_ASSIGN(const auto line, take_line(kChunkHeaderBytesMax));
    const size_t semicolon = std::min(line.find(';'), line.size());
    const auto digits = line.substr(0, semicolon);
    uint64_t size = 0;
    const auto parsed = std::from_chars(digits.begin(), digits.end(), size, 16);
    if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != digits.end()) {
      return invalid(fmt::format("bad chunk size at offset {}", start));
    }
    if (size > announced_.decoded_bytes - out_.payload.size()) {
      return invalid(fmt::format("chunk at offset {} exceeds x-amz-decoded-content-length", start));
    }
    if (size > rest().size()) {
      return invalid(fmt::format("chunk at offset {} is truncated", start));
    }
    const auto data = rest().substr(0, size);
    if (announced_.signatures == ChunkSignatures::Verified) {
      TRY(check_chunk(line.substr(std::min(semicolon + 1, line.size())), data, start));
    }
    if (size == 0) return false;
    offset_ += size;
    if (!rest().starts_with("\r\n")) {
      return invalid(fmt::format("chunk at offset {} does not end in a line break", start));
    }
    offset_ += 2;
    out_.payload.append(data);
    return true;
  }

  Result<> check_chunk(std::string_view extension, std::string_view data, size_t start) {
    if (!extension.starts_with(kSignatureExtension)) {
      return invalid(fmt::format("chunk at offset {} has no signature", start));
    }
    std::string text = signed_prefix("AWS4-HMAC-SHA256-PAYLOAD");
    text.append("\n").append(kEmptyHash).append("\n").append(crypto::sha256_hex(data));
    if (!advance(text, extension.substr(kSignatureExtension.size()))) {
      return invalid(fmt::format("signature of the chunk at offset {} does not match", start));
    }
    return {};
  }

  std::string signed_prefix(std::string_view algorithm) const {
    return fmt::format("{}\n{}\n{}\n{}", algorithm, announced_.time, announced_.scope,
                       previous_signature_);
  }

  bool advance(std::string_view text, std::string_view signature) {
    previous_signature_ = hex_encode(crypto::hmac_sha256(announced_.signing_key, text));
    return constant_time_equal(signature, previous_signature_);
  }

  Result<> take_trailers() {
    std::string canonical;
    std::string signature;
    while (!rest().empty() && !rest().starts_with("\r\n")) {
      const size_t start = offset_;
      TRY_ASSIGN(const auto line, take_line(kTrailerBytesMax));
      const size_t colon = line.find(':');
      if (colon == std::string_view::npos || !signature.empty()) {
        return invalid(fmt::format("bad trailer at offset {}", start));
      }
      const std::string name = to_lower(line.substr(0, colon));
      const auto value = trimmed(line.substr(colon + 1));
      if (name == kTrailerSignature) {
        signature = value;
        continue;
      }
      TRY(add_trailer(name, value));
      canonical.append(name).append(":").append(value).append("\n");
    }
    return finish_trailers(canonical, signature);
  }

  Result<> add_trailer(const std::string& name, std::string_view value) {
    const auto& declared = announced_.declared_trailers;
    if (!name.starts_with(kTrailerPrefix) ||
        std::find(declared.begin(), declared.end(), name) == declared.end()) {
      return invalid(fmt::format("trailer '{}' is not declared or not a checksum", name));
    }
    for (const auto& [earlier, ignored] : out_.trailers) {
      if (earlier == name) return invalid(fmt::format("trailer '{}' is repeated", name));
    }
    if (out_.trailers.size() >= kTrailersMax || value.empty() ||
        std::any_of(value.begin(), value.end(), [](char c) { return c < ' ' || c == 127; })) {
      return invalid(fmt::format("bad value or too many trailers at '{}'", name));
    }
    out_.trailers.emplace_back(name, value);
    return {};
  }

  Result<> finish_trailers(const std::string& canonical, const std::string& signature) {
    if (out_.trailers.size() != announced_.declared_trailers.size()) {
      return invalid(fmt::format("{} trailers declared, {} sent",
                                 announced_.declared_trailers.size(), out_.trailers.size()));
    }
    if (announced_.signatures == ChunkSignatures::Absent) {
      if (!signature.empty()) return invalid("trailer signature on an unsigned payload");
      return {};
    }
    std::string text = signed_prefix("AWS4-HMAC-SHA256-TRAILER");
    text.append("\n").append(crypto::sha256_hex(canonical));
    if (!advance(text, signature)) return invalid("signature of the trailers does not match");
    return {};
  }

  std::string_view body_;
  const ChunkedBody& announced_;
  std::string previous_signature_;
  size_t offset_ = 0;
  DecodedBody out_;
};

}  // namespace

Result<DecodedBody> decode_chunked(std::string_view body, const ChunkedBody& announced) {
  return Decoder(body, announced).run();
}

}  // namespace traccia::aws
