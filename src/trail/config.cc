// Trail configurations as JSON.
// SPDX-License-Identifier: Apache-2.0
#include "trail/config.h"

#include <fmt/format.h>

#include "json/json.h"

namespace traccia::trail {
namespace {

std::string_view name_of(ReadWriteType type) {
  switch (type) {
    case ReadWriteType::All:
      return "All";
    case ReadWriteType::ReadOnly:
      return "ReadOnly";
    case ReadWriteType::WriteOnly:
      return "WriteOnly";
  }
  return "All";
}

json::Array as_array(const std::vector<std::string>& texts) {
  return json::Array(texts.begin(), texts.end());
}

json::Object encode_selector(const EventSelector& selector) {
  json::Array resources;
  for (const auto& one : selector.data_resources) {
    resources.push_back(json::Object{{"type", one.type}, {"values", as_array(one.values)}});
  }
  return {{"readWriteType", name_of(selector.read_write_type)},
          {"management", selector.include_management_events},
          {"dataResources", std::move(resources)},
          {"excludedSources", as_array(selector.exclude_management_event_sources)}};
}

json::Object encode_advanced(const AdvancedEventSelector& selector) {
  json::Array fields;
  for (const auto& one : selector.fields) {
    json::Object field{{"field", one.field}};
    for (const auto& [name, values] : kSelectorOperators) {
      if (!(one.*values).empty()) field[name] = as_array(one.*values);
    }
    fields.push_back(std::move(field));
  }
  json::Object out{{"fields", std::move(fields)}};
  if (selector.name) out["name"] = *selector.name;
  return out;
}

// Reads members of one JSON object; the first that is missing or of another type is remembered.
class Reader {
 public:
  explicit Reader(const json::Object& object) : object_(object) {}

  std::string text(std::string_view name) {
    const auto* value = json::find(object_, name);
    if (value == nullptr || !value->is_string()) return wrong(name), std::string();
    return std::string(value->get_string());
  }
  bool flag(std::string_view name) {
    const auto* value = json::find(object_, name);
    if (value == nullptr || !value->is_bool()) return wrong(name), false;
    return value->get_bool();
  }
  Time time(std::string_view name) {
    const auto* value = json::find(object_, name);
    if (value == nullptr || !value->is_int64()) return wrong(name), Time();
    return from_unix_nanoseconds(value->get_int64());
  }
  const json::Array& array(std::string_view name) {
    static const json::Array kEmpty;
    const auto* value = json::find(object_, name);
    if (value == nullptr || !value->is_array()) return wrong(name), kEmpty;
    return value->get_array();
  }
  std::vector<std::string> texts(std::string_view name) {
    std::vector<std::string> out;
    for (const auto& value : array(name)) {
      if (!value.is_string()) {
        wrong(name);
        continue;
      }
      out.emplace_back(value.get_string());
    }
    return out;
  }
  Result<> result() const {
    if (wrong_.empty()) return {};
    return fail(ErrorCode::DataLoss,
                fmt::format("stored trail configuration: member '{}' is missing or wrong", wrong_));
  }

