// Several threads make and compress batches; one writes the log, one keeps the sequencer's upkeep.
// SPDX-License-Identifier: Apache-2.0
#include "backlog.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <semaphore>
#include <thread>
#include <utility>

#include "base/mutex.h"

namespace traccia::load {
namespace {

constexpr uint64_t kBatch = 1000;
constexpr std::ptrdiff_t kInFlight = 16;
constexpr std::chrono::milliseconds kIdle{20};

// The event with a comma before it, as records lie that are admitted one after another.
std::string_view write_event(const EventPool& pool, uint64_t number, const EventTime& time,
                             Arena& texts) {
  const auto& text = pool.base(number).text;
  char* const to = texts.room(1 + text.size() + event::kPaddingBytes);
  *to = ',';
  std::memcpy(to + 1, text.data(), text.size());
  pool.fill(to + 1, number, time);
  texts.take(1 + text.size());
  return {to + 1, text.size()};
}

std::string_view id_in(std::string_view json, const BaseEvent& base) {
  const auto slot = std::ranges::find(base.slots, Slot::Kind::EventId, &Slot::kind);
  return json.substr(slot->offset, slot->length);
}

class Filling {
 public:
  Filling(wal::Wal& log, ingest::Ingest& ingest, const EventPool& pool,
          const BacklogOptions& options)
      : log_(log), ingest_(ingest), pool_(pool), options_(options), begin_(log.durable_end()) {}

  Result<Backlog> run() {
    {
      std::jthread writer([this](const std::stop_token& stop) {
        while (!stop.stop_requested()) log_.step(kIdle);
      });
      std::jthread upkeep([this](const std::stop_token& stop) { keep_up(stop); });
      {
        std::vector<std::jthread> makers;
        for (unsigned i = 0; i < options_.threads; ++i) makers.emplace_back([this] { make(); });
      }
      for (std::ptrdiff_t i = 0; i < kInFlight; ++i) room_.acquire();
    }
    const MutexLock lock(mutex_);
    if (error_) return std::unexpected(std::move(*error_));
    return Backlog{batches_ * kBatch, log_.durable_end() - begin_};
  }

 private:
  void make() {
    while (const auto first = next_batch()) {
      auto drafts = backlog_batch(pool_, *first, kBatch);
      room_.acquire();
      ingest_.submit(std::move(drafts), [this, first = *first](Result<ingest::Outcome> outcome) {
        finish_batch(first, std::move(outcome));
        room_.release();
      });
    }
  }

  std::optional<uint64_t> next_batch() {
    const MutexLock lock(mutex_);
    if (error_) return std::nullopt;
    if (!refused_.empty()) {
      const auto first = refused_.back();
      refused_.pop_back();
      changed_.wait_for(mutex_, kIdle);
      return first;
    }
    if (log_.durable_end() - begin_ >= options_.bytes) return std::nullopt;
    return options_.first + kBatch * batches_++;
  }

  // A refusal comes on the thread that submits, which takes the batch again once upkeep has come
  // on.
  void finish_batch(uint64_t first, Result<ingest::Outcome> outcome) {
    const MutexLock lock(mutex_);
    if (outcome && outcome->accepted == kBatch) return;
    if (!outcome && outcome.error().code() == ErrorCode::ResourceExhausted) {
      refused_.push_back(first);
    } else if (!error_) {
      error_ = outcome ? Error(ErrorCode::Internal, "a batch was not accepted whole")
                       : std::move(outcome).error();
    }
  }

  // As in a server: it keeps the repeat window's files and filter up with what is submitted.
  void keep_up(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      auto worked = ingest_.maintain();
      const MutexLock lock(mutex_);
      changed_.notify_all();
      if (!worked) {
        error_ = std::move(worked).error();
        return;
      }
      if (!*worked) changed_.wait_for(mutex_, kIdle);
    }
  }

  wal::Wal& log_;
  ingest::Ingest& ingest_;
  const EventPool& pool_;
  const BacklogOptions options_;
  const wal::Position begin_;
  std::counting_semaphore<> room_{kInFlight};
  Mutex mutex_;
  Condition changed_;  // upkeep has done something
  uint64_t batches_ GUARDED_BY(mutex_) = 0;
  std::vector<uint64_t> refused_ GUARDED_BY(mutex_);  // first events of batches
  std::optional<Error> error_ GUARDED_BY(mutex_);
};

}  // namespace

std::vector<ingest::Draft> backlog_batch(const EventPool& pool, uint64_t first, uint64_t count) {
  const auto time = event_time_now();
  const auto memory = std::make_shared<event::RecordMemory>(count * 1400);
  std::vector<ingest::Draft> drafts(count);
  for (auto& draft : drafts) {
    const auto& base = pool.base(first);
    draft.record.json = write_event(pool, first, time, memory->texts());
    draft.record.event_id = id_in(draft.record.json, base);
    draft.record.account = kAccount;
    draft.record.region = kRegion;
    draft.sender = "bench";
    draft.memory = memory;
    ++first;
  }
  return drafts;
}

Result<Backlog> fill_backlog(wal::Wal& log, ingest::Ingest& ingest, const EventPool& pool,
                             const BacklogOptions& options) {
  return Filling(log, ingest, pool, options).run();
}

}  // namespace traccia::load
