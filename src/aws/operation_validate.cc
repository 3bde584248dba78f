// Checking of decoded requests against their descriptions, in AWS's words.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "aws/operation.h"
#include "base/bytes.h"

namespace traccia::aws {
namespace {

constexpr size_t kValueBytesShown = 512;
constexpr double kTimestampMax = 9'214'646'400;  // 2262-01-01

auto mistyped(std::string message) {
  return fail(ErrorCode::InvalidArgument, "SerializationException", std::move(message));
}

std::string_view wire_kind(const json::Value& value) {
  switch (value.kind()) {
    case boost::json::kind::null:
      return "NULL_VALUE";
    case boost::json::kind::bool_:
      return value.get_bool() ? "TRUE_VALUE" : "FALSE_VALUE";
    case boost::json::kind::int64:
    case boost::json::kind::uint64:
      return "NUMBER_VALUE";
    case boost::json::kind::double_:
      return "DECIMAL_VALUE";
    case boost::json::kind::string:
      return "STRING_VALUE";
    case boost::json::kind::array:
      return "START_ARRAY";
    case boost::json::kind::object:
      return "START_OBJECT";
  }
  return "VALUE";
}

std::string_view type_words(MemberType type) {
  switch (type) {
    case MemberType::String:
      return "a String";
    case MemberType::Integer:
      return "an Integer";
    case MemberType::Long:
      return "a Long";
    case MemberType::Float:
      return "a Float";
    case MemberType::Boolean:
      return "a Boolean";
    case MemberType::Timestamp:
      return "a Timestamp";
    case MemberType::Blob:
      return "a ByteBuffer";
    case MemberType::List:
      return "a List";
    case MemberType::Map:
      return "a Map";
    case MemberType::Structure:
      return "a Structure";
  }
  return "a value";
}

std::optional<int64_t> integer_of(const json::Value& value) {
  if (value.is_int64()) return value.get_int64();
  if (value.is_double()) {
    const double number = value.get_double();
    if (std::abs(number) < 9e15 && number == std::trunc(number)) {
      return static_cast<int64_t>(number);
    }
  }
  return std::nullopt;
}

Result<> check_scalar(const Shape& shape, const json::Value& value) {
  bool good = false;
  switch (shape.type) {
    case MemberType::String:
      good = value.is_string();
      break;
    case MemberType::Integer: {
      const auto number = integer_of(value);
      good = number && *number >= std::numeric_limits<int32_t>::min() &&
             *number <= std::numeric_limits<int32_t>::max();
      break;
    }
    case MemberType::Long:
      good = integer_of(value).has_value();
      break;
    case MemberType::Float:
      good = value.is_number();
      break;
    case MemberType::Boolean:
      good = value.is_bool();
      break;
    case MemberType::Timestamp:
      good = decode_timestamp(value).has_value();
      break;
    case MemberType::Blob:
      good = value.is_string() && base64_decode(value.get_string()).has_value();
      break;
    case MemberType::List:
    case MemberType::Map:
    case MemberType::Structure:
      break;
  }
  if (good) return {};
  if (value.is_array()) return mistyped("Start of list found where not expected");
  if (value.is_object()) return mistyped("Start of structure or map found where not expected.");
  return mistyped(
      fmt::format("{} can not be converted to {}", wire_kind(value), type_words(shape.type)));
}

Result<> check_types(const Shape& shape, const json::Value& value);

Result<> check_member_types(const Shape& shape, const json::Object& object) {
  for (const auto& member : shape.members) {
    const json::Value* value = json::find(object, member.name);
    if (value != nullptr && !value->is_null()) TRY(check_types(*member.shape, *value));
  }
  return {};
}

Result<> check_types(const Shape& shape, const json::Value& value) {
  if (shape.type == MemberType::List) {
    if (value.is_object()) return mistyped("Start of structure or map found where not expected.");
    if (!value.is_array()) return mistyped("Expected list or null");
    for (const auto& item : value.get_array()) {
      if (!item.is_null()) TRY(check_types(*shape.element, item));
    }
    return {};
  }
  if (shape.type != MemberType::Map && shape.type != MemberType::Structure) {
    return check_scalar(shape, value);
  }
  if (value.is_array()) return mistyped("Start of list found where not expected");
  if (!value.is_object()) return mistyped("Expected structure or map or null");
  if (shape.type == MemberType::Structure) return check_member_types(shape, value.get_object());
  for (const auto& [key, item] : value.get_object()) {
    if (!item.is_null()) TRY(check_types(*shape.element, item));
  }
  return {};
}

int64_t count_characters(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

// The value as Java's toString prints it: lists in brackets, members as name=value.
std::string printed(const json::Value& value) {
  std::vector<std::string> parts;
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_array()) {
    for (const auto& item : value.get_array()) parts.push_back(printed(item));
    return fmt::format("[{}]", fmt::join(parts, ", "));
  }
  if (value.is_object()) {
    for (const auto& [key, item] : value.get_object()) {
      parts.push_back(fmt::format("{}={}", std::string_view(key), printed(item)));
    }
    return fmt::format("{{{}}}", fmt::join(parts, ", "));
  }
  return json::serialize(value);
}

std::string shown(const json::Value& value) {
  std::string text = printed(value);
  if (text.size() <= kValueBytesShown) return text;
  size_t end = kValueBytesShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

// What AWS says of a bound: one sentence for strings, lists and maps, one for numbers.
std::string upper_bound_text(std::string_view quantity, int64_t max) {
  return fmt::format("Member must have {} less than or equal to {}", quantity, max);
}
std::string lower_bound_text(std::string_view quantity, int64_t min) {
  return fmt::format("Member must have {} greater than or equal to {}", quantity, min);
}

std::string_view quantity_of(MemberType type) {
  return type == MemberType::Integer || type == MemberType::Long || type == MemberType::Float
             ? "value"
             : "length";
}

std::string enumeration_text(const Shape& shape) {
  return fmt::format("Member must satisfy enum value set: [{}]", fmt::join(shape.values, ", "));
}

std::string pattern_text(const Shape& shape) {
  return fmt::format("Member must satisfy regular expression pattern: {}", shape.pattern.text);
}

// The constraints on the value itself that it breaks.
std::vector<std::string> broken_constraints(const Shape& shape, const json::Value& value) {
  std::vector<std::string> out;
  const auto quantity = quantity_of(shape.type);
  const auto check_bounds = [&](auto measure) {
    if (shape.max && measure > static_cast<decltype(measure)>(*shape.max)) {
      out.push_back(upper_bound_text(quantity, *shape.max));
    }
    if (shape.min && measure < static_cast<decltype(measure)>(*shape.min)) {
      out.push_back(lower_bound_text(quantity, *shape.min));
    }
  };
  switch (shape.type) {
    case MemberType::String: {
      const std::string_view text = value.get_string();
      check_bounds(count_characters(text));
      if (!shape.values.empty() &&
          std::find(shape.values.begin(), shape.values.end(), text) == shape.values.end()) {
        out.push_back(enumeration_text(shape));
      }
      if (shape.pattern.matches != nullptr && !shape.pattern.matches(text)) {
        out.push_back(pattern_text(shape));
      }
      break;
    }
    case MemberType::Integer:
    case MemberType::Long:
      check_bounds(*integer_of(value));
      break;
    case MemberType::Float:
      check_bounds(value.to_number<double>());
      break;
    case MemberType::Blob:
      if (const auto bytes = base64_decode(value.get_string())) {
        check_bounds(static_cast<int64_t>(bytes->size()));
      }
      break;
    case MemberType::List:
      check_bounds(static_cast<int64_t>(value.get_array().size()));
      break;
    case MemberType::Map:
      check_bounds(static_cast<int64_t>(value.get_object().size()));
      break;
    case MemberType::Boolean:
    case MemberType::Timestamp:
    case MemberType::Structure:
      break;
  }
  return out;
}

// All constraints of a scalar, as AWS lists them when an item of a list or map breaks one.
std::string all_constraints(const Shape& shape) {
  std::vector<std::string> out;
  const auto quantity = quantity_of(shape.type);
  if (shape.max) out.push_back(upper_bound_text(quantity, *shape.max));
  if (shape.min) out.push_back(lower_bound_text(quantity, *shape.min));
  if (!shape.values.empty()) out.push_back(enumeration_text(shape));
  if (shape.pattern.matches != nullptr) out.push_back(pattern_text(shape));
  return fmt::format("[{}]", fmt::join(out, ", "));
}

bool is_scalar(const Shape& shape) {
  return shape.type != MemberType::List && shape.type != MemberType::Map &&
         shape.type != MemberType::Structure;
}

// Collects violations of a request whose types are right. owned by one thread.
class ConstraintCheck {
 public:
  void check_members(const Shape& shape, const json::Object& object, const std::string& prefix,
                     Sensitivity around) {
    for (const auto& member : shape.members) {
      const std::string path = prefix + audit_name(member.name);
      const json::Value* value = json::find(object, member.name);
      if (value == nullptr || value->is_null()) {
        if (member.presence == Presence::Required) add_null(path);
        continue;
      }
      const bool secret = around == Sensitivity::Secret ||
                          member.sensitivity == Sensitivity::Secret ||
                          member.sensitivity == Sensitivity::Unseen;
      check(*member.shape, *value, path, secret ? Sensitivity::Secret : Sensitivity::Plain);
    }
  }

  Result<> result() const {
    if (!own_words_.empty()) {
      return fail(ErrorCode::InvalidArgument, "ValidationException", own_words_);
    }
    if (count_ == 0) return {};
    return fail(ErrorCode::InvalidArgument, "ValidationException",
                fmt::format("{} validation error{} detected: {}", count_, count_ == 1 ? "" : "s",
                            fmt::join(shown_, "; ")));
  }

 private:
  void check(const Shape& shape, const json::Value& value, const std::string& path,
             Sensitivity sensitivity) {
    for (const auto& broken : broken_constraints(shape, value)) {
      add(value, path, broken, sensitivity);
    }
    const auto& pattern = shape.pattern;
    if (own_words_.empty() && !pattern.words.empty() && !pattern.matches(value.get_string())) {
      own_words_ = fmt::format("The specified value for {} is invalid. {}", path, pattern.words);
    }
    if (shape.type == MemberType::Structure) {
      check_members(shape, value.get_object(), path + ".", sensitivity);
    } else if (shape.type == MemberType::List) {
      check_list(shape, value, path, sensitivity);
    } else if (shape.type == MemberType::Map) {
      check_map(shape, value, path, sensitivity);
    }
  }

  void check_list(const Shape& shape, const json::Value& value, const std::string& path,
                  Sensitivity sensitivity) {
    const auto& items = value.get_array();
    for (size_t i = 0; i < items.size(); ++i) {
      if (items[i].is_null()) {
        add_null(fmt::format("{}.{}.member", path, i + 1));
      } else if (is_scalar(*shape.element)) {
        if (broken_constraints(*shape.element, items[i]).empty()) continue;
        add(value, path, "Member must satisfy constraint: " + all_constraints(*shape.element),
            sensitivity);
        return;
      } else {
        check(*shape.element, items[i], fmt::format("{}.{}.member", path, i + 1), sensitivity);
      }
    }
  }

  void check_map(const Shape& shape, const json::Value& value, const std::string& path,
                 Sensitivity sensitivity) {
    for (const auto& [key, item] : value.get_object()) {
      if (shape.key != nullptr && !broken_constraints(*shape.key, json::Value(key)).empty()) {
        add(value, path, "Map keys must satisfy constraint: " + all_constraints(*shape.key),
            sensitivity);
        return;
      }
      const std::string below = fmt::format("{}.{}.member", path, std::string_view(key));
      if (item.is_null()) {
        add_null(below);
      } else if (!is_scalar(*shape.element)) {
        check(*shape.element, item, below, sensitivity);
      } else if (!broken_constraints(*shape.element, item).empty()) {
        add(value, path, "Map value must satisfy constraint: " + all_constraints(*shape.element),
            sensitivity);
        return;
      }
    }
  }

  void add_null(const std::string& path) {
    if (++count_ > kViolationsShown) return;
    shown_.push_back(fmt::format(
        "Value null at '{}' failed to satisfy constraint: Member must not be null", path));
  }

  void add(const json::Value& value, const std::string& path, std::string_view constraint,
           Sensitivity sensitivity) {
    if (++count_ > kViolationsShown) return;
    shown_.push_back(
        sensitivity == Sensitivity::Secret
            ? fmt::format("Value at '{}' failed to satisfy constraint: {}", path, constraint)
            : fmt::format("Value '{}' at '{}' failed to satisfy constraint: {}", shown(value), path,
                          constraint));
  }

  size_t count_ = 0;
  std::vector<std::string> shown_;
  std::string own_words_;  // of the first value that breaks a pattern which has some
};

}  // namespace

const Member* find_member(const Shape& structure, std::string_view name) {
  const auto found = std::find_if(structure.members.begin(), structure.members.end(),
                                  [&](const Member& member) { return member.name == name; });
  return found == structure.members.end() ? nullptr : &*found;
}

Result<> validate(const Shape& input, const json::Object& request) {
  TRY(check_member_types(input, request));
  ConstraintCheck check;
  check.check_members(input, request, "", Sensitivity::Plain);
  return check.result();
}

Result<Time> decode_timestamp(const json::Value& value) {
  if (value.is_string()) {
    const auto time = parse_iso(value.get_string());
    if (time && *time >= Time{}) return *time;
  } else if (value.is_int64() || value.is_double()) {
    const double seconds = value.to_number<double>();
    if (seconds >= 0 && seconds < kTimestampMax) {
      return Time(std::chrono::milliseconds(std::llround(seconds * 1000)));
    }
  }
  return mistyped(fmt::format("{} can not be converted to a Timestamp", wire_kind(value)));
}

json::Value encode_timestamp(Time time) {
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch());
  if (milliseconds.count() % 1000 == 0) return json::Value(milliseconds.count() / 1000);
  return json::Value(static_cast<double>(milliseconds.count()) / 1000);
}

}  // namespace traccia::aws
