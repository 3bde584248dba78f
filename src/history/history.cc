// Takes the log in, freezes heads, writes segments, forgets what is past retention.
// SPDX-License-Identifier: Apache-2.0
#include "history/history.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"
#include "history/head_source.h"
#include "history/segment_writer.h"
#include "history/state.h"
#include "ingest/record_dictionary.h"

namespace traccia::history {
namespace {

constexpr size_t kStepBytesMax = 8 << 20;
constexpr size_t kArrivalsPerLock = 64;
constexpr size_t kFrozenMax = 2;  // beyond, taking in waits for maintain()

}  // namespace

History::History(std::unique_ptr<State> state) : state_(std::move(state)) {}
History::~History() = default;

Result<std::unique_ptr<History>> History::open(os::Os os, const std::string& directory,
                                               wal::Wal& wal, Options options) {
  TRY(os.files.make_directories(directory));
  auto state = std::make_unique<State>(os, directory, wal, options);
  TRY(state->load_segments());
  return std::unique_ptr<History>(new History(std::move(state)));
}

// In the order of the log.
Result<> History::State::add_segment(std::shared_ptr<const Segment> segment) {
  if (!segments.empty() && segments.back()->end() != segment->start()) {
    // A crash came before the inputs of a merge were removed.
    if (segment->end() <= segments.back()->end()) return os.files.remove(segment->path());
    return fail(ErrorCode::DataLoss,
                fmt::format("the history segment after '{}' is missing: '{}' starts at log "
                            "position {} instead of {}; remove the history's directory to build "
                            "it again from the log that is left",
                            segments.back()->path(), segment->path(), segment->start().position,
                            segments.back()->end().position));
  }
  segments.push_back(std::move(segment));
  return {};
}

// Of the newest segment, unless a merge made it for skeletons.
std::shared_ptr<const compress::Dictionary> History::State::first_dictionary() const {
  if (!segments.empty()) return segments.back()->dictionary();
  return std::make_shared<const compress::Dictionary>(
      std::string(ingest::record_dictionary().text()));
}

Result<> History::State::load_segments() {
  TRY_ASSIGN(const auto entries, os.files.list(directory));
  std::vector<std::string> names;
  for (const auto& listed : entries) {
    if (listed.name.ends_with(kSegmentSuffix)) names.push_back(listed.name);
    // Unfinished segments, and the database of version 1: the log still has what was in it.
    if (listed.name.ends_with(".new") || listed.name.starts_with("history.db")) {
      TRY(os.files.remove(directory + "/" + listed.name));
    }
  }
  // The log may be cut behind a segment that a killed process had not made durable.
  if (!names.empty()) TRY(os.files.sync_directory(directory));
  std::ranges::sort(names);  // digits of fixed width: in the order of the log
  const MutexLock lock(mutex);
  for (const auto& name : names) {
    TRY_ASSIGN(auto segment, Segment::open(os.files, directory + "/" + name, &cache));
    TRY(add_segment(std::move(segment)));
  }
  at = segments.empty() ? Cursor{wal.begin(), 0} : segments.back()->end();
  if (at.position < wal.begin()) {
    return fail(ErrorCode::DataLoss,
                fmt::format("event history has taken in the log up to position {}, but the log "
                            "begins at {}: the records between are gone; remove the history's "
                            "directory to build it again from the log that is left",
                            at.position, wal.begin()));
  }
  if (at.position > wal.durable_end()) {
    return fail(ErrorCode::DataLoss,
                fmt::format("event history has taken in the log up to position {}, but the log "
                            "ends at {}: they are not of one backup; remove the history's "
                            "directory to build it again from the log",
                            at.position, wal.durable_end()));
  }
  active = std::make_shared<Head>(at, first_dictionary(), std::make_shared<Packer>());
  head_since = os.clock.monotonic();
  cursor = durable_cursor = at.position;
  reader = wal.recent().add_reader(at.position);
  return {};
}

wal::Position History::cursor() const {
  return state_->cursor;
}
wal::Position History::durable_cursor() const {
  return state_->durable_cursor;
}

Result<bool> History::State::load_entry() {
  if (entry) return true;
  TRY_ASSIGN(auto read, ingest::read_entry_for(wal, reader, at.position));
  if (!read) return false;
  if (at.taken >= read->records->size()) {
    return fail(ErrorCode::DataLoss,
                fmt::format("log entry at position {} has {} records; event history has taken in "
                            "{} of them",
                            at.position, read->records->size(), at.taken));
  }
  entry = std::move(read);
  return true;
}

void History::State::take_next(Batch& batch, size_t& bytes) {
  const auto& record = (*entry->records)[at.taken];
  bytes += record.json.size();
  if (record.kind == ingest::Kind::Event && record.event.category == event::Category::Management) {
    if (batch.entries.empty() || batch.entries.back().records != entry->records) {
      batch.entries.push_back(*entry);
    }
    batch.arrivals.push_back(&record);
  }
  ++batch.passed;
  if (++at.taken == entry->records->size()) {
    at = {entry->next, 0};
    entry.reset();
  }
  batch.end = at;
}

// What precedes something unreadable is still given; the next step meets the error first.
Result<Batch> History::State::gather(size_t records_max) {
  Batch batch;
  batch.end = at;
  size_t bytes = 0;
  while (batch.passed < records_max && bytes < kStepBytesMax) {
    const auto more = load_entry();
    if (!more && batch.passed == 0) return std::unexpected(more.error());
    if (!more || !*more) break;
    take_next(batch, bytes);
  }
  return batch;
}

void History::State::take_in(const Batch& batch) {
  const auto& arrivals = batch.arrivals;
  for (size_t done = 0; done < arrivals.size(); done += kArrivalsPerLock) {
    const MutexLock lock(mutex);
    for (auto i = done; i < std::min(arrivals.size(), done + kArrivalsPerLock); ++i) {
      active->add(*arrivals[i]);
    }
  }
  const MutexLock lock(mutex);
  active->set_end(batch.end);
  cursor = batch.end.position;
  wal.recent().set_reader(reader, batch.end.position);
  grown.notify_all();
}

bool History::State::is_due(const Head& head) const {
  return head.count() >= options.head_events_max || head.block_bytes() >= options.head_bytes_max ||
         head.end().position - head.start().position >= options.head_log_bytes_max ||
         (head.end() != head.start() && os.clock.monotonic() - head_since >= options.head_age_max);
}

void History::State::freeze_when_due() {
  std::shared_ptr<const Head> full;
  {
    const MutexLock lock(mutex);
    if (!is_due(*active)) return;
    active->freeze();
    full = active;
  }
  // Nobody else changes a head: what takes time needs no lock.
  auto next = std::make_shared<Head>(full->end(), full->next_dictionary(), full->packer());
  const MutexLock lock(mutex);
  frozen.push_back(std::move(full));
  active = std::move(next);
  head_since = os.clock.monotonic();
}

bool History::State::has_room() {
  const MutexLock lock(mutex);
  if (frozen.size() >= kFrozenMax) room.wait_for(mutex, options.room_wait);
  return frozen.size() < kFrozenMax;
}

Result<size_t> History::step(size_t records_max) {
  TRACCIA_ASSERT(records_max > 0);
  auto& state = *state_;
  state.freeze_when_due();
  if (!state.has_room()) return 0;
  auto batch = state.gather(records_max);
  if (!batch) return std::unexpected(std::move(batch).error().with_context("event history"));
  const auto passed = batch->passed;
  if (passed > 0) state.take_in(*batch);
  return passed;
}

Result<bool> History::State::seal_oldest() {
  std::shared_ptr<const Head> head;
  {
    const MutexLock lock(mutex);
    if (frozen.empty()) return false;
    head = frozen.front();
  }
  HeadSource source(*head);
  TRY_ASSIGN(auto written, write_segment(os.files, directory, source));
  TRY_ASSIGN(auto segment,
             Segment::open(os.files, std::move(written.path), &cache, std::move(written.filter)));
  const MutexLock lock(mutex);
  segments.push_back(std::move(segment));
  frozen.erase(frozen.begin());
  durable_cursor = head->end().position;
  room.notify_all();
  return true;
}

// The newest segment stays: it tells where the history ends.
Result<bool> History::State::remove_expired() {
  const auto second = to_unix_nanoseconds(floor_seconds(retained_from())) / 1'000'000'000;
  std::shared_ptr<const Segment> oldest;
  {
    const MutexLock lock(mutex);
    if (segments.size() < 2) return false;
    const auto& points = segments.front()->ingest_points();
    if (!points.empty() && points.back().second >= second) return false;
    oldest = segments.front();
  }
  if (!release(oldest)) return false;
  // Look-ups under way keep the file open. It is forgotten only when it is gone for good: if a
  // younger one went before it, the next start would find a gap.
  auto removed = os.files.remove(oldest->path());
  if (!removed && removed.error().code() != ErrorCode::NotFound)
    return std::unexpected(removed.error());
  TRY(os.files.sync_directory(directory));
  const MutexLock lock(mutex);
  segments.erase(segments.begin());
  return true;
}

bool History::State::release(const std::shared_ptr<const Segment>& segment) {
  if (!merging || merging->inputs().front() != segment) return true;
  if (merging->must_go_on()) return false;
  merging->abandon(os.files);
  merging.reset();
  return true;
}

Result<bool> History::State::begin_merge() {
  Segments inputs;
  {
    const MutexLock lock(mutex);
    inputs = choose_merge(segments, options.merge);
  }
  if (inputs.empty()) return false;
  uint64_t bytes = 0;
  for (const auto& input : inputs) bytes += input->file_bytes();
  TRY_ASSIGN(const auto free, os.files.free_bytes(directory));
  if (free < bytes + options.merge.free_bytes_min) return false;
  TRY_ASSIGN(merging, Merging::create(os.files, directory, std::move(inputs)));
  return true;
}

// Look-ups that have begun go on with the inputs, whose files they keep open.
Result<> History::State::finish_merge() {
  TRY_ASSIGN(auto merged, Segment::open(os.files, merging->path(), &cache, merging->filter()));
  const auto& inputs = merging->inputs();
  for (size_t i = 1; i < inputs.size(); ++i) superseded.push_back(inputs[i]->path());
  {
    const MutexLock lock(mutex);
    const auto first = std::ranges::find(segments, inputs.front());
    TRACCIA_ASSERT(first != segments.end());
    *first = std::move(merged);
    segments.erase(first + 1, first + static_cast<std::ptrdiff_t>(inputs.size()));
  }
  merging.reset();
  return remove_superseded();
}

Result<> History::State::remove_superseded() {
  while (!superseded.empty()) {
    auto removed = os.files.remove(superseded.back());
    if (!removed && removed.error().code() != ErrorCode::NotFound) return removed;
    superseded.pop_back();
  }
  return {};
}

// The rest of upkeep goes on meanwhile.
void History::State::put_off_merging() {
  merge_again = os.clock.monotonic() + options.merge.retry_after;
  if (!merging || merging->must_go_on()) return;
  merging->abandon(os.files);
  merging.reset();
}

Result<bool> History::State::merge_some() {
  if (os.clock.monotonic() < merge_again) return false;
  TRY(remove_superseded());
  const bool idle = activity.is_idle(os.clock.monotonic(), cursor);
  {
    const MutexLock lock(mutex);
    if (!idle && segments.size() <= options.merge.segments_max) return false;
  }
  if (!merging) return begin_merge();
  TRY_ASSIGN(const bool done, merging->step(options.merge.step_events));
  if (done) TRY(finish_merge());
  return true;
}

Result<bool> History::maintain() {
  auto& state = *state_;
  auto worked = state.seal_oldest();
  if (worked && !*worked) worked = state.remove_expired();
  if (worked && !*worked) {
    worked = state.merge_some();
    if (!worked) state.put_off_merging();
  }
  if (!worked) return std::unexpected(std::move(worked).error().with_context("event history"));
  return *worked;
}

}  // namespace traccia::history
