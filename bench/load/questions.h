// What can be asked about the events of a pool, with the answers known in outline.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "events.h"

namespace traccia::load {

// What is looked up. `few`: one to ten events have it; the others fill a page.
enum class LookupKind {
  EventId,      // few
  AccessKeyId,  // few: the key of one short session
  Resource,     // few: a resource that few events touch
  EventName,
  EventSource,
  Username,
  ReadOnly,
  ResourceType,
  ResourceName,  // a resource that many events touch
  Any            // no attribute: the newest
};

struct LookupName {
  std::string_view name;  // on the command line
  LookupKind kind;
  std::string_view attribute;  // AttributeKey
  bool few;
};
inline constexpr LookupName kLookupNames[] = {
    {"event-id", LookupKind::EventId, "EventId", true},
    {"access-key", LookupKind::AccessKeyId, "AccessKeyId", true},
    {"resource", LookupKind::Resource, "ResourceName", true},
    {"event-name", LookupKind::EventName, "EventName", false},
    {"event-source", LookupKind::EventSource, "EventSource", false},
    {"username", LookupKind::Username, "Username", false},
    {"read-only", LookupKind::ReadOnly, "ReadOnly", false},
    {"resource-type", LookupKind::ResourceType, "ResourceType", false},
    {"resource-name", LookupKind::ResourceName, "ResourceName", false},
    {"any", LookupKind::Any, "", false},
};

inline constexpr size_t kPageEvents = 50;
inline constexpr uint64_t kFewMax = 10;

struct Question {
  const LookupName* name = nullptr;
  std::string value;  // empty for LookupKind::Any
};

// `count` questions, the kinds in turn, about events 0 … below-1.
std::vector<Question> draw_questions(const EventPool& pool, const std::vector<LookupKind>& kinds,
                                     uint64_t below, size_t count, uint64_t seed);

// Whether so many hits on the first page can be right.
constexpr bool is_plausible(const LookupName& name, uint64_t hits) {
  return name.few ? hits >= 1 && hits <= kFewMax : hits == kPageEvents;
}

}  // namespace traccia::load
