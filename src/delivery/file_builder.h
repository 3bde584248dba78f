// Collects the events of one log file.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "base/time.h"
#include "ingest/ingest.h"
#include "wal/wal.h"

namespace traccia::delivery {

// {"Records":[…]} as it grows. owned by one thread.
class FileBuilder {
 public:
  void add(const ingest::LogRecord& record, wal::Position position) {
    const auto event_time = record.event.event_time;
    if (count_ == 0) {
      first_sequence_ = record.sequence;
      first_position_ = position;
      oldest_ = newest_ = event_time;
    }
    body_ += count_ == 0 ? kHead : ",";
    body_ += record.json;
    last_sequence_ = record.sequence;
    oldest_ = std::min(oldest_, event_time);
    newest_ = std::max(newest_, event_time);
    ++count_;
  }
  // The whole file, uncompressed. The builder must not be used afterwards.
  std::string finish() && {
    body_ += kTail;
    return std::move(body_);
  }

  uint64_t count() const { return count_; }
  uint64_t bytes() const { return body_.size(); }
  ingest::Sequence first_sequence() const { return first_sequence_; }
  ingest::Sequence last_sequence() const { return last_sequence_; }
  wal::Position first_position() const { return first_position_; }
  Time oldest() const { return oldest_; }
  Time newest() const { return newest_; }

 private:
  static constexpr std::string_view kHead = R"({"Records":[)";
  static constexpr std::string_view kTail = "]}";

  std::string body_;
  uint64_t count_ = 0;
  ingest::Sequence first_sequence_ = 0;
  ingest::Sequence last_sequence_ = 0;
  wal::Position first_position_ = 0;
  Time oldest_, newest_;
};

}  // namespace traccia::delivery
