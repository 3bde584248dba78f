// Chooses events to ask about, and what of them to ask for.
// SPDX-License-Identifier: Apache-2.0
#include "questions.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <stdexcept>

#include "random.h"

namespace traccia::load {
namespace {

const LookupName& name_of(LookupKind kind) {
  return *std::ranges::find(kLookupNames, kind, &LookupName::kind);
}

// Whether the question makes sense for the event.
bool fits(const BaseEvent& base, LookupKind kind) {
  if (kind == LookupKind::AccessKeyId) return base.temporary_key;
  if (kind == LookupKind::Resource) return base.fresh_resource;
  if (kind == LookupKind::ResourceType) return !base.resource_type.empty();
  if (kind == LookupKind::ResourceName) return base.resource_arn.length > 0 && !base.fresh_resource;
  return true;
}

std::string value_of(const EventPool& pool, LookupKind kind, uint64_t number) {
  const auto& base = pool.base(number);
  switch (kind) {
    case LookupKind::EventId:
      return pool.event_id(number);
    case LookupKind::AccessKeyId:
      return pool.access_key(number);
    case LookupKind::Resource:
    case LookupKind::ResourceName:
      return pool.resource_arn(number);
    case LookupKind::EventName:
      return base.name;
    case LookupKind::EventSource:
      return base.source;
    case LookupKind::Username:
      return base.user;
    case LookupKind::ReadOnly:
      return base.read_only ? "true" : "false";
    case LookupKind::ResourceType:
      return base.resource_type;
    case LookupKind::Any:
      return "";
  }
  std::abort();
}

// Events to ask about, by their numbers: those whose answer fills a page, or any for the few.
std::vector<uint64_t> candidates(const EventPool& pool, LookupKind kind, uint64_t below) {
  const auto rounds = std::max<uint64_t>(below / EventPool::kBases, 1);
  const bool few = name_of(kind).few;
  std::map<std::string, uint64_t> sharing;
  std::vector<uint64_t> bases;
  for (uint64_t i = 0; i < std::min(below, EventPool::kBases); ++i) {
    if (!fits(pool.base(i), kind)) continue;
    bases.push_back(i);
    if (!few) ++sharing[value_of(pool, kind, i)];
  }
  if (!few) {
    std::erase_if(
        bases, [&](uint64_t i) { return sharing[value_of(pool, kind, i)] * rounds < kPageEvents; });
  }
  if (bases.empty()) throw std::runtime_error("too few events for such look-ups");
  return bases;
}

}  // namespace

std::vector<Question> draw_questions(const EventPool& pool, const std::vector<LookupKind>& kinds,
                                     uint64_t below, size_t count, uint64_t seed) {
  Random random(seed);
  std::map<LookupKind, std::vector<uint64_t>> bases;
  for (const auto kind : kinds) bases[kind] = candidates(pool, kind, below);
  const auto rounds = std::max<uint64_t>(below / EventPool::kBases, 1);
  std::vector<Question> out;
  for (size_t i = 0; i < count; ++i) {
    const auto kind = kinds[i % kinds.size()];
    const auto& among = bases[kind];
    const auto number =
        among[random.below(among.size())] + random.below(rounds) * EventPool::kBases;
    out.push_back({&name_of(kind), value_of(pool, kind, number)});
  }
  return out;
}

}  // namespace traccia::load
