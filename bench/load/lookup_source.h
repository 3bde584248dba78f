// Signed LookupEvents requests whose answers are known in outline.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "aws/sigv4.h"
#include "engine.h"
#include "events.h"
#include "random.h"

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

// Of the environment, as `traccia env` sets it.
aws::Credentials credentials_of_environment();

// One whole HTTP request. An empty attribute asks for the newest events.
std::string signed_lookup(const aws::Credentials& credentials, uint16_t port,
                          std::string_view attribute, std::string_view value);

uint64_t events_in(std::string_view answer);

// Signed ahead of the run, so that the generator's share stays small. owned by one thread.
class LookupSource : public RequestSource {
 public:
  struct Options {
    std::vector<LookupKind> kinds;  // in turn
    uint64_t below = 0;             // events 0 … below-1 are there
    size_t distinct = 2000;         // requests
    uint64_t seed = 1;              // of what is asked
    uint16_t port = 0;
  };
  LookupSource(const EventPool& pool, const aws::Credentials& credentials, const Options& options);

  Ticket next() override;
  bool more() const override { return true; }
  bool finish(size_t id, const Answer& answer) override;
  uint64_t events() const { return events_; }
  const std::string& first_complaint() const { return first_complaint_; }

 private:
  struct Request {
    std::string bytes;
    bool few = false;
  };
  std::vector<Request> requests_;
  size_t cursor_ = 0;
  uint64_t events_ = 0;
  std::string first_complaint_;
};

}  // namespace traccia::load
