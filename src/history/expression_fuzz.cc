// Feeds arbitrary text to the parser of expressions; what it reads is written and read again.
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "history/expression.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace history = traccia::history;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto expression = history::parse_expression(text);
  if (!expression) {
    TRACCIA_ASSERT(expression.error().reason() == "InvalidExpression");
    return 0;
  }
  const auto written = history::to_string(*expression);
  if (written.size() > history::kExpressionBytesMax) return 0;  // quotes and names in full
  const auto again = history::parse_expression(written);
  TRACCIA_ASSERT(again && *again == *expression);
  traccia::event::Record event;
  event.event_name = "n";
  const traccia::event::Resource resources[] = {{"AWS::S3::Bucket", "arn:aws:s3:::b"}};
  event.resources = resources;
  static_cast<void>(history::matches(*expression, event));
  return 0;
}
