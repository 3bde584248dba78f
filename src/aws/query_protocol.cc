// Decoding of form-encoded requests and rendering of their XML answers.
// SPDX-License-Identifier: Apache-2.0
#include "aws/query_protocol.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "aws/xml.h"
#include "base/bytes.h"

namespace traccia::aws {
namespace {

auto malformed_form(std::string message) {
  return fail(ErrorCode::InvalidArgument, "MalformedQueryString", std::move(message));
}

Result<std::string> decode_part(std::string_view text) {
  std::string spaced(text);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  auto decoded = percent_decode(spaced);
  if (!decoded) return malformed_form(decoded.error().message());
  return decoded;
}

auto malformed_value(std::string_view name, std::string_view type) {
  return fail(ErrorCode::InvalidArgument, "MalformedInput",
              fmt::format("parameter '{}' is not a {}", name, type));
}

template <typename Number>
Result<json::Value> decode_number(std::string_view name, std::string_view text) {
  Number number{};
  const auto parsed = std::from_chars(text.begin(), text.end(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.end()) return malformed_value(name, "number");
  return json::Value(number);
}

Result<json::Value> decode_value(const Form& form, const std::string& name, const Shape& shape);

// Items of flattened lists and maps lie right below their name.
enum class Items : uint8_t { Wrapped, Flat };

Result<json::Value> decode_list(const Form& form, const std::string& name, const Shape& shape,
                                Items items = Items::Wrapped) {
  json::Array out;
  const bool wrapped = items == Items::Wrapped && form.has_below(name + ".member");
  const std::string prefix = wrapped ? name + ".member." : name + ".";
  for (size_t i = 1; form.has_below(prefix + std::to_string(i)); ++i) {
    TRY_ASSIGN(auto value, decode_value(form, prefix + std::to_string(i), *shape.element));
    out.push_back(std::move(value));
  }
  return json::Value(std::move(out));
}

Result<json::Value> decode_map(const Form& form, const std::string& name, const Shape& shape,
                               Items items = Items::Wrapped) {
  json::Object out;
  const bool wrapped = items == Items::Wrapped && form.has_below(name + ".entry");
  const std::string prefix = wrapped ? name + ".entry." : name + ".";
  for (size_t i = 1; form.has_below(prefix + std::to_string(i)); ++i) {
    const std::string entry = prefix + std::to_string(i);
    const auto key = form.find(fmt::format("{}.{}", entry, shape.entry_key));
    if (!key) return malformed_value(entry, "map entry with a key");
    TRY_ASSIGN(auto value,
               decode_value(form, fmt::format("{}.{}", entry, shape.entry_value), *shape.element));
    out[*key] = std::move(value);
  }
  return json::Value(std::move(out));
}

Result<json::Object> decode_members(const Form& form, const std::string& prefix,
                                    const Shape& shape) {
  json::Object out;
  for (const auto& member : shape.members) {
    const bool flat = !member.flat.empty();
    const auto name = fmt::format("{}{}", prefix, flat ? member.flat : member.name);
    if (!form.has_below(name)) continue;
    if (flat && member.shape->type == MemberType::List) {
      TRY_ASSIGN(out[member.name], decode_list(form, name, *member.shape, Items::Flat));
    } else if (flat) {
      TRY_ASSIGN(out[member.name], decode_map(form, name, *member.shape, Items::Flat));
    } else {
      TRY_ASSIGN(out[member.name], decode_value(form, name, *member.shape));
    }
  }
  return out;
}

Result<json::Value> decode_value(const Form& form, const std::string& name, const Shape& shape) {
  const auto text = form.get(name);
  switch (shape.type) {
    case MemberType::String:
    case MemberType::Blob:
      return json::Value(text);
    case MemberType::Integer:
    case MemberType::Long:
      return decode_number<int64_t>(name, text);
    case MemberType::Float:
      return decode_number<double>(name, text);
    case MemberType::Boolean:
      if (text != "true" && text != "false") return malformed_value(name, "boolean");
      return json::Value(text == "true");
    case MemberType::Timestamp:
      if (!parse_iso(text)) return malformed_value(name, "timestamp");
      return json::Value(text);
    case MemberType::List:
      return decode_list(form, name, shape);
    case MemberType::Map:
      return decode_map(form, name, shape);
    case MemberType::Structure:
      break;
  }
  TRY_ASSIGN(auto members, decode_members(form, name + ".", shape));
  return json::Value(std::move(members));
}

std::string scalar_text(const json::Value& value, const Shape& shape) {
  if (shape.type == MemberType::Timestamp) {
    if (const auto time = decode_timestamp(value)) {
      return *time == floor_seconds(*time) ? format_iso_seconds(*time)
                                           : format_iso_milliseconds(*time);
    }
  }
  if (value.is_string()) return std::string(value.get_string());
  return json::serialize(value);
}

void write_value(XmlWriter& xml, std::string_view name, const json::Value& value,
                 const Shape& shape);

void write_entry(XmlWriter& xml, std::string_view name, std::string_view key,
                 const json::Value& value, const Shape& map) {
  xml.begin(name).element(map.entry_key, key);
  write_value(xml, map.entry_value, value, *map.element);
  xml.end();
}

void write_flat(XmlWriter& xml, const Member& member, const json::Value& value) {
  if (value.is_array()) {
    for (const auto& item : value.get_array()) {
      write_value(xml, member.flat, item, *member.shape->element);
    }
  } else if (value.is_object()) {
    for (const auto& [key, item] : value.get_object()) {
      write_entry(xml, member.flat, key, item, *member.shape);
    }
  }
}

void write_members(XmlWriter& xml, const json::Object& object, const Shape& shape) {
  for (const auto& member : shape.members) {
    const json::Value* value = json::find(object, member.name);
    if (value == nullptr || value->is_null()) continue;
    if (member.flat.empty()) {
      write_value(xml, member.name, *value, *member.shape);
    } else {
      write_flat(xml, member, *value);
    }
  }
}

void write_value(XmlWriter& xml, std::string_view name, const json::Value& value,
                 const Shape& shape) {
  if (shape.type == MemberType::Structure && value.is_object()) {
    xml.begin(name);
    write_members(xml, value.get_object(), shape);
    xml.end();
  } else if (shape.type == MemberType::List && value.is_array()) {
    xml.begin(name);
    for (const auto& item : value.get_array()) write_value(xml, "member", item, *shape.element);
    xml.end();
  } else if (shape.type == MemberType::Map && value.is_object()) {
    xml.begin(name);
    for (const auto& [key, item] : value.get_object()) write_entry(xml, "entry", key, item, shape);
    xml.end();
  } else {
    xml.element(name, scalar_text(value, shape));
  }
}

}  // namespace

std::optional<std::string_view> Form::find(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

bool Form::has_below(std::string_view prefix) const {
  if (values_.contains(prefix)) return true;
  const std::string below = std::string(prefix) + ".";
  const auto next = values_.lower_bound(below);
  return next != values_.end() && next->first.starts_with(below);
}

Result<Form> parse_form(std::string_view text, FormLimits limits) {
  if (text.size() > limits.bytes_max) {
    return malformed_form(fmt::format("more than {} bytes", limits.bytes_max));
  }
  Form out;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('&', begin), text.size());
    const auto part = text.substr(begin, end - begin);
    begin = end + 1;
    if (part.empty()) continue;
    const size_t equals = std::min(part.find('='), part.size());
    TRY_ASSIGN(auto name, decode_part(part.substr(0, equals)));
    TRY_ASSIGN(auto value, decode_part(part.substr(std::min(equals + 1, part.size()))));
    if (name.size() > limits.name_bytes_max || out.values_.size() >= limits.parameters_max) {
      return malformed_form(fmt::format("more than {} parameters, or a name of more than {} bytes",
                                        limits.parameters_max, limits.name_bytes_max));
    }
    const auto [entry, added] = out.values_.emplace(std::move(name), std::move(value));
    if (!added) return malformed_form(fmt::format("parameter '{}' is repeated", entry->first));
  }
  return out;
}

Result<json::Object> decode_form(const Form& form, const Shape& input) {
  return decode_members(form, "", input);
}

std::string render_query_answer(const Operation& operation, std::string_view xmlns,
                                const json::Object& output, std::string_view request_id) {
  const std::string name(operation.name);
  XmlWriter xml;
  xml.begin(name + "Response", xmlns);
  if (operation.output != &kEmptyStructure) {
    xml.begin(name + "Result");
    write_members(xml, output, *operation.output);
    xml.end();
  }
  xml.begin("ResponseMetadata").element("RequestId", request_id).end();
  xml.end();
  return std::move(xml).take();
}

}  // namespace traccia::aws
