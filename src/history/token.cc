// Page tokens are base64 of version, time, sequence and a check over these and the query. The check
// finds mistakes; it is no secret, as a forged place shows nothing that the query would not.
// SPDX-License-Identifier: Apache-2.0
#include "history/token.h"

#include "base/bytes.h"

namespace traccia::history {
namespace {

constexpr char kVersion = 2;
constexpr size_t kPlaceBytes = 1 + 8 + 8;
constexpr size_t kTokenBytesMax = 64;

// FNV-1a: the same in every build, as tokens outlive the process.
uint64_t check_of(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3;
  }
  return hash;
}

void append_time(std::string& out, const std::optional<Time>& time) {
  out.push_back(time ? 1 : 0);
  append_u64(out, time ? static_cast<uint64_t>(to_unix_nanoseconds(*time)) : 0);
}

// Place and check.
std::string render(const Query& query, std::string_view place) {
  std::string scope(place);
  for (const auto& name : {query.account, query.region}) {
    scope.push_back(name ? 1 : 0);
    append_block(scope, name.value_or(""));
  }
  append_block(scope, to_string(query.expression));
  append_time(scope, query.start);
  append_time(scope, query.end);
  std::string out(place);
  append_u64(out, check_of(scope));
  return out;
}

std::unexpected<Error> refuse() {
  return fail(ErrorCode::InvalidArgument, "InvalidNextToken",
              "the token was not given for this look-up");
}

}  // namespace

std::string encode_token(const Query& query, PagePlace place) {
  std::string bytes(1, kVersion);
  append_u64(bytes, static_cast<uint64_t>(place.event_time));
  append_u64(bytes, static_cast<uint64_t>(place.sequence));
  return base64_encode(render(query, bytes));
}

Result<PagePlace> decode_token(const Query& query, std::string_view token) {
  if (token.size() > kTokenBytesMax) return refuse();
  const auto bytes = base64_decode(token);
  if (!bytes || bytes->size() < kPlaceBytes || bytes->front() != kVersion) return refuse();
  const auto place = std::string_view(*bytes).substr(0, kPlaceBytes);
  if (*bytes != render(query, place)) return refuse();
  ByteReader reader(place.substr(1));
  TRY_ASSIGN(const auto event_time, reader.u64());
  TRY_ASSIGN(const auto sequence, reader.u64());
  return PagePlace{static_cast<int64_t>(event_time), static_cast<int64_t>(sequence)};
}

}  // namespace traccia::history
