// Several segments become one, step by step, while look-ups and taking in go on.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "history/history.h"
#include "history/merge_source.h"
#include "history/segment.h"
#include "history/segment_writer.h"

namespace traccia::history {

using Segments = std::vector<std::shared_ptr<const Segment>>;

// Neighbours to merge: the most at once, none of which is more than half of the outcome, so that an
// event is not written again too often; of equally many the oldest. Empty: none.
Segments choose_merge(const Segments& segments, const MergeOptions& options);

// Whether little arrives. Owned by one thread.
class Activity {
 public:
  explicit Activity(const MergeOptions& options) : options_(options) {}
  bool is_idle(Duration now, wal::Position cursor);

 private:
  const MergeOptions& options_;
  bool idle_ = false;
  std::optional<Duration> since_;
  wal::Position from_ = 0;
};

// One merge under way. What it writes has no name before it is whole. Owned by one thread.
class Merging {
 public:
  static Result<std::unique_ptr<Merging>> create(os::FileSystem& files,
                                                 const std::string& directory, Segments inputs);
  // True when the merged segment is written, and has taken the place of the first input for good.
  Result<bool> step(uint32_t events);
  // Whether it has taken that place, though perhaps not for good: then it must go on.
  bool must_go_on() const { return writer_->has_name(); }
  // Removes what is written so far.
  void abandon(os::FileSystem& files);
  const Segments& inputs() const { return inputs_; }
  const std::string& path() const { return writer_->path(); }
  std::shared_ptr<const KeyFilter> filter() const { return writer_->filter(); }

 private:
  explicit Merging(Segments inputs) : inputs_(std::move(inputs)) {}

  Segments inputs_;
  std::unique_ptr<MergeSource> source_;
  std::unique_ptr<SegmentWriter> writer_;
  bool written_ = false;
};

}  // namespace traccia::history
