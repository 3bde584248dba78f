// Feeds arbitrary requests to parsing and verification; what is then signed must verify.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "aws/sigv4.h"
#include "base/assert.h"

namespace {

using traccia::http::Request;

bool is_token(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

std::string_view take_line(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

// METHOD, path and query on a line each, then header lines, an empty line and the body.
Request read_request(std::string_view text) {
  Request request;
  request.method = take_line(text);
  request.path = take_line(text);
  request.query = take_line(text);
  while (!text.empty()) {
    const auto line = take_line(text);
    if (line.empty()) break;
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) continue;
    request.headers.add(line.substr(0, colon), line.substr(colon + 1));
  }
  request.body = text;
  return request;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace aws = traccia::aws;
  const aws::Credentials key{"AKIDEXAMPLE", "secret", ""};
  auto request = read_request({reinterpret_cast<const char*>(data), size});
  if (const auto claim = aws::parse_authorization(request)) {
    auto copy = request;
    const auto result = aws::verify(copy, *claim, key.secret_access_key, claim->time, {});
    if (!result) TRACCIA_ASSERT(!result.error().reason().empty());
  }
  const auto now = traccia::from_unix_seconds(1795496767);
  for (const auto service : {"s3", "cloudtrail"}) {
    auto copy = request;
    aws::sign(copy, key, "us-east-1", service, now, aws::Payload::Signed);
    const auto claim = aws::parse_authorization(copy);
    if (!claim) continue;
    TRACCIA_ASSERT(aws::verify(copy, *claim, key.secret_access_key, now, {}).has_value());
    copy.method += 'X';
    TRACCIA_ASSERT(!aws::verify(copy, *claim, key.secret_access_key, now, {}).has_value());
  }
  return 0;
}
