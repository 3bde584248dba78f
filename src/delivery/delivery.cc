// From the log to open files, to manifests.
// SPDX-License-Identifier: Apache-2.0
#include "delivery/delivery.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"

namespace traccia::delivery {
namespace {

constexpr std::chrono::seconds kCursorStoreInterval{5};

bool same_destination(const trail::TrailConfig& a, const trail::TrailConfig& b) {
  return a.created == b.created && a.bucket == b.bucket && a.prefix == b.prefix &&
         a.log_file_validation == b.log_file_validation;
}

}  // namespace

Result<std::unique_ptr<Delivery>> Delivery::open(os::Os os, meta::Database& database, wal::Wal& wal,
                                                 ObjectStore& store, Options options) {
  std::unique_ptr<Delivery> delivery(new Delivery(os, database, wal, store, options));
  if (auto loaded = delivery->load(); !loaded) {
    return std::unexpected(std::move(loaded).error().with_context("open delivery"));
  }
  return delivery;
}

void Delivery::apply(const trail::TrailChange& change) {
  selection_.reset();
  if (change.deleted) {
    configs_.erase(change.config.arn);
  } else {
    configs_[change.config.arn] = change.config;
  }
}

Result<> Delivery::load() {
  std::vector<PendingLane> lanes;
  wal::Position cursor = 0;
  TRY(database_.read([&](meta::Transaction& transaction) -> Result<> {
    TRY_ASSIGN(cursor, load_cursor(transaction));
    TRY_ASSIGN(const auto changes, load_changes(transaction, 0));
    for (const auto& at : changes) {
      if (at.position < cursor) apply(at.change);
    }
    TRY_ASSIGN(const auto closed, load_closed(transaction));
    for (const auto& one : closed) closed_[one.chain] = one.last_sequence;
    TRY_ASSIGN(lanes, load_pending_lanes(transaction));
    return {};
  }));
  for (const auto& lane : lanes) {
    outstanding_.leave_out({lane.bucket, lane.trail_arn}, lane.count);
  }
  cursor_.store(cursor);
  read_position_.store(cursor);
  reader_ = wal_.recent().add_reader(cursor);
  TRY(move_floor());
  if (log_floor_ < wal_.begin() || cursor > wal_.durable_end()) {
    return fail(ErrorCode::DataLoss,
                fmt::format("delivery needs the log from position {} and has read it up to {}, but "
                            "the log reaches from {} to {}: they are not of one backup",
                            log_floor_.load(), cursor, wal_.begin(), wal_.durable_end()));
  }
  return {};
}

// Only this thread leaves files out, so that none can be missed.
Result<> Delivery::move_floor() {
  const bool all_held = outstanding_.left_out() == 0;
  auto floor = outstanding_.floor(cursor_.load(std::memory_order_relaxed));
  if (!all_held) {
    TRY(database_.read([&](meta::Transaction& transaction) -> Result<> {
      TRY_ASSIGN(const auto pending, pending_floor(transaction));
      if (pending) floor = std::min(floor, *pending);
      return {};
    }));
  }
  log_floor_.store(floor, std::memory_order_release);
  return {};
}

Result<bool> Delivery::step() {
  TRY(commit_left());
  TRY_ASSIGN(const auto entries, read_log());
  close_due();
  TRY(commit());
  TRY(move_floor());
  return entries > 0;
}

Result<size_t> Delivery::read_log() {
  size_t entries = 0;
  for (; entries < options_.entries_per_step; ++entries) {
    const auto position = read_position_.load(std::memory_order_relaxed);
    TRY_ASSIGN(const auto entry, ingest::read_entry_for(wal_, reader_, position));
    if (!entry) break;
    for (const auto& block : entry->entry->blocks) {
      const auto& first = (*entry->records)[block.first];
      if (first.kind == ingest::Kind::TrailChange) {
        TRY_ASSIGN(auto change, trail::decode_change(first.json));
        take_change(first, position, std::move(change));
      } else {
        TRY(take_block(*entry->entry, block, position));
      }
    }
    read_position_.store(entry->next, std::memory_order_release);
    wal_.recent().set_reader(reader_, entry->next);
    if (!just_closed_.empty() && full()) break;  // commit what is in memory first
  }
  return entries;
}

void Delivery::take_change(const ingest::LogRecord& record, wal::Position position,
                           trail::TrailChange change) {
  const auto& config = change.config;
  const bool ends = change.deleted || !config.logging;
  for (auto at = open_.begin(); at != open_.end();) {
    const auto next = std::next(at);
    const auto& file = at->second;
    if (file.chain.trail_arn == config.arn && (ends || !same_destination(file.config, config))) {
      close(at);
    }
    at = next;
  }
  apply(change);
  changes_.push_back({record.sequence, position, record.ingest_time, std::move(change)});
}

// Selectors are compiled again at the first event after a change of some trail.
Result<> Delivery::select() {
  if (selection_) return {};
  judges_.clear();
  for (const auto& [arn, config] : configs_) {
    if (config.logging) judges_.push_back(&config);
  }
  TRY_ASSIGN(selection_, trail::Selection::compile(judges_));
  taken_.resize(judges_.size());
  return {};
}

Result<> Delivery::take_block(const ingest::LogEntry& entry, const ingest::Block& block,
                              wal::Position position) {
  TRY(select());
  std::vector<uint32_t> takers;
  for (size_t i = block.first; i < block.first + block.count; ++i) {
    for (const auto judge : selection_->taking(entry.records[i].event, scratch_)) {
      if (judges_[judge]->account != entry.records[i].account) continue;
      if (taken_[judge].empty()) takers.push_back(judge);
      taken_[judge].push_back(static_cast<uint32_t>(i));
    }
  }
  for (const auto judge : takers) {
    add_to_file(*judges_[judge], entry, block, taken_[judge], position);
    taken_[judge].clear();
  }
  return {};
}

// The chain's open file, with room for `growth` more bytes; nullptr when the chain's files have the
// record already.
Delivery::OpenFile* Delivery::file_for(const trail::TrailConfig& config,
                                       const ingest::LogRecord& first, uint64_t growth) {
  const ChainId chain{config.arn, config.created, std::string(first.account),
                      std::string(first.region)};
  const auto closed = closed_.find(chain);
  if (closed != closed_.end() && first.sequence <= closed->second) return nullptr;  // a replay
  auto at = open_.find(chain);
  if (at != open_.end() && at->second.builder.bytes() + growth > options_.file_bytes_max) {
    close(at);
    at = open_.end();
  }
  if (at == open_.end()) {
    at = open_.emplace(chain, OpenFile{chain, config, os_.clock.monotonic(), {}}).first;
    open_bytes_ += at->second.builder.held_bytes();
  }
  return &at->second;
}

// A block goes into a file whole or record by record: its last record is in the same file as its
// first unless the file is full between.
void Delivery::add_to_file(const trail::TrailConfig& config, const ingest::LogEntry& entry,
                           const ingest::Block& block, const std::vector<uint32_t>& taken,
                           wal::Position position) {
  const auto add = [&](const ingest::LogRecord& first, std::string_view text, auto append) {
    auto* const file = file_for(config, first, FileBuilder::grows_by(text));
    if (file == nullptr) return;
    const auto before = file->builder.held_bytes();
    append(file->builder);
    open_bytes_ += file->builder.held_bytes();
    open_bytes_ -= before;
  };
  if (taken.size() == block.count) {
    add(entry.records[block.first], block.text,
        [&](FileBuilder& builder) { builder.add_block(entry, block, position); });
  } else {
    for (const auto i : taken) {
      const auto& record = entry.records[i];
      add(record, record.json, [&](FileBuilder& builder) { builder.add(record, position); });
    }
  }
  if (open_bytes_ > options_.open_bytes_max) close_largest();
}

void Delivery::close_largest() {
  close(std::ranges::max_element(open_, {},
                                 [](const auto& one) { return one.second.builder.held_bytes(); }));
}

// Fixes the file's content and key. Durable with the next commit(), before any PUT.
void Delivery::close(std::map<ChainId, OpenFile>::iterator at) {
  auto file = std::move(at->second);
  open_.erase(at);
  TRACCIA_ASSERT(open_bytes_ >= file.builder.held_bytes());
  open_bytes_ -= file.builder.held_bytes();
  auto closed = std::make_unique<Outstanding::File>();
  auto& manifest = closed->manifest;
  manifest.chain = file.chain;
  manifest.first_sequence = file.builder.first_sequence();
  manifest.last_sequence = file.builder.last_sequence();
  manifest.count = file.builder.count();
  manifest.first_position = file.builder.first_position();
  manifest.oldest_event_time = file.builder.oldest();
  manifest.newest_event_time = file.builder.newest();
  manifest.validated = file.config.log_file_validation;
  manifest.closed = os_.clock.now();
  manifest.bucket = file.config.bucket;
  manifest.key =
      log_file_key(file.config.prefix, file.chain, manifest.closed,
                   unique_part(file.chain, manifest.first_sequence, manifest.last_sequence));
  auto [gzip, sha256_hex] = std::move(file.builder).finish();
  manifest.sha256_hex = std::move(sha256_hex);
  closed_[file.chain] = manifest.last_sequence;
  if (!full()) closed->rendered = std::move(gzip);
  just_closed_bytes_ += closed->rendered.size();
  just_closed_.push_back(std::move(closed));
}

void Delivery::close_due() {
  const auto now = os_.clock.monotonic();
  for (auto at = open_.begin(); at != open_.end();) {
    const auto next = std::next(at);
    if (now - at->second.opened >= options_.interval) close(at);
    at = next;
  }
}

// While the database refuses, nothing more is read: it would pile up in memory.
Result<> Delivery::commit_left() {
  if (just_closed_.empty() && changes_.empty()) return {};
  return commit();
}

Result<> Delivery::commit() {
  auto cursor = read_position_.load(std::memory_order_relaxed);
  for (const auto& [chain, file] : open_) {
    cursor = std::min(cursor, file.builder.first_position());
  }
  const auto now = os_.clock.monotonic();
  const bool cursor_due = cursor != cursor_.load(std::memory_order_relaxed) &&
                          now - last_cursor_store_ >= kCursorStoreInterval;
  if (just_closed_.empty() && changes_.empty() && !cursor_due) return {};
  TRY(database_.write([&](meta::Transaction& transaction) -> Result<> {
    for (auto& file : just_closed_) {
      TRY_ASSIGN(file->manifest.id, insert_manifest(transaction, file->manifest));
    }
    for (const auto& change : changes_) TRY(insert_change(transaction, change));
    return store_cursor(transaction, cursor);
  }));
  last_cursor_store_ = now;
  cursor_.store(cursor, std::memory_order_release);
  for (auto& file : just_closed_) outstanding_.add(std::move(file));
  just_closed_.clear();
  just_closed_bytes_ = 0;
  changes_.clear();
  return {};
}

}  // namespace traccia::delivery
