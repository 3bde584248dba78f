// Parsing of X-Amz-Target.
// SPDX-License-Identifier: Apache-2.0
#include "aws/json11.h"

#include <algorithm>

namespace traccia::aws {

Result<Target> parse_target(std::string_view text, std::span<const std::string_view> prefixes) {
  const size_t dot = text.rfind('.');
  if (dot != std::string_view::npos && dot + 1 < text.size()) {
    const Target target{text.substr(0, dot), text.substr(dot + 1)};
    if (std::find(prefixes.begin(), prefixes.end(), target.prefix) != prefixes.end()) {
      return target;
    }
  }
  return fail(ErrorCode::InvalidArgument, "UnknownOperationException",
              "x-amz-target names no operation of this service");
}

}  // namespace traccia::aws
