// Requests and answers as audit events show them.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <array>
#include <chrono>

#include "aws/operation.h"

namespace traccia::aws {
namespace {

// "Nov 24, 2026, 5:06:07 AM", the form in which CloudTrail writes timestamps of parameters.
std::string format_parameter_time(Time time) {
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  const auto hours = clock.hours().count();
  return fmt::format("{} {}, {}, {}:{:02}:{:02} {}",
                     kMonths[static_cast<unsigned>(date.month()) - 1],
                     static_cast<unsigned>(date.day()), static_cast<int>(date.year()),
                     hours % 12 == 0 ? 12 : hours % 12, clock.minutes().count(),
                     clock.seconds().count(), hours < 12 ? "AM" : "PM");
}

// nullopt: the audit event leaves the value out.
std::optional<json::Value> audit_value(const Shape& shape, const json::Value& value);

std::optional<json::Value> audit_list(const Shape& shape, const json::Array& items) {
  json::Array out;
  for (const auto& item : items) {
    if (auto shown = audit_value(*shape.element, item)) out.push_back(std::move(*shown));
  }
  return json::Value(std::move(out));
}

std::optional<json::Value> audit_map(const Shape& shape, const json::Object& entries) {
  json::Object out;
  for (const auto& [key, item] : entries) {
    if (auto shown = audit_value(*shape.element, item)) out[key] = std::move(*shown);
  }
  return json::Value(std::move(out));
}

std::optional<json::Value> audit_scalar(const json::Value& value, bool right_type) {
  return right_type ? std::optional(value) : std::nullopt;
}

std::optional<json::Value> audit_value(const Shape& shape, const json::Value& value) {
  switch (shape.type) {
    case MemberType::String:
      return audit_scalar(value, value.is_string());
    case MemberType::Integer:
    case MemberType::Long:
    case MemberType::Float:
      return audit_scalar(value, value.is_number());
    case MemberType::Boolean:
      return audit_scalar(value, value.is_bool());
    case MemberType::Timestamp:
      if (const auto time = decode_timestamp(value)) {
        return json::Value(format_parameter_time(*time));
      }
      return std::nullopt;
    case MemberType::Blob:
      return std::nullopt;
    case MemberType::List:
      return value.is_array() ? audit_list(shape, value.get_array()) : std::nullopt;
    case MemberType::Map:
      return value.is_object() ? audit_map(shape, value.get_object()) : std::nullopt;
    case MemberType::Structure:
      if (!value.is_object()) return std::nullopt;
      return json::Value(audit_parameters(shape, value.get_object()));
  }
  return std::nullopt;
}

}  // namespace

std::string audit_name(std::string_view member) {
  std::string out(member);
  if (!out.empty() && out[0] >= 'A' && out[0] <= 'Z') {
    out[0] = static_cast<char>(out[0] - 'A' + 'a');
  }
  return out;
}

json::Object audit_parameters(const Shape& shape, const json::Object& object) {
  json::Object out;
  for (const auto& member : shape.members) {
    const json::Value* value = json::find(object, member.name);
    if (value == nullptr || value->is_null()) continue;
    if (member.sensitivity == Sensitivity::Unseen) continue;
    const std::string name =
        member.audit_name.empty() ? audit_name(member.name) : std::string(member.audit_name);
    if (member.sensitivity == Sensitivity::Secret) {
      out[name] = kHidden;
    } else if (member.sensitivity == Sensitivity::Masked) {
      out[name] = kMasked;
    } else if (auto shown = audit_value(*member.shape, *value)) {
      out[name] = std::move(*shown);
    }
  }
  return out;
}

}  // namespace traccia::aws
