// Boost.JSON with limits.
// SPDX-License-Identifier: Apache-2.0
#include "json/json.h"

#include <fmt/format.h>

#include <exception>

namespace traccia::json {

Result<Value> parse(std::string_view text, ParseLimits limits) {
  if (text.size() > limits.bytes_max) {
    return fail(ErrorCode::ResourceExhausted,
                fmt::format("JSON document of {} bytes; at most {} are read", text.size(),
                            limits.bytes_max));
  }
  boost::json::parse_options options;
  options.max_depth = limits.depth_max;
  boost::json::stream_parser parser({}, options);
  boost::system::error_code code;
  size_t offset = 0;
  try {
    offset = parser.write_some(text.data(), text.size(), code);
    if (!code && offset == text.size()) parser.finish(code);
  } catch (const std::exception& error) {
    return fail(ErrorCode::InvalidArgument, fmt::format("JSON: {}", error.what()));
  }
  if (!code && offset < text.size()) code = boost::json::error::extra_data;
  if (code) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("JSON at byte {}: {}", offset, code.message()));
  }
  return parser.release();
}

std::string serialize(const Value& value) {
  return boost::json::serialize(value);
}

void append_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  size_t start = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte >= ' ' && byte != '"' && byte != '\\') [[likely]]
      continue;
    out.append(text, start, at - start);
    start = at + 1;
    out += '\\';
    switch (text[at]) {
      case '"':
      case '\\':
        out += text[at];
        break;
      case '\b':
        out += 'b';
        break;
      case '\f':
        out += 'f';
        break;
      case '\n':
        out += 'n';
        break;
      case '\r':
        out += 'r';
        break;
      case '\t':
        out += 't';
        break;
      default:
        out.append("u00").append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
    }
  }
  out.append(text, start);
  out += '"';
}

const Value* find(const Object& object, std::string_view name) {
  return object.if_contains(name);
}

std::string_view find_string(const Object& object, std::string_view name) {
  const auto* value = find(object, name);
  if (value == nullptr || !value->is_string()) return {};
  return value->get_string();
}

}  // namespace traccia::json
