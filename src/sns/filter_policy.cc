// Compiles and evaluates filter policies.
// SPDX-License-Identifier: Apache-2.0
#include "sns/filter_policy.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "sns/messages.h"

namespace traccia::sns {
namespace {

constexpr std::string_view kOr = "$or";

std::unexpected<Error> invalid(std::string why) {
  return fail(ErrorCode::InvalidArgument, "InvalidParameter", fmt::format("FilterPolicy: {}", why));
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

std::string_view text_of(const json::Value& value) {
  return value.is_string() ? std::string_view(value.get_string()) : std::string_view();
}

std::optional<double> number_of(const json::Value& value) {
  if (!value.is_number()) return std::nullopt;
  boost::system::error_code code;
  const auto number = value.to_number<double>(code);
  return code ? std::nullopt : std::optional(number);
}

std::optional<double> parse_number(std::string_view text) {
  double number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

// As messages quote a member.
std::string shown(const json::Value& value) {
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

struct Address {
  std::array<unsigned char, 16> bytes{};
  unsigned bits = 0;  // 32 or 128
};
std::optional<Address> parse_address(std::string_view text) {
  const std::string ended(text);
  Address out;
  if (inet_pton(AF_INET, ended.c_str(), out.bytes.data()) == 1) {
    out.bits = 32;
  } else if (inet_pton(AF_INET6, ended.c_str(), out.bytes.data()) == 1) {
    out.bits = 128;
  } else {
    return std::nullopt;
  }
  return out;
}

bool in_range(std::string_view text, std::string_view range) {
  const auto slash = range.find('/');
  const auto address = parse_address(text);
  const auto base = parse_address(range.substr(0, slash));
  const auto bits = parse_number(range.substr(slash + 1));
  if (!address || !base || !bits || address->bits != base->bits) return false;
  for (unsigned bit = 0; bit < static_cast<unsigned>(*bits); ++bit) {
    const unsigned mask = 0x80U >> (bit % 8);
    if ((address->bytes[bit / 8] & mask) != (base->bytes[bit / 8] & mask)) return false;
  }
  return true;
}

Result<> check_cidr(const json::Value& value) {
  // AWS names another operator here.
  if (!value.is_string()) return invalid("prefix match pattern must be a string");
  const auto text = text_of(value);
  if (std::ranges::count(text, '/') != 1) return invalid("Malformed CIDR, one '/' required");
  const auto slash = text.find('/');
  unsigned bits = 0;
  const auto mask = text.substr(slash + 1);
  const auto parsed = std::from_chars(mask.data(), mask.data() + mask.size(), bits);
  if (parsed.ec != std::errc() || parsed.ptr != mask.data() + mask.size()) {
    return invalid("Malformed CIDR, mask bits must be an integer");
  }
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return invalid(fmt::format("Nonstandard IP address: {}", text.substr(0, slash)));
  if (bits > address->bits) return invalid("Malformed CIDR, mask bits must not exceed the address");
  return {};
}

// Numbers of message attributes are text.
json::Value attribute_value(const json::Object& attribute) {
  const auto type = json::find_string(attribute, "DataType");
  const auto text = json::find_string(attribute, "StringValue");
  if (type == "String.Array") {
    auto list = json::parse(text);
    return list && list->is_array() ? std::move(*list) : json::Value(text);
  }
  if (type.starts_with("Number")) {
    if (const auto number = parse_number(text)) return *number;
  }
  return json::Value(text);
}

}  // namespace

std::optional<FilterScope> parse_filter_scope(std::string_view text) {
  if (text.empty() || text == "MessageAttributes") return FilterScope::MessageAttributes;
  if (text == "MessageBody") return FilterScope::MessageBody;
  return std::nullopt;
}

class FilterPolicy::Compiler {
 public:
  explicit Compiler(FilterScope scope) : scope_(scope) {}

  Result<std::shared_ptr<const Node>> compile(const json::Object& object, size_t depth) {
    if (depth > kDepthMax) return invalid("Filter policy is too complex");
    if (depth > 1 && scope_ == FilterScope::MessageAttributes) {
      return fail(ErrorCode::InvalidArgument, "InvalidParameter",
                  "Filter policy scope MessageAttributes does not support nested filter policy");
    }
    auto node = std::make_shared<Node>();
    for (const auto& [name, value] : object) {
      if (name == kOr && is_alternative(value)) {
        TRY(add_alternatives(*node, value.get_array(), depth));
      } else if (value.is_object()) {
        TRY_ASSIGN(auto nested, compile(value.get_object(), depth + 1));
        node->fields.push_back({std::string(name), {}, std::move(nested)});
      } else if (value.is_array()) {
        TRY_ASSIGN(auto conditions, compile_list(value.get_array()));
        TRY(count(static_cast<int64_t>(conditions.size() * depth)));
        node->fields.push_back({std::string(name), std::move(conditions), nullptr});
      } else {
        return invalid(fmt::format("\"{}\" must be an object or an array",
                                   std::string_view(name).substr(0, 256)));
      }
    }
    return node;
  }

 private:
  static bool is_alternative(const json::Value& value) {
    return value.is_array() && value.get_array().size() >= 2 &&
           std::ranges::all_of(value.get_array(),
                               [](const json::Value& one) { return one.is_object(); });
  }

  Result<> count(int64_t factor) {
    combinations_ *= factor;
    if (combinations_ > kCombinationsMax) return invalid("Filter policy is too complex");
    return {};
  }

  // Alternatives add up where fields multiply.
  Result<> add_alternatives(Node& node, const json::Array& list, size_t depth) {
    auto& nodes = node.alternatives.emplace_back();
    const auto before = combinations_;
    int64_t sum = 0;
    for (const auto& one : list) {
      combinations_ = before;
      TRY_ASSIGN(auto compiled, compile(one.get_object(), depth));
      nodes.push_back(std::move(compiled));
      sum += combinations_;
    }
    combinations_ = 1;
    return count(sum);
  }

  Result<std::vector<Condition>> compile_list(const json::Array& list) {
    if (list.empty()) return invalid("Empty arrays are not allowed");
    std::vector<Condition> out;
    for (const auto& one : list) {
      TRY_ASSIGN(auto condition, compile_condition(one));
      out.push_back(std::move(condition));
    }
    return out;
  }

  Result<Condition> compile_condition(const json::Value& value) {
    if (value.is_array()) {
      return invalid("Match value must be String, number, true, false, or null");
    }
    if (!value.is_object()) return Condition{Kind::Equals, value};
    const auto& object = value.get_object();
    if (object.size() != 1) return invalid("Only one key allowed in match expression");
    const std::string_view name = object.begin()->key();
    const auto& operand = object.begin()->value();
    constexpr std::pair<std::string_view, Kind> kTexts[] = {
        {"prefix", Kind::Prefix},
        {"suffix", Kind::Suffix},
        {"equals-ignore-case", Kind::EqualsIgnoreCase}};
    for (const auto& [text, kind] : kTexts) {
      if (name != text) continue;
      if (!operand.is_string()) {
        return invalid(fmt::format("{} match pattern must be a string", name));
      }
      return Condition{kind, operand};
    }
    if (name == "exists") {
      if (operand.is_bool()) return Condition{Kind::Exists, operand};
      return invalid("exists match pattern must be either true or false.");
    }
    if (name == "cidr") {
      TRY(check_cidr(operand));
      return Condition{Kind::Cidr, operand};
    }
    if (name == "anything-but") return compile_anything_but(operand);
    if (name == "numeric") return compile_numeric(operand);
    return invalid(fmt::format("Unrecognized match type {}", name.substr(0, 256)));
  }

  static Result<Condition> compile_anything_but(const json::Value& operand) {
    if (operand.is_object()) {
      const auto& object = operand.get_object();
      for (const auto& [name, text] : object) {
        if (name != "prefix") {
          return invalid(fmt::format("Unsupported anything-but pattern: {}",
                                     std::string_view(name).substr(0, 256)));
        }
        if (!text.is_string()) return invalid("prefix match pattern must be a string");
        if (object.size() == 1) return Condition{Kind::AnythingButPrefix, text};
      }
      return invalid("Only one key allowed in match expression");
    }
    const auto simple = [](const json::Value& one) { return one.is_string() || one.is_number(); };
    const json::Array list = operand.is_array() ? operand.get_array() : json::Array{operand};
    if (list.empty()) return invalid("Empty arrays are not allowed");
    if (!std::ranges::all_of(list, simple)) {
      return invalid("Inside anything but list, start|null|boolean is not supported.");
    }
    return Condition{Kind::AnythingBut, list};
  }

  // ["=",5], [">",0], [">=",0,"<",100]
  static Result<Condition> compile_numeric(const json::Value& operand) {
    if (!operand.is_array()) return invalid("Value of numeric must be an array.");
    const auto& list = operand.get_array();
    if (list.empty()) return invalid("Invalid member in numeric match: ]");
    if (!list[0].is_string()) {
      return invalid(fmt::format("Invalid member in numeric match: {}", shown(list[0])));
    }
    const auto first = text_of(list[0]);
    constexpr std::string_view kOperators[] = {"<", "<=", "=", ">", ">="};
    if (std::ranges::find(kOperators, first) == std::end(kOperators)) {
      return invalid(fmt::format("Unrecognized numeric range operator: {}", first.substr(0, 64)));
    }
    const auto from = list.size() > 1 ? number_of(list[1]) : std::nullopt;
    if (!from) {
      return invalid(fmt::format("Value of {} must be numeric", first == "=" ? "equals" : first));
    }
    Condition out{Kind::Numeric};
    bound(out, first, *from);
    if (list.size() == 2) return out;
    if (!first.starts_with('>')) return invalid("Too many elements in numeric expression");
    if (!list[2].is_string()) {
      return invalid(fmt::format("Bad value in numeric range: {}", shown(list[2])));
    }
    const auto second = text_of(list[2]);
    if (second != "<" && second != "<=") {
      return invalid(fmt::format("Bad numeric range operator: {}", second.substr(0, 64)));
    }
    const auto to = list.size() > 3 ? number_of(list[3]) : std::nullopt;
    if (!to) return invalid(fmt::format("Value of {} must be numeric", second));
    if (*to <= *from) return invalid("Bottom must be less than top");
    if (list.size() > 4) return invalid("Too many terms in numeric range expression");
    bound(out, second, *to);
    return out;
  }

  static void bound(Condition& condition, std::string_view by, double number) {
    if (by != "<" && by != "<=") {
      condition.above = number;
      condition.above_too = by != ">";
    }
    if (by != ">" && by != ">=") {
      condition.below = number;
      condition.below_too = by != "<";
    }
  }

  FilterScope scope_;
  int64_t combinations_ = 1;
};

Result<FilterPolicy> FilterPolicy::parse(std::string_view text, FilterScope scope) {
  const auto document = json::parse(text, {.bytes_max = kBytesMax, .depth_max = 2 * kDepthMax});
  if (!document) {
    return invalid(fmt::format("failed to parse JSON. {}", document.error().message()));
  }
  if (!document->is_object()) return invalid("Filter is not an object");
  const auto& object = document->get_object();
  if (object.size() > kKeysMax) {
    return invalid(fmt::format("Filter policy can not have more than {} keys", kKeysMax));
  }
  FilterPolicy out;
  out.scope_ = scope;
  Compiler compiler(scope);
  TRY_ASSIGN(out.root_, compiler.compile(object, 1));
  return out;
}

// Of one value that is no list.
bool FilterPolicy::holds(const Condition& condition, const json::Value& value) {
  const auto text = text_of(value);
  const auto wanted = text_of(condition.value);
  const auto equal = [&](const json::Value& other) {
    const auto a = number_of(value);
    const auto b = number_of(other);
    return a && b ? *a == *b : value == other;
  };
  switch (condition.kind) {
    case Kind::Equals:
      return equal(condition.value);
    case Kind::Exists:
      return condition.value.get_bool();
    case Kind::Prefix:
      return value.is_string() && text.starts_with(wanted);
    case Kind::Suffix:
      return value.is_string() && text.ends_with(wanted);
    case Kind::EqualsIgnoreCase:
      return value.is_string() && lower(text) == lower(wanted);
    case Kind::AnythingBut:
      return std::ranges::none_of(condition.value.get_array(), equal);
    case Kind::AnythingButPrefix:
      return !value.is_string() || !text.starts_with(wanted);
    case Kind::Numeric: {
      const auto number = number_of(value);
      if (!number) return false;
      const auto& above = condition.above;
      const auto& below = condition.below;
      if (above && (condition.above_too ? *number < *above : *number <= *above)) return false;
      return !(below && (condition.below_too ? *number > *below : *number >= *below));
    }
    case Kind::Cidr:
      return value.is_string() && in_range(text, wanted);
  }
  return false;
}

// Of a list one member suffices; objects are no values, and count as absent.
bool FilterPolicy::holds(const std::vector<Condition>& conditions, const json::Value* value) {
  if (value == nullptr || value->is_object()) {
    return std::ranges::any_of(conditions, [](const Condition& one) {
      return one.kind == Kind::Exists && !one.value.get_bool();
    });
  }
  if (value->is_array()) {
    return std::ranges::any_of(value->get_array(),
                               [&](const json::Value& one) { return holds(conditions, &one); });
  }
  return std::ranges::any_of(conditions, [&](const Condition& one) { return holds(one, *value); });
}

// Of a list of objects one must match as a whole.
bool FilterPolicy::matches(const Node& node, const json::Value& value) {
  if (value.is_array()) {
    return std::ranges::any_of(value.get_array(),
                               [&](const json::Value& one) { return matches(node, one); });
  }
  static const json::Object kNone;
  const auto& object = value.is_object() ? value.get_object() : kNone;
  for (const auto& field : node.fields) {
    const auto* const found = json::find(object, field.name);
    const bool good = field.nested == nullptr
                          ? holds(field.conditions, found)
                          : matches(*field.nested, found == nullptr ? json::Value() : *found);
    if (!good) return false;
  }
  return std::ranges::all_of(node.alternatives, [&](const auto& nodes) {
    return std::ranges::any_of(nodes, [&](const auto& one) { return matches(*one, value); });
  });
}

bool FilterPolicy::takes(const Content& content, std::string_view protocol) const {
  if (scope_ == FilterScope::MessageBody) {
    const auto body = json::parse(content.text_for(protocol));
    return body && body->is_object() && matches(*root_, *body);
  }
  json::Object attributes;
  for (const auto& [name, value] : content.attributes) {
    const auto& attribute = value.as_object();
    // Binary ones take no part in filtering.
    if (json::find_string(attribute, "DataType").starts_with("Binary")) continue;
    attributes[name] = attribute_value(attribute);
  }
  return matches(*root_, json::Value(std::move(attributes)));
}

}  // namespace traccia::sns
