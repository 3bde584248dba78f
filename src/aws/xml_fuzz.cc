// Feeds arbitrary bytes to the XML reader; what it reads can be written and read again.
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string_view>

#include "aws/xml.h"
#include "base/assert.h"

namespace {

void write(traccia::aws::XmlWriter& xml, const traccia::aws::XmlElement& element) {
  xml.begin(element.name);
  for (const auto& child : element.children) write(xml, child);
  xml.end();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace aws = traccia::aws;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto escaped = aws::xml_escape(text);
  TRACCIA_ASSERT(escaped.find_first_of("<>\"") == std::string::npos);
  const auto root = aws::parse_xml(text);
  if (!root) {
    TRACCIA_ASSERT(root.error().reason() == "MalformedXML");
    return 0;
  }
  if (root->name.empty()) return 0;
  aws::XmlWriter xml;
  write(xml, *root);
  static_cast<void>(std::move(xml).take());
  return 0;
}
