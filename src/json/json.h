// JSON documents of the APIs (Boost.JSON), with limits. The hot path of events uses simdjson in
// `event` instead.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>

#include "base/error.h"

namespace traccia::json {

using Value = boost::json::value;
using Object = boost::json::object;
using Array = boost::json::array;

struct ParseLimits {
  size_t bytes_max = 8U << 20;
  size_t depth_max = 64;
};

// Strict RFC 8259, UTF-8 checked, one document, nothing after it. InvalidArgument names the offset.
Result<Value> parse(std::string_view text, ParseLimits limits = {});
// Compact, UTF-8, members in insertion order.
std::string serialize(const Value& value);

// Appends the text as a JSON string, quotes included. Bytes from 128 on are taken as they are.
void append_string(std::string& out, std::string_view text);

// The member or nullptr.
const Value* find(const Object& object, std::string_view name);
// The member when it is a string, else empty.
std::string_view find_string(const Object& object, std::string_view name);

}  // namespace traccia::json
