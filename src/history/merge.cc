// Which segments are merged, when, and how far a call goes.
// SPDX-License-Identifier: Apache-2.0
#include "history/merge.h"

#include <algorithm>

namespace traccia::history {
namespace {

// How many from `first` on can be merged; fewer than 2: none.
size_t mergeable(const Segments& segments, size_t first, const MergeOptions& options) {
  const auto span_max = std::chrono::duration_cast<std::chrono::seconds>(options.span_max).count();
  uint64_t total = 0, largest = 0;
  size_t best = 0;
  std::optional<int64_t> oldest;
  for (size_t i = first; i < segments.size() && i - first < options.inputs_max; ++i) {
    const auto& segment = *segments[i];
    total += segment.count();
    largest = std::max<uint64_t>(largest, segment.count());
    const auto& points = segment.ingest_points();
    if (!points.empty() && !oldest) oldest = points.front().second;
    if (total > options.events_max) break;
    if (!points.empty() && points.back().second - *oldest > span_max) break;
    if (largest * 2 <= total) best = i - first + 1;
  }
  return best;
}

}  // namespace

Segments choose_merge(const Segments& segments, const MergeOptions& options) {
  size_t first = 0, count = 1;
  for (size_t i = 0; i < segments.size(); ++i) {
    const auto here = mergeable(segments, i, options);
    if (here > count) first = i, count = here;
  }
  if (count < 2) return {};
  const auto begin = segments.begin() + static_cast<std::ptrdiff_t>(first);
  return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

bool Activity::is_idle(Duration now, wal::Position cursor) {
  if (!since_ || cursor - from_ > options_.idle_log_bytes) {
    idle_ = false;
  } else if (now - *since_ >= options_.idle_time) {
    idle_ = true;
  } else {
    return idle_;
  }
  since_ = now;
  from_ = cursor;
  return idle_;
}

Result<std::unique_ptr<Merging>> Merging::create(os::FileSystem& files,
                                                 const std::string& directory, Segments inputs) {
  std::unique_ptr<Merging> merging(new Merging(std::move(inputs)));
  // Opened again, so that reading them through leaves the cache to look-ups.
  Segments read;
  for (const auto& input : merging->inputs_) {
    TRY_ASSIGN(auto segment, Segment::open(files, input->path()));
    read.push_back(std::move(segment));
  }
  TRY_ASSIGN(merging->source_, MergeSource::create(std::move(read)));
  TRY_ASSIGN(merging->writer_, SegmentWriter::create(files, directory, *merging->source_));
  return merging;
}

Result<bool> Merging::step(uint32_t events) {
  if (!written_) {
    TRY_ASSIGN(written_, writer_->step(events));
    if (!written_) return false;
  }
  TRY(writer_->publish());
  return true;
}

void Merging::abandon(os::FileSystem& files) {
  // At the latest the next start removes it.
  (void)files.remove(writer_->temporary_path());
}

}  // namespace traccia::history
