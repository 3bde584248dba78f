// Sequencing under one lock, from the decision what is new to its place in the log's queue.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/ingest.h"

#include <fmt/format.h>

#include <future>
#include <utility>

#include "ingest/state.h"

namespace traccia::ingest {
namespace {

constexpr uint64_t kRecordMemory = 1024;  // of a decoded record beside its bytes, about

}  // namespace

uint32_t Ingest::State::region_number(const std::string& name) {
  const auto [at, fresh] = numbers.emplace(name, static_cast<uint32_t>(names.size()));
  if (fresh) {
    names.push_back(name);
    next_index.push_back(0);
  }
  return at->second;
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

void Ingest::State::add_receipt(Outcome& outcome, uint32_t region, uint64_t index) {
  auto& receipts = outcome.receipts;
  if (!receipts.empty() && receipts.back().region == names[region] &&
      receipts.back().first_index + receipts.back().count == index) {
    ++receipts.back().count;
    return;
  }
  receipts.push_back({names[region], index, 1});
}

Result<> Ingest::State::judge(std::vector<Draft>& drafts, const std::vector<Identity>& identities,
                              Time time, Batch& fresh, Outcome& outcome) {
  for (const auto& identity : identities) window.prefetch(identity.key);
  for (size_t i = 0; i < drafts.size(); ++i) {
    auto& draft = drafts[i];
    const auto& [key, content] = identities[i];
    const bool is_event = draft.kind == Kind::Event;
    TRY_ASSIGN(const auto seen, window.find(key));
    if (seen) {
      if (seen->content != content) {
        outcome.rejected.push_back(
            {i, "EventIdConflict",
             fmt::format("eventID '{}' was recorded before with other content",
                         is_event ? draft.record.event_id : draft.change_id)});
        continue;
      }
      ++outcome.duplicates;
      if (is_event) add_receipt(outcome, seen->region, seen->region_index);
      continue;
    }
    LogRecord record;
    record.sequence = next_sequence++;
    record.kind = draft.kind;
    record.ingest_time = time;
    record.sender = std::move(draft.sender);
    uint32_t region = 0;
    if (is_event) {
      region = region_number(draft.record.region);
      record.account = draft.record.account;
      record.region = names[region];
      record.region_index = next_index[region]++;
      record.json = std::move(draft.record.json);
      record.event = std::move(draft.record);
      record.event.json.clear();
      add_receipt(outcome, region, record.region_index);
    } else {
      record.json = std::move(draft.change_json);
    }
    ++outcome.accepted;
    window.add(key, {content, region, record.region_index});
    fresh.records.push_back(std::move(record));
    fresh.identities.push_back({key, content});
  }
  return {};
}

void Ingest::State::take_back(const std::vector<LogRecord>& fresh) {
  window.take_back(fresh.size());
  next_sequence -= fresh.size();
  for (const auto& record : fresh) {
    if (record.kind == Kind::Event) --next_index[numbers.at(record.region)];
  }
}

Ingest::Ingest(std::unique_ptr<State> state) : state_(std::move(state)) {}
Ingest::~Ingest() = default;

void Ingest::submit(std::vector<Draft> drafts, Completion completion, wal::Room room) {
  uint64_t bytes = 0;
  for (const auto& draft : drafts) {
    bytes += draft.record.json.size() + draft.change_json.size() + draft.sender.size() + 256;
  }
  if (bytes > kBatchBytesMax) {
    return completion(fail(ErrorCode::ResourceExhausted, "TooLarge",
                           fmt::format("the batch has {} bytes with what was filled in; at most {} "
                                       "fit: send less at once",
                                       bytes, kBatchBytesMax)));
  }
  // Hashing and compressing are done before the lock: few batches hold repeats.
  std::vector<Identity> identities;
  identities.reserve(drafts.size());
  for (const auto& draft : drafts) identities.push_back({key_of(draft), content_of(draft)});
  auto compressed = compress_json(drafts);
  // The log may refuse before it takes the completion, so both sides share it.
  auto shared = std::make_shared<Completion>(std::move(completion));
  auto outcome = std::make_shared<Outcome>();
  Result<> appended;
  {
    const MutexLock lock(state_->mutex);
    appended = state_->make_room(room);
    if (appended) {
      state_->newest = std::max(state_->newest, state_->os.clock.now());
      Batch fresh;
      fresh.records.reserve(drafts.size());
      fresh.identities.reserve(drafts.size());
      appended = state_->judge(drafts, identities, state_->newest, fresh, *outcome);
      if (appended && fresh.records.size() != drafts.size() && !fresh.records.empty()) {
        compressed = compress_json(fresh.records);
      }
      // Nothing new: a barrier still waits until the originals of the repeats are durable.
      std::string payload;
      if (appended && !fresh.records.empty()) payload = encode_batch(fresh, compressed);
      const auto records = std::make_shared<const std::vector<LogRecord>>(std::move(fresh.records));
      wal::Decoded decoded;
      if (!records->empty()) decoded = {records, bytes + records->size() * kRecordMemory};
      if (appended) {
        appended = state_->wal.append(
            std::move(payload),
            [shared, outcome](Result<wal::Position> done) {
              if (!done) return (*shared)(std::unexpected(done.error()));
              (*shared)(std::move(*outcome));
            },
            room, std::move(decoded));
      }
      if (!appended) state_->take_back(*records);
      if (appended) state_->rotate_when_due();
    }
  }
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
