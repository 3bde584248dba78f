// Status line and fields.
// SPDX-License-Identifier: Apache-2.0
#include "http/response_head.h"

#include <boost/beast/http/status.hpp>
#include <charconv>

namespace traccia::http {
namespace {

void append_number(std::string& out, uint64_t number) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  const auto start = out.size();
  out.append(value).append("\r\n");
  for (auto at = start; at < start + value.size(); ++at) {
    const auto byte = static_cast<unsigned char>(out[at]);
    if ((byte < ' ' && byte != '\t') || byte == 127) out[at] = ' ';
  }
}

}  // namespace

void append_head(std::string& out, const Response& response, const HeadOptions& options) {
  const auto status = static_cast<unsigned>(response.status);
  const auto reason =
      boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(status));
  out.append(options.version == 10 ? "HTTP/1.0 " : "HTTP/1.1 ");
  append_number(out, status);
  out.append(" ").append(reason.data(), reason.size());
  out.append("\r\nServer: Traccia\r\nDate: ").append(options.date).append("\r\n");
  for (const auto& [name, value] : response.headers) append_field(out, name, value);
  if (status != 204 && status != 304) {
    out.append("Content-Length: ");
    append_number(out, options.body_bytes);
    out.append("\r\n");
  }
  if (options.version == 11 && !options.keep_alive) out.append("Connection: close\r\n");
  if (options.version == 10 && options.keep_alive) out.append("Connection: keep-alive\r\n");
  out.append("\r\n");
}

}  // namespace traccia::http
