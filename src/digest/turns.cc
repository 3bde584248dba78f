// Trails take turns.
// SPDX-License-Identifier: Apache-2.0
#include "digest/turns.h"

#include <algorithm>

namespace traccia::digest {

void Turns::schedule(Lanes::value_type& lane, Duration due) {
  lane.second.due = due;
  due_.emplace(due, lane.first);
}

void Turns::add(const std::string& trail_arn, const std::string& bucket) {
  const MutexLock lock(mutex_);
  const auto [at, is_new] = lanes_.try_emplace(trail_arn);
  auto& lane = at->second;
  if (is_new) {
    lane.bucket = bucket;
    schedule(*at, Duration{});
  } else if (lane.taken && !lane.added) {
    lane.added = bucket;
  }
}

std::optional<Turns::Turn> Turns::take(Duration now) {
  const MutexLock lock(mutex_);
  for (auto at = due_.begin(); at != due_.end() && at->first <= now; ++at) {
    auto& [trail_arn, lane] = *lanes_.find(at->second);
    if (!slots_.take(lane.bucket, now)) continue;
    due_.erase(at);
    lane.taken = true;
    lane.added.reset();
    return Turn{trail_arn, lane.bucket};
  }
  return std::nullopt;
}

void Turns::sending(Turn& turn, Duration now) {
  turn.sent = now;
  slots_.sending(turn.bucket, now);
}

Turns::Lanes::iterator Turns::give_back(const Turn& turn, Duration now) {
  slots_.done(turn.bucket, turn.sent, now);
  const auto at = lanes_.find(turn.trail_arn);
  at->second.taken = false;
  return at;
}

void Turns::refuse(const Turn& turn, Duration now) {
  const MutexLock lock(mutex_);
  const auto at = give_back(turn, now);
  auto& delay = at->second.delay;
  delay = std::clamp<Duration>(delay * 2, limits_.retry_first, limits_.retry_max);
  schedule(*at, now + delay);
}

// What was added while the oldest was on its way may not have been there when the caller looked for
// the next one.
void Turns::finish(const Turn& turn, std::optional<std::string> next, Duration now) {
  const MutexLock lock(mutex_);
  const auto at = give_back(turn, now);
  auto& lane = at->second;
  if (!next) next = lane.added;
  if (!next) {
    lanes_.erase(at);
    return;
  }
  lane.bucket = *std::move(next);
  lane.delay = {};
  schedule(*at, now);
}

}  // namespace traccia::digest
