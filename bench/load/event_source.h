// Requests of POST /v1/events, rendered once and patched in place for each sending.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ctime>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "aws/sigv4.h"
#include "engine.h"
#include "events.h"
#include "http/message.h"

namespace traccia::load {

struct EventSourceOptions {
  std::string token;                                 // sent unless the requests are signed
  std::optional<aws::Credentials> credentials = {};  // each sending is signed anew
  uint16_t port = 0;                                 // of the server; it is signed too
  uint64_t batch = 1;                                // events a request; divides EventPool::kBases
  uint64_t first = 0;  // number of the first event; a multiple of EventPool::kBases
  uint64_t count_max = std::numeric_limits<uint64_t>::max();  // events to send
};

// owned by one thread.
class EventSource : public RequestSource {
 public:
  EventSource(const EventPool& pool, EventSourceOptions options);

  Ticket next() override;
  bool more() const override { return handed_out_ < options_.count_max; }
  bool finish(size_t id, const Answer& answer) override;

  uint64_t accepted() const { return accepted_; }
  uint64_t duplicates() const { return duplicates_; }
  uint64_t rejected() const { return rejected_; }
  uint64_t event_bytes() const { return event_bytes_; }
  // Every event below is acknowledged.
  uint64_t complete_below() const;
  // No event from here on was sent: where a following run may begin.
  uint64_t unused_from() const;
  const std::string& first_complaint() const { return first_complaint_; }

 private:
  struct Body {
    std::string bytes;  // head and events
    size_t head_bytes = 0;
    std::vector<uint32_t> offsets;  // of its events
    uint64_t first_base = 0;
    uint64_t round = 0;  // of the next sending
    uint64_t event_bytes = 0;
    bool busy = false;
  };
  // What goes before them on the wire, from now on for about the time that signatures live.
  std::string head(std::string_view events);
  const EventTime& time_now();

  const EventPool& pool_;
  EventSourceOptions options_;
  http::Request request_;  // what is signed
  std::vector<Body> bodies_;
  size_t cursor_ = 0;
  uint64_t handed_out_ = 0, accepted_ = 0, duplicates_ = 0, rejected_ = 0, event_bytes_ = 0;
  std::time_t second_ = 0;
  EventTime time_{};
  std::string first_complaint_;
};

}  // namespace traccia::load
