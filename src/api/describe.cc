// Renders descriptions.
// SPDX-License-Identifier: Apache-2.0
#include "api/describe.h"

#include "api/service_table.h"
#include "api/traccia_operations.h"

namespace traccia::api {
namespace {

std::string_view type_name(aws::MemberType type) {
  switch (type) {
    case aws::MemberType::String:
      return "string";
    case aws::MemberType::Integer:
      return "integer";
    case aws::MemberType::Long:
      return "long";
    case aws::MemberType::Float:
      return "float";
    case aws::MemberType::Boolean:
      return "boolean";
    case aws::MemberType::Timestamp:
      return "timestamp";
    case aws::MemberType::Blob:
      return "blob";
    case aws::MemberType::List:
      return "list";
    case aws::MemberType::Map:
      return "map";
    case aws::MemberType::Structure:
      return "structure";
  }
  return "";
}

std::string_view protocol_name(aws::Protocol protocol) {
  switch (protocol) {
    case aws::Protocol::Json11:
      return "json";
    case aws::Protocol::Query:
      return "query";
    case aws::Protocol::RestXml:
      return "rest-xml";
    case aws::Protocol::RestJson:
      return "rest-json";
  }
  return "";
}

json::Array texts(std::span<const std::string_view> list) {
  json::Array out;
  for (const auto text : list) out.emplace_back(text);
  return out;
}

json::Object describe(const aws::Shape& shape) {
  json::Object out{{"type", type_name(shape.type)}};
  if (shape.min) out["min"] = *shape.min;
  if (shape.max) out["max"] = *shape.max;
  if (!shape.pattern.text.empty()) out["pattern"] = shape.pattern.text;
  if (!shape.values.empty()) out["enum"] = texts(shape.values);
  if (shape.element != nullptr) out["member"] = describe(*shape.element);
  if (shape.key != nullptr) out["key"] = describe(*shape.key);
  if (shape.type != aws::MemberType::Structure) return out;
  json::Object members;
  json::Array required, secret;
  for (const auto& member : shape.members) {
    members[member.name] = describe(*member.shape);
    if (member.presence == aws::Presence::Required) required.emplace_back(member.name);
    const bool hidden = member.sensitivity == aws::Sensitivity::Secret ||
                        member.sensitivity == aws::Sensitivity::Unseen;
    if (hidden) secret.emplace_back(member.name);
  }
  out["members"] = std::move(members);
  out["required"] = std::move(required);
  if (!secret.empty()) out["secret"] = std::move(secret);
  return out;
}

json::Object describe(const aws::Operation& operation) {
  return {{"service", operation.service},
          {"name", operation.name},
          {"protocol", protocol_name(operation.protocol)},
          {"apiVersion", operation.api_version},
          {"readOnly", operation.read_only},
          {"action", operation.iam_action},
          {"resource", operation.access.resource},
          {"conditionKeys", texts(operation.access.keys)},
          {"errors", texts(operation.errors)},
          {"input", describe(*operation.input)},
          {"output", describe(*operation.output)}};
}

}  // namespace

json::Array describe_operations() {
  json::Array out;
  for (const auto& service : service_table()) {
    for (const auto& binding : service.bindings()) out.push_back(describe(*binding.operation));
  }
  out.push_back(describe(traccia_service::kPutEvents));
  return out;
}

}  // namespace traccia::api
