// Boost.JSON's parser with a handler that keeps places.
// SPDX-License-Identifier: Apache-2.0
#include "policy/node.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <optional>
#include <tuple>

namespace traccia::policy {
namespace {

// Finds the tokens of a text again while Boost.JSON validates it: a handler is called when its
// token has been read to the end, in order, so the next token's first byte is the first one that
// is neither space nor separator.
class TokenPlaces {
 public:
  explicit TokenPlaces(std::string_view text) : text_(text) {}

  uint32_t next() {
    while (at_ < text_.size() && is_between(text_[at_])) ++at_;
    const auto start = static_cast<uint32_t>(at_);
    if (at_ < text_.size()) skip_token();
    return start;
  }
  std::string_view since(uint32_t start) const { return text_.substr(start, at_ - start); }

 private:
  static bool is_between(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',' || c == ':';
  }
  static bool is_bracket(char c) { return c == '{' || c == '}' || c == '[' || c == ']'; }

  void skip_token() {
    const char first = text_[at_++];
    if (is_bracket(first)) return;
    if (first == '"') {
      while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
      at_ = std::min(at_ + 1, text_.size());
      return;
    }
    while (at_ < text_.size() && !is_between(text_[at_]) && !is_bracket(text_[at_])) ++at_;
  }

  std::string_view text_;
  size_t at_ = 0;
};

using Code = boost::json::error_code;
using Text = boost::json::string_view;

// The interface is Boost's: false stops the parser, with the code set.
struct Handler {
  static constexpr size_t max_object_size = static_cast<size_t>(-1);
  static constexpr size_t max_array_size = static_cast<size_t>(-1);
  static constexpr size_t max_key_size = static_cast<size_t>(-1);
  static constexpr size_t max_string_size = static_cast<size_t>(-1);

  explicit Handler(std::string_view text) : places(text) {}

  bool on_document_begin(Code&) { return true; }
  bool on_document_end(Code&) { return true; }
  bool on_object_begin(Code&) { return open(Node::Kind::Object); }
  bool on_object_end(size_t, Code& code) {
    open_nodes.back()->end = places.next() + 1;
    if (!check_duplicates(*open_nodes.back())) {
      code = boost::json::error::syntax;
      return false;
    }
    open_nodes.pop_back();
    return true;
  }
  bool on_array_begin(Code&) { return open(Node::Kind::Array); }
  bool on_array_end(size_t, Code&) {
    places.next();
    open_nodes.pop_back();
    return true;
  }
  bool on_key_part(Text part, size_t, Code&) { return collect(part); }
  bool on_key(Text part, size_t, Code&) {
    collect(part);
    auto& members = open_nodes.back()->members;
    members.push_back({std::move(collected), places.next(), {}});
    collected.clear();
    return true;
  }
  bool on_string_part(Text part, size_t, Code&) { return collect(part); }
  bool on_string(Text part, size_t, Code&) {
    collect(part);
    auto& node = add(Node::Kind::String);
    node.text = std::move(collected);
    collected.clear();
    return true;
  }
  bool on_number_part(Text, Code&) { return true; }
  bool on_int64(int64_t, Text, Code&) { return as_written(Node::Kind::Number); }
  bool on_uint64(uint64_t, Text, Code&) { return as_written(Node::Kind::Number); }
  bool on_double(double, Text, Code&) { return as_written(Node::Kind::Number); }
  bool on_bool(bool, Code&) { return as_written(Node::Kind::Bool); }
  bool on_null(Code&) { return as_written(Node::Kind::Null); }
  bool on_comment_part(Text, Code&) { return true; }
  bool on_comment(Text, Code&) { return true; }

  bool collect(Text part) {
    collected.append(part.data(), part.size());
    return true;
  }
  Node& add(Node::Kind kind) {
    Node* node = &root;
    if (!open_nodes.empty()) {
      auto& parent = *open_nodes.back();
      node = parent.kind == Node::Kind::Array ? &parent.items.emplace_back()
                                              : &parent.members.back().value;
    }
    node->kind = kind;
    node->offset = places.next();
    return *node;
  }
  bool open(Node::Kind kind) {
    // Stays where it is: a parent adds nothing while its last child is open.
    open_nodes.push_back(&add(kind));
    return true;
  }
  bool as_written(Node::Kind kind) {
    auto& node = add(kind);
    node.text = places.since(node.offset);
    return true;
  }
  bool check_duplicates(const Node& object) {
    std::vector<const Node::Member*> sorted;
    sorted.reserve(object.members.size());
    for (const auto& member : object.members) sorted.push_back(&member);
    std::ranges::sort(sorted, [](const auto* a, const auto* b) {
      return std::tie(a->name, a->offset) < std::tie(b->name, b->offset);
    });
    const auto twice = std::ranges::adjacent_find(
        sorted, [](const auto* a, const auto* b) { return a->name == b->name; });
    if (twice == sorted.end()) return true;
    const auto& second = **std::next(twice);
    duplicate = NodeError{NodeError::Kind::DuplicateKey, second.offset, second.name};
    return false;
  }

  TokenPlaces places;
  Node root;
  std::vector<Node*> open_nodes;
  std::string collected;
  std::optional<NodeError> duplicate;
};

}  // namespace

std::expected<Node, NodeError> parse_node(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = kDepthMax;
  boost::json::basic_parser<Handler> parser(options, text);
  Code code;
  const size_t read = parser.write_some(false, text.data(), text.size(), code);
  if (!code && read < text.size()) code = boost::json::error::extra_data;
  auto& handler = parser.handler();
  if (handler.duplicate) return std::unexpected(std::move(*handler.duplicate));
  if (code) {
    return std::unexpected(
        NodeError{NodeError::Kind::NotJson, static_cast<uint32_t>(read), code.message()});
  }
  return std::move(handler.root);
}

Place place_of(std::string_view text, size_t offset) {
  text = text.substr(0, offset);
  const auto line_start = text.rfind('\n') + 1;  // npos + 1 is the first line's start
  return {static_cast<size_t>(std::ranges::count(text, '\n')) + 1, text.size() - line_start + 1};
}

}  // namespace traccia::policy
