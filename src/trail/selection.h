// Which of many trails take an event: their selectors as one predicate graph.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "event/record.h"
#include "match/graph.h"
#include "trail/config.h"

namespace traccia::trail {

// A logging trail takes an event of its account when it covers the event's region, one of its
// selectors takes the event (facts 6), and neither IncludeGlobalServiceEvents nor RecursiveLogging
// keeps it out. immutable.
class Selection {
 public:
  // What one thread needs to judge; any Selection may use it. owned by one thread.
  class Scratch {
   private:
    friend class Selection;
    match::Scratch graph_;
    std::vector<match::FieldValue> values_;
    std::vector<uint32_t> taking_;
  };

  // The configurations are not needed afterwards. Fails at the limits of match/graph.h.
  static Result<std::shared_ptr<const Selection>> compile(
      std::span<const TrailConfig* const> trails);

  // The places, in what compile() was given, of the trails that take the event, ascending; valid
  // until the scratch is used again.
  std::span<const uint32_t> taking(const event::Record& record, Scratch& scratch) const;
  // Whether a trail may take data events, by the categories that its selectors name.
  bool takes_data_events() const { return takes_data_events_; }

 private:
  friend class SelectionCompiler;

  void list_values(const event::Record& record, std::vector<match::FieldValue>& values) const;

  std::shared_ptr<const match::Graph> graph_;
  // The fields that hold the ARNs of resources of one type, for the types that selectors name.
  std::map<std::string, match::FieldId, std::less<>> arn_fields_;
  bool takes_data_events_ = false;
};

}  // namespace traccia::trail
