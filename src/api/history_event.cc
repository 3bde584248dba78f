// Renders stored records as LookupEvents shows them.
// SPDX-License-Identifier: Apache-2.0
#include "api/history_event.h"

#include "event/record.h"

namespace traccia::api {

Result<json::Object> render_history_event(const std::string& record_json) {
  event::RecordMemory memory(record_json.size());
  TRY_ASSIGN(const auto record, event::read_stored(memory.keep_padded(record_json), "", memory));
  json::Object out;
  out["EventId"] = record.event_id;
  out["EventName"] = record.event_name;
  out["ReadOnly"] = record.read_only.value_or(false) ? "true" : "false";
  if (!record.access_key_id.empty()) out["AccessKeyId"] = record.access_key_id;
  out["EventTime"] = aws::encode_timestamp(floor_seconds(record.event_time));
  out["EventSource"] = record.event_source;
  if (!record.user_name.empty()) out["Username"] = record.user_name;
  json::Array resources;
  for (const auto& resource : record.resources) {
    if (resource.arn.empty()) continue;
    resources.push_back(
        json::Object{{"ResourceType", resource.type}, {"ResourceName", resource.arn}});
  }
  out["Resources"] = std::move(resources);
  out["CloudTrailEvent"] = record.json;
  return out;
}

Result<json::Array> render_history_events(const std::vector<std::string>& records) {
  json::Array events;
  events.reserve(records.size());
  for (const auto& json : records) {
    TRY_ASSIGN(auto event, render_history_event(json));
    events.push_back(std::move(event));
  }
  return events;
}

}  // namespace traccia::api
