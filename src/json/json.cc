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

const Value* find(const Object& object, std::string_view name) {
  return object.if_contains(name);
}

std::string_view find_string(const Object& object, std::string_view name) {
  const auto* value = find(object, name);
  if (value == nullptr || !value->is_string()) return {};
  return value->get_string();
}

}  // namespace traccia::json
