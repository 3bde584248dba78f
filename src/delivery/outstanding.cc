// Keeps files in the order in which they are due, and away from stores that refuse them.
// SPDX-License-Identifier: Apache-2.0
#include "delivery/outstanding.h"

#include <algorithm>

#include "base/assert.h"

namespace traccia::delivery {
namespace {

constexpr size_t kLoadedMax = 1024;  // files at a time

}  // namespace

Outstanding::LaneKey Outstanding::key_of(const Manifest& manifest) {
  return {manifest.bucket, manifest.chain.trail_arn};
}

// How many files the lane may hold as things are.
size_t Outstanding::share_of(const Lane& lane) const {
  const auto held = lane.files.size() + lane.taken;
  const auto others = positions_.size() - held;
  const auto rest = limits_.files_held_max - std::min(limits_.files_held_max, others);
  return std::max(limits_.files_held_min, rest / 2);
}

// A closed lane tries its oldest file, so that it is given up in time, and its newest, in turns.
std::optional<Outstanding::Turn> Outstanding::turn_of(const Lanes::value_type& lane) {
  const auto& [key, state] = lane;
  if (state.files.empty()) return std::nullopt;
  if (state.delay == Duration{}) {
    const auto& [due, id] = *state.due.begin();
    return Turn{due, id, key};
  }
  if (state.taken > 0) return std::nullopt;
  const auto& tried = state.newest ? *state.files.rbegin() : *state.files.begin();
  return Turn{state.reopens, tried.first, key};
}

void Outstanding::unschedule(const Lanes::value_type& lane) {
  if (const auto turn = turn_of(lane)) turns_.erase(*turn);
}

// A lane without files is forgotten, and that it was closed with it.
void Outstanding::schedule(const Lanes::value_type& lane) {
  if (const auto turn = turn_of(lane)) {
    turns_.insert(*turn);
  } else if (lane.second.files.empty() && lane.second.taken == 0 && lane.second.left_out == 0) {
    lanes_.erase(LaneKey(lane.first));
  }
}

void Outstanding::tell() {
  ++changes_;
  changed_.notify_all();
}

Duration Outstanding::doubled(Duration delay) const {
  return std::clamp<Duration>(delay * 2, limits_.retry_first, limits_.retry_max);
}

// A lane that has been refused more than once has its files rendered again when their time comes:
// the memory is of more use to the others.
void Outstanding::keep_or_drop(const Lane& lane, File& file) {
  const bool refused = lane.delay > limits_.retry_first;
  if (refused || rendered_bytes_ + file.rendered.size() > limits_.rendered_bytes_max) {
    file.rendered = {};
  }
  rendered_bytes_ += file.rendered.size();
}

void Outstanding::drop_rendered(Lane& lane) {
  for (auto& [id, waiting] : lane.files) {
    rendered_bytes_ -= waiting.file->rendered.size();
    waiting.file->rendered = {};
  }
}

void Outstanding::put_back(Lanes::value_type& lane, std::unique_ptr<File> file, Duration due) {
  keep_or_drop(lane.second, *file);
  const auto id = file->manifest.id;
  lane.second.due.emplace(due, id);
  TRACCIA_ASSERT(lane.second.files.emplace(id, Waiting{std::move(file), due}).second);
}

void Outstanding::hold(Lanes::value_type& lane, std::unique_ptr<File> file) {
  positions_.insert(file->manifest.first_position);
  put_back(lane, std::move(file), Duration{});
}

void Outstanding::add(std::unique_ptr<File> file) {
  const MutexLock lock(mutex_);
  auto& lane = *lanes_.try_emplace(key_of(file->manifest)).first;
  auto& state = lane.second;
  if (state.left_out > 0 || state.files.size() + state.taken >= share_of(state)) {
    if (state.left_out++ == 0) state.left_out_from = file->manifest.id;
    ++left_out_;
    gaps_.insert(lane.first);
    return;
  }
  unschedule(lane);
  hold(lane, std::move(file));
  schedule(lane);
  tell();
}

void Outstanding::leave_out(const LaneKey& key, size_t count) {
  const MutexLock lock(mutex_);
  lanes_[key].left_out += count;
  left_out_ += count;
  gaps_.insert(key);
}

// Half of a lane's share at a time, so that the database is not asked for each file.
std::optional<Outstanding::Gap> Outstanding::take_gap() {
  const MutexLock lock(mutex_);
  for (const auto& key : gaps_) {
    auto& lane = lanes_.at(key);
    const auto held = lane.files.size() + lane.taken;
    const auto share = share_of(lane);
    if (lane.loading || held > share / 2) continue;
    lane.loading = true;
    return Gap{key, lane.left_out_from, std::min({share - held, lane.left_out, kLoadedMax})};
  }
  return std::nullopt;
}

void Outstanding::fill(const Gap& gap, std::vector<Manifest> files) {
  const MutexLock lock(mutex_);
  auto& lane = *lanes_.find(gap.lane);
  auto& state = lane.second;
  TRACCIA_ASSERT(files.size() <= gap.count);
  state.loading = false;
  if (files.empty()) return;
  state.left_out_from = files.back().id + 1;
  state.left_out -= files.size();
  left_out_ -= files.size();
  if (state.left_out == 0) gaps_.erase(gap.lane);
  unschedule(lane);
  for (auto& manifest : files) hold(lane, std::make_unique<File>(std::move(manifest)));
  schedule(lane);
  tell();
}

std::unique_ptr<Outstanding::File> Outstanding::take(Duration now) {
  const MutexLock lock(mutex_);
  for (const auto& [due, id, key] : turns_) {
    if (due > now) return nullptr;
    if (!slots_.take(key.first, now)) continue;
    auto& lane = *lanes_.find(key);
    auto at = lane.second.files.find(id);
    unschedule(lane);
    auto [file, file_due] = std::move(at->second);
    lane.second.due.erase({file_due, file->manifest.id});
    lane.second.files.erase(at);
    ++lane.second.taken;
    schedule(lane);
    rendered_bytes_ -= file->rendered.size();
    return std::move(file);
  }
  return nullptr;
}

void Outstanding::sending(File& file, Duration now) {
  file.sent = now;
  slots_.sending(file.manifest.bucket, now);
}

Outstanding::Lanes::value_type& Outstanding::give_back(File& file, Duration now) {
  slots_.done(file.manifest.bucket, std::exchange(file.sent, std::nullopt), now);
  auto& lane = *lanes_.find(key_of(file.manifest));
  unschedule(lane);
  --lane.second.taken;
  return lane;
}

void Outstanding::retry(std::unique_ptr<File> file, Duration now) {
  const MutexLock lock(mutex_);
  auto& lane = give_back(*file, now);
  file->delay = doubled(file->delay);
  const auto due = now + file->delay;
  auto& state = lane.second;
  if (state.delay != Duration{}) {
    state.reopens = now + state.delay;
    state.newest = !state.newest;
  }
  put_back(lane, std::move(file), due);
  schedule(lane);
  tell();
}

void Outstanding::refuse(std::unique_ptr<File> file, Duration now) {
  const MutexLock lock(mutex_);
  auto& lane = give_back(*file, now);
  auto& state = lane.second;
  Duration due{};
  if (state.delay == Duration{}) {
    // Perhaps it is this file alone.
    file->delay = doubled(file->delay);
    due = now + file->delay;
  }
  // Others that were on their way when the lane closed say nothing new.
  if (now >= state.reopens) {
    state.delay = doubled(state.delay);
    state.reopens = now + state.delay;
    state.newest = !state.newest;
    if (state.delay > limits_.retry_first) drop_rendered(state);
  }
  put_back(lane, std::move(file), due);
  schedule(lane);
  tell();
}

void Outstanding::finish(std::unique_ptr<File> file, Duration now) {
  const MutexLock lock(mutex_);
  auto& lane = give_back(*file, now);
  if (file->manifest.state == FileState::Delivered) {
    lane.second.delay = lane.second.reopens = Duration{};
    lane.second.newest = false;
  }
  schedule(lane);
  positions_.erase(positions_.find(file->manifest.first_position));
  tell();
}

wal::Position Outstanding::floor(wal::Position otherwise) const {
  const MutexLock lock(mutex_);
  return positions_.empty() ? otherwise : std::min(otherwise, *positions_.begin());
}

size_t Outstanding::count() const {
  const MutexLock lock(mutex_);
  return positions_.size() + left_out_;
}

size_t Outstanding::held() const {
  const MutexLock lock(mutex_);
  return positions_.size();
}

size_t Outstanding::left_out() const {
  const MutexLock lock(mutex_);
  return left_out_;
}

uint64_t Outstanding::rendered_bytes() const {
  const MutexLock lock(mutex_);
  return rendered_bytes_;
}

uint64_t Outstanding::changes() const {
  const MutexLock lock(mutex_);
  return changes_;
}

void Outstanding::wait(uint64_t seen, Duration timeout) {
  const MutexLock lock(mutex_);
  if (changes_ == seen) changed_.wait_for(mutex_, timeout);
}

void Outstanding::wake() {
  const MutexLock lock(mutex_);
  tell();
}

}  // namespace traccia::delivery
