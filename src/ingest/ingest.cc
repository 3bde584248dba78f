// Sequencing under one lock, from the decision what is new to its place in the log's queue.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/ingest.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "ingest/state.h"

namespace traccia::ingest {
namespace {

// The region of what is new in a batch, until it has its place.
constexpr uint32_t kNotPlaced = std::numeric_limits<uint32_t>::max();

}  // namespace
uint32_t Ingest::State::region_number(std::string_view name) {
  const auto known = numbers.find(name);
  if (known != numbers.end()) return known->second;
  const auto number = static_cast<uint32_t>(names.size());
  numbers.emplace(name, number);
  names.emplace_back(name);
  next_index.push_back(0);
  return number;
}

SequencerState Ingest::State::sequencer_state() const {
  SequencerState out{next_sequence, newest, {}};
  for (size_t i = 0; i < names.size(); ++i) out.regions.emplace_back(names[i], next_index[i]);
  return out;
}

Result<> Ingest::State::make_room(wal::Room room) {
  rotate_when_due();
  if (!window.full() || room == wal::Room::Reserve) return {};
  return fail(ErrorCode::ResourceExhausted, "RepeatWindowFull",
              "the files of the repeat window lag behind, see the server's log; retry later");
}

// A barrier behind the generation's last batch tells where that ended, once it is durable.
void Ingest::State::rotate_when_due() {
  if (!window.rotation_due()) return;
  const auto ordinal = window.current_ordinal();
  const auto told = wal.append(
      "",
      [this, ordinal](Result<wal::Position> at) {
        if (!at) return;  // the log stopped: nothing is written any more
        const MutexLock lock(mutex);
        window.set_log_end(ordinal, *at);
      },
      wal::Room::Reserve);
  if (told) window.rotate(sequencer_state());
}

// Runs of places that follow one another, in the order in which the drafts were given.
void Ingest::State::add_receipts(const Judged& judged, Outcome& outcome) {
  auto& receipts = outcome.receipts;
  std::optional<uint32_t> last;
  for (const auto& [region, index] : judged.placed) {
    if (!region) continue;
    if (last == region && receipts.back().first_index + receipts.back().count == index) {
      ++receipts.back().count;
      continue;
    }
    receipts.push_back({names[*region], index, 1});
    last = region;
  }
}

// Of two with one id the one that was given first is recorded. What is new is remembered at once,
// so that a repeat within the batch is one too; its place follows in number().
Result<Ingest::State::Judged> Ingest::State::judge(const Arranged& arranged, Outcome& outcome) {
  const auto count = arranged.draft_of.size();
  Judged judged{std::vector<Placed>(count), std::vector<bool>(count), {}};
  std::vector<uint32_t> record_of(count);
  for (uint32_t i = 0; i < count; ++i) record_of[arranged.draft_of[i]] = i;
  for (const auto& identity : arranged.identities) window.prefetch(identity.key);
  for (uint32_t draft = 0; draft < count; ++draft) {
    const auto i = record_of[draft];
    const auto& [key, content] = arranged.identities[i];
    auto seen = window.find(key);
    if (!seen) {
      window.take_back(draft - judged.dropped_count());
      return std::unexpected(std::move(seen).error());
    }
    if (!*seen) {
      window.add(key, {content, kNotPlaced, 0});
      continue;
    }
    judged.dropped[i] = true;
    if ((*seen)->content == content) {
      judged.repeats.push_back({i, {(*seen)->region, (*seen)->region_index}});
      continue;
    }
    const auto& record = arranged.entry->records[i];
    const auto id =
        record.kind == Kind::Event ? record.event.event_id : std::string_view("of a change");
    outcome.rejected.push_back(
        {draft, "EventIdConflict",
         fmt::format("eventID '{}' was recorded before with other content", id)});
    ++judged.conflicts;
  }
  return judged;
}

void Ingest::State::number(const Arranged& arranged, Judged& judged) {
  auto& records = arranged.entry->records;
  std::string_view name;
  uint32_t region = 0;
  for (size_t i = 0; i < records.size(); ++i) {
    if (judged.dropped[i]) continue;
    auto& record = records[i];
    record.sequence = next_sequence++;
    record.ingest_time = newest;
    if (record.kind != Kind::Event) {
      window.add(arranged.identities[i].key, {arranged.identities[i].content, 0, 0});
      continue;
    }
    if (record.region != name) region = region_number(name = record.region);
    record.region_index = next_index[region]++;
    window.add(arranged.identities[i].key,
               {arranged.identities[i].content, region, record.region_index});
    judged.placed[arranged.draft_of[i]] = {region, record.region_index};
  }
  for (auto [i, first] : judged.repeats) {
    if (records[i].kind != Kind::Event) continue;
    if (first.region == kNotPlaced) {  // its first is in this batch, so it is in memory
      const auto seen = window.find(arranged.identities[i].key);
      TRACCIA_ASSERT(seen && *seen);
      first = {(*seen)->region, (*seen)->region_index};
    }
    judged.placed[arranged.draft_of[i]] = first;
  }
}

Result<std::string> Ingest::State::sequence(Arranged& arranged, Outcome& outcome) {
  TRY_ASSIGN(auto judged, judge(arranged, outcome));
  number(arranged, judged);
  add_receipts(judged, outcome);
  outcome.duplicates = judged.repeats.size();
  outcome.accepted = judged.dropped.size() - judged.dropped_count();
  if (outcome.accepted == 0) {
    arranged.entry = std::make_shared<LogEntry>();
    return std::string();
  }
  if (judged.dropped_count() > 0) {
    arranged = without(arranged, judged.dropped);
    compress_blocks(*arranged.entry);
  }
  return encode_batch(*arranged.entry, arranged.identities);
}

void Ingest::State::take_back(const LogEntry& entry) {
  window.take_back(entry.records.size());
  next_sequence -= entry.records.size();
  for (const auto& record : entry.records) {
    if (record.kind == Kind::Event) --next_index[region_number(record.region)];
  }
}

Ingest::Ingest(std::unique_ptr<State> state) : state_(std::move(state)) {}
Ingest::~Ingest() = default;

void Ingest::submit(std::vector<Draft> drafts, Completion completion, wal::Room room,
                    wal::Haste haste) {
  uint64_t bytes = 0;
  for (const auto& draft : drafts) {
    bytes += draft.record.json.size() + draft.change_json.size() + 64;
  }
  if (bytes > kBatchBytesMax) {
    return completion(fail(ErrorCode::ResourceExhausted, "TooLarge",
                           fmt::format("the batch has {} bytes with what was filled in; at most {} "
                                       "fit: send less at once",
                                       bytes, kBatchBytesMax)));
  }
  // Hashing and compressing are done before the lock: few batches hold repeats.
  auto arranged = arrange(drafts);
  compress_blocks(*arranged.entry);
  // The log may refuse before it takes the completion, so both sides share it.
  auto shared = std::make_shared<Completion>(std::move(completion));
  auto outcome = std::make_shared<Outcome>();
  auto appended = [&]() -> Result<> {
    const MutexLock lock(state_->mutex);
    TRY(state_->make_room(room));
    state_->newest = std::max(state_->newest, state_->os.clock.now());
    TRY_ASSIGN(auto payload, state_->sequence(arranged, *outcome));
    // Nothing new: a barrier still waits until the originals of the repeats are durable.
    wal::Decoded decoded;
    if (!payload.empty()) decoded = {arranged.entry, arranged.entry->bytes()};
    auto done = state_->wal.append(
        std::move(payload),
        [shared, outcome](Result<wal::Position> at) {
          if (!at) return (*shared)(std::unexpected(at.error()));
          (*shared)(std::move(*outcome));
        },
        room, std::move(decoded), haste);
    if (done) {
      state_->rotate_when_due();
    } else {
      state_->take_back(*arranged.entry);
    }
    return done;
  }();
  if (!appended) (*shared)(std::unexpected(std::move(appended).error()));
}

Result<Outcome> Ingest::submit_and_wait(std::vector<Draft> drafts) {
  auto promise = std::make_shared<std::promise<Result<Outcome>>>();
  auto future = promise->get_future();
  submit(
      std::move(drafts),
      [promise](Result<Outcome> outcome) { promise->set_value(std::move(outcome)); },
      wal::Room::Reserve);
  return future.get();
}

Time Ingest::written_time() {
  const MutexLock lock(state_->mutex);
  state_->newest = std::max(state_->newest, state_->os.clock.now());
  return state_->newest;
}

bool Ingest::stopped() const {
  return state_->wal.stopped();
}

}  // namespace traccia::ingest
