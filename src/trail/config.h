// A trail's configuration as the log carries it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace traccia::trail {

enum class ReadWriteType { All, ReadOnly, WriteOnly };

struct DataResource {
  std::string type;
  std::vector<std::string> values;
};

// Basic event selector (PutEventSelectors).
struct EventSelector {
  ReadWriteType read_write_type = ReadWriteType::All;
  bool include_management_events = true;
  std::vector<DataResource> data_resources;
  std::vector<std::string> exclude_management_event_sources;
};

// The conditions on one field. A record's value must meet one of the first three kinds, where there
// are any, and none of the last three (facts 6.2).
struct FieldSelector {
  std::string field;  // "eventName", "resources.ARN"
  std::vector<std::string> equals = {};
  std::vector<std::string> starts_with = {};
  std::vector<std::string> ends_with = {};
  std::vector<std::string> not_equals = {};
  std::vector<std::string> not_starts_with = {};
  std::vector<std::string> not_ends_with = {};
};

// Takes an event when all of its fields do.
struct AdvancedEventSelector {
  std::optional<std::string> name;
  std::vector<FieldSelector> fields;
};

// The kinds of conditions as the API and the log name them.
struct SelectorOperator {
  std::string_view name;
  std::vector<std::string> FieldSelector::* values;
};
inline constexpr std::array<SelectorOperator, 6> kSelectorOperators{{
    {"Equals", &FieldSelector::equals},
    {"StartsWith", &FieldSelector::starts_with},
    {"EndsWith", &FieldSelector::ends_with},
    {"NotEquals", &FieldSelector::not_equals},
    {"NotStartsWith", &FieldSelector::not_starts_with},
    {"NotEndsWith", &FieldSelector::not_ends_with},
}};

struct TrailConfig {
  std::string arn;  // arn:aws:cloudtrail:HOME:ACCOUNT:trail/NAME
  std::string name;
  std::string home_region;
  std::string account;
  std::string bucket;
  std::string prefix;   // without trailing slash; may be empty
  std::string kms_key;  // the ARN of the key that files are stored under; may be empty
  std::string topic;    // ARN of the SNS topic that is told of files; may be empty
  bool multi_region = false;
  bool include_global_service_events = true;
  bool log_file_validation = false;
  bool recursive_logging = true;
  bool logging = false;
  Time created;        // tells incarnations of one ARN apart
  Time logging_since;  // when logging last started
  // One kind is empty, the other not: the default is one selector {All, true, [], []}.
  std::vector<EventSelector> selectors;
  std::vector<AdvancedEventSelector> advanced_selectors;
};

// One change in the log: the whole configuration from here on, or the trail's end.
struct TrailChange {
  TrailConfig config;
  bool deleted = false;
};

std::string encode_change(const TrailChange& change);
Result<TrailChange> decode_change(std::string_view json);

// Whether the trail covers the region at all: its home, or every region when multi-region.
bool covers_region(const TrailConfig& trail, std::string_view region);

}  // namespace traccia::trail
