// What an event can be found by.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "event/record.h"
#include "history/expression.h"
#include "history/history.h"

namespace traccia::history {

// Values that no look-up can ask for (its values have at most 2000 characters) are not indexed.
inline constexpr size_t kValueBytesMax = 8000;

inline constexpr size_t kPlaceBytes = 4;

inline void append_place(std::string& out, uint32_t place) {
  for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<char>(place >> shift));
}

// The index orders terms by these bytes: place (big-endian), attribute, value.
inline void render_term(std::string& out, uint32_t place, Attribute attribute,
                        std::string_view value) {
  out.clear();
  append_place(out, place);
  out.push_back(static_cast<char>(attribute));
  out.append(value);
}

inline uint32_t place_of_term(std::string_view term) {
  uint32_t place = 0;
  for (const char byte : term.substr(0, kPlaceBytes)) {
    place = place << 8 | static_cast<unsigned char>(byte);
  }
  return place;
}

inline std::string_view value_of_term(std::string_view term) {
  return term.substr(kPlaceBytes + 1);
}

// Event ids are found by a short hash, confirmed by the record itself. The same in every build.
uint32_t hash_event_id(std::string_view event_id);
// Whether a stored record has that id.
Result<bool> has_event_id(std::string_view record, std::string_view event_id);

// Answers show an event that does not say as writing.
inline std::string_view read_only_text(const event::Record& event) {
  return event.read_only.value_or(false) ? "true" : "false";
}

// Calls `visit(attribute, value)` for every term but EventId; a value may come twice.
template <typename Visit>
void for_each_term(const event::Record& event, Visit visit) {
  const auto give = [&](Attribute attribute, std::string_view value) {
    if (!value.empty() && value.size() <= kValueBytesMax) visit(attribute, value);
  };
  give(Attribute::EventName, event.event_name);
  give(Attribute::ReadOnly, read_only_text(event));
  give(Attribute::Username, event.user_name);
  give(Attribute::EventSource, event.event_source);
  give(Attribute::AccessKeyId, event.access_key_id);
  for (const auto& resource : event.resources) {
    give(Attribute::ResourceType, resource.type);
    for (const auto name : ResourceNames(resource)) give(Attribute::ResourceName, name);
  }
}

}  // namespace traccia::history
