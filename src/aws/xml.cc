// XML writing, and reading through pugixml.
// SPDX-License-Identifier: Apache-2.0
#include "aws/xml.h"

#include <fmt/core.h>

#include <pugixml.hpp>

#include "base/assert.h"

namespace traccia::aws {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool is_continuation(std::string_view text, size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
}

// The length of the character at `at`, or 0 when the bytes there are not one that XML can hold.
size_t character_bytes(std::string_view text, size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) return 1;
  const size_t count = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  for (size_t i = 1; i < count; ++i) {
    if (!is_continuation(text, at + i)) return 0;
  }
  const auto second = static_cast<unsigned char>(text[at + 1]);
  if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F)) return 0;
  if ((lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) return 0;
  if (text.substr(at, 3) == "\xEF\xBF\xBE" || text.substr(at, 3) == "\xEF\xBF\xBF") return 0;
  return count;
}

void append_ascii(std::string& out, char c) {
  switch (c) {
    case '&':
      out += "&amp;";
      return;
    case '<':
      out += "&lt;";
      return;
    case '>':
      out += "&gt;";
      return;
    case '"':
      out += "&quot;";
      return;
    case '\t':
    case '\n':
      out += c;
      return;
    default:
      break;
  }
  if (c < ' ' || c == 127) {
    out += fmt::format("&#x{:x};", static_cast<unsigned>(c));
  } else {
    out += c;
  }
}

auto malformed(std::string message) {
  return fail(ErrorCode::InvalidArgument, "MalformedXML", std::move(message));
}

std::string_view local_name(std::string_view name) {
  const size_t colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

Result<> copy_element(const pugi::xml_node& node, XmlElement& out, size_t depth,
                      size_t& elements_left) {
  if (depth == 0) return malformed("document is nested too deeply");
  if (elements_left-- == 0) return malformed("document has too many elements");
  out.name = local_name(node.name());
  for (const auto& child : node.children()) {
    switch (child.type()) {
      case pugi::node_element:
        TRY(copy_element(child, out.children.emplace_back(), depth - 1, elements_left));
        break;
      case pugi::node_pcdata:
      case pugi::node_cdata:
        out.text += child.value();
        break;
      case pugi::node_comment:
      case pugi::node_pi:
      case pugi::node_declaration:
        break;
      case pugi::node_null:
      case pugi::node_document:
      case pugi::node_doctype:
        return malformed("document holds an unexpected node");
    }
  }
  return {};
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace

std::string xml_escape(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (size_t i = 0; i < text.size();) {
    const size_t count = character_bytes(text, i);
    if (count == 1) {
      append_ascii(out, text[i]);
    } else {
      out += count == 0 ? kReplacement : text.substr(i, count);
    }
    i += count == 0 ? 1 : count;
  }
  return out;
}

XmlWriter::XmlWriter() : out_("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n") {}

XmlWriter& XmlWriter::begin(std::string_view name) {
  out_.append("<").append(name).append(">");
  open_.emplace_back(name);
  return *this;
}

XmlWriter& XmlWriter::begin(std::string_view name, std::string_view xmlns) {
  out_.append("<").append(name).append(" xmlns=\"").append(xml_escape(xmlns)).append("\">");
  open_.emplace_back(name);
  return *this;
}

XmlWriter& XmlWriter::element(std::string_view name, std::string_view text) {
  out_.append("<").append(name).append(">").append(xml_escape(text));
  out_.append("</").append(name).append(">");
  return *this;
}

XmlWriter& XmlWriter::element(std::string_view name, int64_t value) {
  return element(name, std::to_string(value));
}

XmlWriter& XmlWriter::end() {
  TRACCIA_ASSERT(!open_.empty());
  out_.append("</").append(open_.back()).append(">");
  open_.pop_back();
  return *this;
}

std::string XmlWriter::take() && {
  TRACCIA_ASSERT(open_.empty());
  return std::move(out_);
}

const XmlElement* XmlElement::child(std::string_view child_name) const {
  for (const auto& element : children) {
    if (element.name == child_name) return &element;
  }
  return nullptr;
}

std::vector<const XmlElement*> XmlElement::children_named(std::string_view child_name) const {
  std::vector<const XmlElement*> out;
  for (const auto& element : children) {
    if (element.name == child_name) out.push_back(&element);
  }
  return out;
}

std::string_view XmlElement::child_text(std::string_view child_name) const {
  const XmlElement* found = child(child_name);
  return found == nullptr ? std::string_view() : std::string_view(found->text);
}

Result<XmlElement> parse_xml(std::string_view text, XmlLimits limits) {
  if (text.size() > limits.bytes_max) {
    return malformed(fmt::format("document exceeds {} bytes", limits.bytes_max));
  }
  // pugixml takes a NUL for the end of its input.
  if (text.find('\0') != std::string_view::npos) return malformed("document holds a NUL byte");
  pugi::xml_document document;
  const unsigned options = pugi::parse_default | pugi::parse_ws_pcdata_single |
                           pugi::parse_doctype | pugi::parse_fragment;
  const auto parsed = document.load_buffer(text.data(), text.size(), options, pugi::encoding_utf8);
  if (!parsed) {
    return malformed(fmt::format("{} at offset {}", parsed.description(), parsed.offset));
  }
  pugi::xml_node root;
  for (const auto& node : document.children()) {
    if (node.type() == pugi::node_doctype) return malformed("document types are not allowed");
    if (node.type() == pugi::node_element) {
      if (root) return malformed("more than one root element");
      root = node;
    } else if (!is_blank(node.value())) {
      return malformed("text outside the root element");
    }
  }
  if (!root) return malformed("no root element");
  XmlElement out;
  size_t elements_left = limits.elements_max;
  TRY(copy_element(root, out, limits.depth_max, elements_left));
  return out;
}

}  // namespace traccia::aws
