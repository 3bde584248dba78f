// What the sequencer writes down, and how it starts from that.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "ingest/state.h"

namespace traccia::ingest {
namespace {

constexpr size_t kPagesPerLock = 16;
constexpr uint64_t kRowsPerLock = 64 << 10;

}  // namespace

// Oldest first. Those beyond what a window can hold are removed: it has become smaller.
Result<std::vector<std::shared_ptr<const WindowFile>>> Ingest::State::open_files() {
  TRY_ASSIGN(const auto entries, os.files.list(directory));
  std::vector<std::string> paths;
  for (const auto& listed : entries) {
    const auto path = directory + "/" + listed.name;
    if (listed.name.ends_with(kWindowSuffix)) paths.push_back(path);
    if (listed.name.ends_with(".tmp")) TRY(os.files.remove(path));
  }
  // The log may be cut behind a file that a killed process had not made durable.
  if (!paths.empty()) TRY(os.files.sync_directory(directory));
  std::ranges::sort(paths);  // digits of fixed width
  while (paths.size() > Window::kFilesMax) {
    TRY(os.files.remove(paths.front()));
    TRY(os.files.sync_directory(directory));
    paths.erase(paths.begin());
  }
  std::vector<std::shared_ptr<const WindowFile>> files;
  for (const auto& path : paths) {
    TRY_ASSIGN(auto file, WindowFile::open(os.files, path));
    const auto expected =
        files.empty() ? file->header().ordinal : files.back()->header().ordinal + 1;
    if (path != window_path(directory, expected) || file->header().ordinal != expected) {
      return fail(ErrorCode::DataLoss,
                  fmt::format("'{}' is missing, but '{}' follows it: restore it",
                              window_path(directory, expected), path));
    }
    files.push_back(std::move(file));
  }
  return files;
}

Result<> Ingest::State::restore() {
  TRY_ASSIGN(auto files, open_files());
  if (!files.empty()) {
    const auto& header = files.back()->header();
    durable_cursor = header.log_end;
    const MutexLock lock(mutex);
    next_sequence = header.state.next_sequence;
    newest = header.state.newest;
    for (const auto& [name, next] : header.state.regions) next_index[region_number(name)] = next;
    TRY(window.restore(std::move(files)));
  }
  if (durable_cursor < wal.begin() || durable_cursor > wal.durable_end()) {
    return fail(ErrorCode::DataLoss,
                fmt::format("'{}' knows the log up to position {}, but the log reaches from {} to "
                            "{}: they are not of one backup",
                            directory, durable_cursor.load(), wal.begin(), wal.durable_end()));
  }
  return {};
}

Result<> Ingest::State::replay(const wal::Entry& entry) {
  auto batch = decode_batch_heads(entry.payload);
  if (!batch) {
    return std::unexpected(std::move(batch).error().with_context(
        fmt::format("log entry at position {}", entry.position)));
  }
  for (size_t i = 0; i < batch->entry->records.size(); ++i) {
    const auto& record = batch->entry->records[i];
    const auto& [key, content] = batch->identities[i];
    if (record.sequence != next_sequence) {
      return fail(ErrorCode::DataLoss,
                  fmt::format("log entry at position {}: sequence {} follows {}", entry.position,
                              record.sequence, next_sequence - 1));
    }
    next_sequence = record.sequence + 1;
    newest = std::max(newest, record.ingest_time);
    uint32_t region = 0;
    if (record.kind == Kind::Event) {
      region = region_number(record.region);
      next_index[region] = record.region_index + 1;
    }
    window.add(key, {content, region, record.region_index});
  }
  return {};
}

Result<std::unique_ptr<Ingest>> Ingest::open(os::Os os, const std::string& directory, wal::Wal& wal,
                                             Options options) {
  TRY(os.files.make_directories(directory));
  std::unique_ptr<Ingest> ingest(new Ingest(std::make_unique<State>(os, directory, wal, options)));
  auto& state = *ingest->state_;
  if (auto restored = state.restore(); !restored) {
    return std::unexpected(std::move(restored).error().with_context("open the repeat window"));
  }
  wal::Position at = state.durable_cursor;
  while (true) {
    TRY_ASSIGN(const auto entry, wal.read(at));
    if (!entry) break;
    at = entry->next;
    {
      const MutexLock lock(state.mutex);
      TRY(state.replay(*entry));
      if (!state.window.rotation_due()) continue;
      state.window.set_log_end(state.window.rotate(state.sequencer_state()), at);
    }
    // What the next start then need not replay, and memory stays bounded. On a full disk it is left
    // to maintain(): there is no more than the process before kept in memory, too.
    while (true) {
      const auto worked = state.work_off();
      if (!worked && worked.error().code() != ErrorCode::ResourceExhausted) {
        return std::unexpected(worked.error());
      }
      if (!worked || !*worked) break;
    }
  }
  state.last_checkpoint = os.clock.monotonic();
  return ingest;
}

Result<bool> Ingest::State::write_checkpoint() {
  std::optional<Window::Pending> ready;
  {
    const MutexLock lock(mutex);
    if (!checkpoint || !checkpoint->log_end) return false;
    ready = checkpoint;
  }
  TRY(write_window_file(os.files, directory, {ready->ordinal, *ready->log_end, ready->state, 0},
                        ready->generation->records()));
  durable_cursor = *ready->log_end;
  const MutexLock lock(mutex);
  checkpoint.reset();
  return true;
}

Result<bool> Ingest::State::write_oldest() {
  std::optional<Window::Pending> oldest;
  {
    const MutexLock lock(mutex);
    oldest = window.next_to_write();
  }
  if (!oldest) return false;
  TRY(write_window_file(os.files, directory, {oldest->ordinal, *oldest->log_end, oldest->state, 0},
                        oldest->generation->records()));
  TRY_ASSIGN(auto file, WindowFile::open(os.files, window_path(directory, oldest->ordinal)));
  durable_cursor = *oldest->log_end;
  const MutexLock lock(mutex);
  window.install(std::move(file));
  return true;
}

// Its memory is made without the lock: that takes long.
void Ingest::State::prepare_filter() {
  uint64_t count = 0;
  {
    const MutexLock lock(mutex);
    if (window.filter().has_rows()) return;
    count = window.filter().rows();
  }
  std::vector<uint32_t> rows(count);
  const MutexLock lock(mutex);
  window.filter().set_rows(std::move(rows));
}

Result<bool> Ingest::State::fill_filter() {
  std::optional<Window::Sealed> sealed;
  {
    const MutexLock lock(mutex);
    sealed = window.next_for_filter();
    if (!sealed) return false;
  }
  prepare_filter();
  const auto& file = *sealed->file;
  for (size_t page = 0; page < file.pages();) {
    std::vector<Remembered> records;
    for (const auto end = std::min(file.pages(), page + kPagesPerLock); page < end; ++page) {
      TRY_ASSIGN(const auto more, file.read_page(page));
      records.insert(records.end(), more.begin(), more.end());
    }
    const MutexLock lock(mutex);
    for (const auto& record : records) window.filter().add(record.key, sealed->column);
  }
  const MutexLock lock(mutex);
  window.in_filter(file.header().ordinal);
  return true;
}

// The file goes before it is forgotten: if a younger one went first, the next start would find a
// gap.
Result<bool> Ingest::State::forget_oldest() {
  std::optional<Window::Sealed> oldest;
  uint64_t rows = 0;
  {
    const MutexLock lock(mutex);
    oldest = window.forgettable();
    if (window.filter().has_rows()) rows = window.filter().rows();
  }
  if (!oldest) return false;
  auto removed = os.files.remove(oldest->file->path());
  if (!removed && removed.error().code() != ErrorCode::NotFound) {
    return std::unexpected(removed.error());
  }
  TRY(os.files.sync_directory(directory));
  {
    const MutexLock lock(mutex);
    window.forget_oldest();
  }
  for (uint64_t row = 0; row < rows; row += kRowsPerLock) {
    const MutexLock lock(mutex);
    window.filter().clear(oldest->column, row, std::min(rows, row + kRowsPerLock));
  }
  const MutexLock lock(mutex);
  window.give_back(oldest->column);
  return true;
}

// The sequencer's state as it is now, and the current generation as far as it has come.
bool Ingest::State::checkpoint_when_due() {
  const auto end = wal.durable_end();
  const auto now = os.clock.monotonic();
  const bool due = end - durable_cursor >= options.checkpoint_log_bytes ||
                   (end > durable_cursor && now - last_checkpoint >= options.checkpoint_age);
  if (!due) return false;
  const MutexLock lock(mutex);
  if (checkpoint || window.has_pending()) return false;
  checkpoint = window.snapshot(sequencer_state());
  const auto told = wal.append(
      "",
      [this](Result<wal::Position> at) {
        const MutexLock completion_lock(mutex);
        if (at) checkpoint->log_end = *at;
      },
      wal::Room::Reserve);
  if (!told) checkpoint.reset();
  last_checkpoint = now;
  return told.has_value();
}

Result<bool> Ingest::State::work_off() {
  for (const auto step : {&State::write_checkpoint, &State::write_oldest, &State::fill_filter,
                          &State::forget_oldest}) {
    auto worked = (this->*step)();
    if (!worked) {
      return std::unexpected(std::move(worked).error().with_context("the repeat window"));
    }
    if (*worked) return true;
  }
  return false;
}

Result<bool> Ingest::maintain() {
  TRY_ASSIGN(const bool worked, state_->work_off());
  return worked || state_->checkpoint_when_due();
}

wal::Position Ingest::durable_cursor() const {
  return state_->durable_cursor;
}

}  // namespace traccia::ingest
