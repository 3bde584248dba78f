// Signed LookupEvents requests whose answers are known in outline.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "aws/sigv4.h"
#include "engine.h"
#include "events.h"
#include "questions.h"

namespace traccia::load {

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
    const LookupName* name = nullptr;
  };
  std::vector<Request> requests_;
  size_t cursor_ = 0;
  uint64_t events_ = 0;
  std::string first_complaint_;
};

}  // namespace traccia::load
