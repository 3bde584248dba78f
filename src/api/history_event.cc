// Renders stored records as LookupEvents shows them.
// SPDX-License-Identifier: Apache-2.0
#include "api/history_event.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "event/record.h"

namespace traccia::api {

namespace {

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out.append("\"").append(name).append("\":");
  json::append_string(out, value);
  out += ',';
}

void append_event(std::string& out, const event::Record& record) {
  out += '{';
  append_member(out, "EventId", record.event_id);
  append_member(out, "EventName", record.event_name);
  append_member(out, "ReadOnly", record.read_only.value_or(false) ? "true" : "false");
  if (!record.access_key_id.empty()) append_member(out, "AccessKeyId", record.access_key_id);
  fmt::format_to(std::back_inserter(out), R"("EventTime":{},)", to_unix_seconds(record.event_time));
  append_member(out, "EventSource", record.event_source);
  if (!record.user_name.empty()) append_member(out, "Username", record.user_name);
  out += R"("Resources":[)";
  std::string_view before;
  for (const auto& resource : record.resources) {
    if (resource.arn.empty()) continue;
    out.append(std::exchange(before, ",")).append("{");
    append_member(out, "ResourceType", resource.type);
    out += R"("ResourceName":)";
    json::append_string(out, resource.arn);
    out += '}';
  }
  out += R"(],"CloudTrailEvent":)";
  json::append_string(out, record.json);
  out += '}';
}

}  // namespace

Result<std::string> render_history_page(const std::vector<std::string>& records,
                                        std::string_view token_name,
                                        const std::optional<std::string>& token) {
  size_t bytes = 0;
  for (const auto& json : records) bytes += json.size() + event::kPaddingBytes;
  event::RecordMemory memory(bytes);
  std::string out;
  out.reserve(bytes + bytes / 2 + records.size() * 512 + 512);
  out = R"({"Events":[)";
  std::string_view before;
  for (const auto& json : records) {
    TRY_ASSIGN(const auto record, event::read_stored(memory.keep_padded(json), "", memory));
    out += std::exchange(before, ",");
    append_event(out, record);
  }
  out += ']';
  if (token) {
    out.append(",\"").append(token_name).append("\":");
    json::append_string(out, *token);
  }
  out += '}';
  return out;
}

}  // namespace traccia::api
