// Events shaped like CloudTrail's: who did what by which weights, with fresh ids in every one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace traccia::load {

inline constexpr std::string_view kAccount = "111122223333";
inline constexpr std::string_view kRegion = "us-east-1";

// "2026-11-25T09:37:39Z"
using EventTime = std::array<char, 20>;
EventTime event_time_now();

// What changes from event to event, at a fixed place with a fixed length.
struct Slot {
  enum class Kind : uint8_t {
    Time,
    EventId,
    Uuid,
    Hex,
    Base64,
    SessionKey,
    SessionAddress,
    Resource
  };
  uint32_t offset = 0;
  uint16_t length = 0;
  Kind kind = Kind::Time;
};

struct Span {
  uint32_t offset = 0;
  uint32_t length = 0;
};

// One event without its changing parts: fixed who, what and where.
struct BaseEvent {
  std::string text;
  std::vector<Slot> slots;
  uint32_t session = 0;   // events of one session share access key and address
  uint32_t resource = 0;  // events on one resource share its id
  std::string name, source, user, resource_type;
  bool read_only = false;
  Span access_key, resource_arn;  // in text; empty when the event has none
  bool temporary_key = false;     // the key belongs to a session of a few events
  bool fresh_resource = false;    // the resource is touched by a few events only
};

// Event number N is a pure function of seed, N and time: base event N mod kBases, its slots filled
// from N. So whoever knows seed and count knows what can be looked up, and peers get the same
// events. Immutable.
class EventPool {
 public:
  static constexpr uint64_t kBases = 16000;
  explicit EventPool(uint64_t seed);

  const BaseEvent& base(uint64_t number) const { return bases_[number % kBases]; }
  // Fills the slots of event `number` at `text`, where a copy of its base's text lies.
  void fill(char* text, uint64_t number, const EventTime& time) const;
  std::string event(uint64_t number, const EventTime& time) const;

  std::string event_id(uint64_t number) const;
  std::string access_key(uint64_t number) const;
  std::string resource_arn(uint64_t number) const;

  double mean_bytes() const;
  // Random bits in an event's slots, in bytes; what events share counts once.
  double mean_entropy_bytes() const;

 private:
  uint64_t seed_;
  std::vector<BaseEvent> bases_;
};

}  // namespace traccia::load