 private:
  void wrong(std::string_view name) {
    if (wrong_.empty()) wrong_ = name;
  }
  const json::Object& object_;
  std::string wrong_;
};

Result<EventSelector> decode_selector(const json::Value& value) {
  if (!value.is_object()) {
    return fail(ErrorCode::DataLoss, "stored trail configuration: a selector is not an object");
  }
  Reader reader(value.get_object());
  EventSelector selector;
  const auto type = reader.text("readWriteType");
  if (type == "ReadOnly") selector.read_write_type = ReadWriteType::ReadOnly;
  if (type == "WriteOnly") selector.read_write_type = ReadWriteType::WriteOnly;
  selector.include_management_events = reader.flag("management");
  selector.exclude_management_event_sources = reader.texts("excludedSources");
  for (const auto& one : reader.array("dataResources")) {
    if (!one.is_object()) {
      return fail(ErrorCode::DataLoss, "stored trail configuration: a resource is not an object");
    }
    Reader resource(one.get_object());
    selector.data_resources.push_back({resource.text("type"), resource.texts("values")});
    TRY(resource.result());
  }
  TRY(reader.result());
  return selector;
}

Result<FieldSelector> decode_field(const json::Value& value) {
  if (!value.is_object()) {
    return fail(ErrorCode::DataLoss, "stored trail configuration: a field is not an object");
  }
  Reader reader(value.get_object());
  FieldSelector field;
  field.field = reader.text("field");
  for (const auto& [name, values] : kSelectorOperators) {
    if (json::find(value.get_object(), name) != nullptr) field.*values = reader.texts(name);
  }
  TRY(reader.result());
  return field;
}

Result<AdvancedEventSelector> decode_advanced(const json::Value& value) {
  if (!value.is_object()) {
    return fail(ErrorCode::DataLoss, "stored trail configuration: a selector is not an object");
  }
  Reader reader(value.get_object());
  AdvancedEventSelector selector;
  if (json::find(value.get_object(), "name") != nullptr) selector.name = reader.text("name");
  for (const auto& one : reader.array("fields")) {
    TRY_ASSIGN(auto field, decode_field(one));
    selector.fields.push_back(std::move(field));
  }
  TRY(reader.result());
  return selector;
}

}  // namespace

std::string encode_change(const TrailChange& change) {
  const auto& config = change.config;
  json::Array selectors;
  for (const auto& selector : config.selectors) selectors.push_back(encode_selector(selector));
  json::Object out{{"arn", config.arn},
                   {"name", config.name},
                   {"homeRegion", config.home_region},
                   {"account", config.account},
                   {"bucket", config.bucket},
                   {"prefix", config.prefix},
                   {"multiRegion", config.multi_region},
                   {"globalServiceEvents", config.include_global_service_events},
                   {"logFileValidation", config.log_file_validation},
                   {"recursiveLogging", config.recursive_logging},
                   {"logging", config.logging},
                   {"created", to_unix_nanoseconds(config.created)},
                   {"loggingSince", to_unix_nanoseconds(config.logging_since)},
                   {"selectors", std::move(selectors)},
                   {"deleted", change.deleted}};
  if (!config.kms_key.empty()) out["kmsKey"] = config.kms_key;
  if (!config.topic.empty()) out["topic"] = config.topic;
  if (!config.advanced_selectors.empty()) {
    json::Array advanced;
    for (const auto& selector : config.advanced_selectors) {
      advanced.push_back(encode_advanced(selector));
    }
    out["advancedSelectors"] = std::move(advanced);
  }
  return json::serialize(out);
}

Result<TrailChange> decode_change(std::string_view json) {
  TRY_ASSIGN(const auto value, json::parse(json));
  if (!value.is_object()) {
    return fail(ErrorCode::DataLoss, "stored trail configuration is not a JSON object");
  }
  Reader reader(value.get_object());
  TrailChange change;
  auto& config = change.config;
  config.arn = reader.text("arn");
  config.name = reader.text("name");
  config.home_region = reader.text("homeRegion");
  config.account = reader.text("account");
  config.bucket = reader.text("bucket");
  config.prefix = reader.text("prefix");
  config.kms_key = json::find_string(value.get_object(), "kmsKey");
  config.topic = json::find_string(value.get_object(), "topic");
  config.multi_region = reader.flag("multiRegion");
  config.include_global_service_events = reader.flag("globalServiceEvents");
  config.log_file_validation = reader.flag("logFileValidation");
  config.recursive_logging = reader.flag("recursiveLogging");
  config.logging = reader.flag("logging");
  config.created = reader.time("created");
  config.logging_since = reader.time("loggingSince");
  for (const auto& one : reader.array("selectors")) {
    TRY_ASSIGN(auto selector, decode_selector(one));
    config.selectors.push_back(std::move(selector));
  }
  if (json::find(value.get_object(), "advancedSelectors") != nullptr) {
    for (const auto& one : reader.array("advancedSelectors")) {
      TRY_ASSIGN(auto selector, decode_advanced(one));
      config.advanced_selectors.push_back(std::move(selector));
    }
  }
  change.deleted = reader.flag("deleted");
  TRY(reader.result());
  return change;
}

bool covers_region(const TrailConfig& trail, std::string_view region) {
  return trail.multi_region || trail.home_region == region;
}

}  // namespace traccia::trail
