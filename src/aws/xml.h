// XML of the REST-XML and Query protocols: a writer for answers, a bounded reader for requests.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace traccia::aws {

// Text as element content: markup and carriage returns escaped; control characters as numeric
// references, as S3 writes keys that XML 1.0 cannot hold; bytes that are not UTF-8 as U+FFFD.
std::string xml_escape(std::string_view text);

// Writes one document. Names are the program's own and are not checked. owned by one thread.
class XmlWriter {
 public:
  XmlWriter();
  XmlWriter& begin(std::string_view name);
  // The root of most answers carries its service's namespace.
  XmlWriter& begin(std::string_view name, std::string_view xmlns);
  XmlWriter& element(std::string_view name, std::string_view text);
  XmlWriter& element(std::string_view name, int64_t value);
  XmlWriter& end();
  // The document; every begin must have its end.
  std::string take() &&;

 private:
  std::string out_;
  std::vector<std::string> open_;
};

// A parsed element. Namespaces' prefixes and attributes are dropped: no request document of the
// services needs them.
struct XmlElement {
  std::string name;
  std::string text;  // character data directly inside, concatenated
  std::vector<XmlElement> children;

  // The first child of that name, or nullptr.
  const XmlElement* child(std::string_view child_name) const;
  std::vector<const XmlElement*> children_named(std::string_view child_name) const;
  // The first such child's text, or empty.
  std::string_view child_text(std::string_view child_name) const;
};

struct XmlLimits {
  size_t bytes_max = 2U << 20;  // 10 000 keys of CompleteMultipartUpload fit
  size_t depth_max = 16;
  size_t elements_max = 100000;
};

// One element and nothing else. Document types and entities other than XML's own five are refused
// or left as they are, never expanded. Reason MalformedXML.
Result<XmlElement> parse_xml(std::string_view text, XmlLimits limits = {});

}  // namespace traccia::aws
