// Generations come and go.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/window.h"

#include <algorithm>
#include <bit>
#include <ranges>

#include "base/assert.h"

namespace traccia::ingest {

Window::Window(uint64_t events)
    : events_(events),
      generation_events_((events + kGenerations - 1) / kGenerations),
      filter_(generation_events_) {
  TRACCIA_ASSERT(events > 0);
}

Result<std::optional<Seen>> Window::find(const RecordKey& key) const {
  if (const auto* seen = current_->find(key)) return *seen;
  for (const auto& pending : pending_ | std::views::reverse) {
    if (const auto* seen = pending.generation->find(key)) return *seen;
  }
  const auto candidates = filter_.candidates(key);
  for (const auto& sealed : sealed_ | std::views::reverse) {
    if (sealed.in_filter && (candidates >> sealed.column & 1) == 0) continue;
    TRY_ASSIGN(const auto seen, sealed.file->find(key));
    if (seen) return seen;
  }
  return std::nullopt;
}

uint64_t Window::rotate(SequencerState state) {
  pending_.push_back({current_ordinal_, std::move(current_), std::move(state), std::nullopt, true});
  current_ = std::make_shared<Generation>();
  return current_ordinal_++;
}

Window::Pending Window::snapshot(SequencerState state) const {
  return {current_ordinal_, std::make_shared<Generation>(*current_), std::move(state), std::nullopt,
          false};
}

void Window::set_log_end(uint64_t ordinal, wal::Position position) {
  for (auto& pending : pending_) {
    if (pending.ordinal == ordinal) pending.log_end = position;
  }
}

std::optional<Window::Pending> Window::next_to_write() const {
  if (pending_.empty() || !pending_.front().log_end) return std::nullopt;
  return pending_.front();
}

void Window::install(std::shared_ptr<const WindowFile> file) {
  const auto column = static_cast<unsigned>(std::countr_one(columns_));
  TRACCIA_ASSERT(column < WindowFilter::kColumns);
  columns_ |= uint32_t{1} << column;
  if (!pending_.empty() && pending_.front().ordinal == file->header().ordinal) {
    pending_.pop_front();
  }
  sealed_.push_back({std::move(file), column, false});
}

std::optional<Window::Sealed> Window::next_for_filter() const {
  const auto at = std::ranges::find(sealed_, false, &Sealed::in_filter);
  if (at == sealed_.end()) return std::nullopt;
  return *at;
}

void Window::in_filter(uint64_t ordinal) {
  for (auto& sealed : sealed_) {
    if (sealed.file->header().ordinal == ordinal) sealed.in_filter = true;
  }
}

std::optional<Window::Sealed> Window::forgettable() const {
  if (sealed_.empty()) return std::nullopt;
  uint64_t rest = current_->records().size();
  for (const auto& pending : pending_) rest += pending.generation->records().size();
  for (size_t i = 1; i < sealed_.size(); ++i) rest += sealed_[i].file->header().count;
  if (rest < events_ && sealed_.size() <= kFilesMax) return std::nullopt;
  return sealed_.front();
}

Result<> Window::restore(std::vector<std::shared_ptr<const WindowFile>> files) {
  TRACCIA_ASSERT(files.size() <= kFilesMax);
  if (files.empty()) return {};
  const auto newest = files.back();
  current_ordinal_ = newest->header().ordinal + 1;
  if (newest->header().count < generation_events_) {
    current_ordinal_ = newest->header().ordinal;
    for (size_t page = 0; page < newest->pages(); ++page) {
      TRY_ASSIGN(const auto records, newest->read_page(page));
      for (const auto& [key, seen] : records) current_->add(key, seen);
    }
    files.pop_back();
  }
  for (auto& file : files) install(std::move(file));
  return {};
}

}  // namespace traccia::ingest
