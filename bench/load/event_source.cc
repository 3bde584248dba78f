// Renders, patches, reads receipts.
// SPDX-License-Identifier: Apache-2.0
#include "event_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/assert.h"
#include "signed_request.h"

namespace traccia::load {
namespace {

uint64_t number_after(std::string_view body, std::string_view name) {
  const auto at = body.find(name);
  return at == body.npos ? 0 : std::strtoull(body.data() + at + name.size(), nullptr, 10);
}

}  // namespace

EventSource::EventSource(const EventPool& pool, EventSourceOptions options)
    : pool_(pool),
      options_(std::move(options)),
      request_(post_request(options_.port, "application/x-ndjson")) {
  request_.path = "/v1/events";
  for (uint64_t base = 0; base < EventPool::kBases; base += options_.batch) {
    Body body;
    std::string events;
    for (uint64_t i = 0; i < options_.batch; ++i) {
      body.offsets.push_back(static_cast<uint32_t>(events.size()));
      events += pool_.base(base + i).text;
      events += '\n';
    }
    body.bytes = head(events);
    body.head_bytes = body.bytes.size();
    for (auto& offset : body.offsets) offset += static_cast<uint32_t>(body.head_bytes);
    body.event_bytes = events.size();
    body.bytes += events;
    body.first_base = base;
    body.round = options_.first / EventPool::kBases;
    bodies_.push_back(std::move(body));
  }
}

std::string EventSource::head(std::string_view events) {
  if (!options_.credentials) {
    return fmt::format(
        "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n"
        "Content-Type: application/x-ndjson\r\nContent-Length: {}\r\n\r\n",
        options_.token, events.size());
  }
  request_.body = events;
  return signed_head(request_, *options_.credentials, "traccia");
}

const EventTime& EventSource::time_now() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec != second_) {
    second_ = now.tv_sec;
    time_ = event_time_now();
  }
  return time_;
}

RequestSource::Ticket EventSource::next() {
  while (bodies_[cursor_].busy) cursor_ = (cursor_ + 1) % bodies_.size();
  const auto id = cursor_;
  cursor_ = (cursor_ + 1) % bodies_.size();
  auto& body = bodies_[id];
  body.busy = true;
  const auto& time = time_now();
  const auto first = body.round * EventPool::kBases + body.first_base;
  for (uint64_t i = 0; i < options_.batch; ++i) {
    pool_.fill(body.bytes.data() + body.offsets[i], first + i, time);
  }
  if (options_.credentials) {
    const auto head_now = head(std::string_view(body.bytes).substr(body.head_bytes));
    TRACCIA_ASSERT(head_now.size() == body.head_bytes);
    std::ranges::copy(head_now, body.bytes.begin());
  }
  handed_out_ += options_.batch;
  return {id, body.bytes};
}

bool EventSource::finish(size_t id, const Answer& answer) {
  auto& body = bodies_[id];
  body.busy = false;
  if (answer.status != 200) {  // the same events go out again, so that none is missing
    handed_out_ -= options_.batch;
    if (first_complaint_.empty()) {
      first_complaint_ = fmt::format("{} {}", answer.status, answer.body.substr(0, 300));
    }
    return false;
  }
  ++body.round;
  const auto accepted = number_after(answer.body, R"("accepted":)");
  const auto duplicates = number_after(answer.body, R"("duplicates":)");
  accepted_ += accepted;
  duplicates_ += duplicates;
  event_bytes_ += body.event_bytes;
  if (accepted + duplicates == options_.batch) return true;
  rejected_ += options_.batch - accepted - duplicates;
  if (first_complaint_.empty()) first_complaint_ = answer.body.substr(0, 300);
  return false;
}

uint64_t EventSource::complete_below() const {
  uint64_t below = std::numeric_limits<uint64_t>::max();
  for (const auto& body : bodies_) {
    below = std::min(below, body.round * EventPool::kBases + body.first_base);
  }
  return below;
}

uint64_t EventSource::unused_from() const {
  uint64_t rounds = 0;
  for (const auto& body : bodies_) rounds = std::max(rounds, body.round + (body.busy ? 1 : 0));
  return rounds * EventPool::kBases;
}

}  // namespace traccia::load
