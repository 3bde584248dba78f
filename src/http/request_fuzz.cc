// A request in two pieces must be what Beast's own parser makes of it in one.
// SPDX-License-Identifier: Apache-2.0
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "http/request_parser.h"

namespace {

namespace beast = boost::beast;
constexpr size_t kHeaderBytesMax = 4096;
constexpr uint64_t kBodyBytesMax = 8192;

// Feeds what there is, as a session does; what is left behind the request stays in `buffer`.
template <typename Parser>
beast::error_code feed(Parser& parser, std::string& buffer) {
  beast::error_code code;
  while (!code && !parser.is_done() && !buffer.empty()) {
    buffer.erase(0, parser.put(boost::asio::buffer(buffer), code));
    if (parser.is_header_done()) parser.eager(true);
  }
  return code == beast::http::error::need_more ? beast::error_code() : code;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t cut = data[0] % bytes.size();

  traccia::http::RequestParser parser({kHeaderBytesMax, kBodyBytesMax});
  std::string buffer(bytes.substr(0, cut));
  auto code = feed(parser, buffer);
  if (!code && !parser.is_done()) {
    buffer += bytes.substr(cut);
    code = feed(parser, buffer);
  }

  beast::http::request_parser<beast::http::string_body> oracle;
  oracle.header_limit(kHeaderBytesMax);
  oracle.body_limit(kBodyBytesMax);
  std::string whole(bytes);
  const auto expected = feed(oracle, whole);

  // How early Beast sees what is wrong with a head that is not whole yet depends on the pieces it
  // came in; what one parser takes the other must not refuse.
  if (!code != !expected) {
    TRACCIA_ASSERT(code ? !oracle.is_done() : !parser.is_done());
    return 0;
  }
  TRACCIA_ASSERT(code || parser.is_done() == oracle.is_done());
  if (code || !parser.is_done()) return 0;
  const auto& request = parser.request();
  const auto& message = oracle.get();
  TRACCIA_ASSERT(request.body == message.body());
  TRACCIA_ASSERT(request.method == std::string_view(message.method_string()));
  TRACCIA_ASSERT(parser.version() == message.version());
  TRACCIA_ASSERT(parser.keep_alive() == message.keep_alive());
  for (const auto& [name, value] : request.headers) {
    TRACCIA_ASSERT(message.find({name.data(), name.size()}) != message.end());
    TRACCIA_ASSERT(value.find_first_of("\r\n") == std::string_view::npos);
  }
  return 0;
}
