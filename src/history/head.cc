// Postings in order of arrival; the newest are found by walking them backwards.
// SPDX-License-Identifier: Apache-2.0
#include "history/head.h"

#include <algorithm>

#include "base/assert.h"
#include "history/terms.h"

namespace traccia::history {

uint64_t first_retained(const std::vector<IngestPoint>& points, Time retained_from) {
  const auto second = to_unix_nanoseconds(floor_seconds(retained_from)) / 1'000'000'000;
  const auto at = std::ranges::lower_bound(points, second, {}, &IngestPoint::second);
  return at == points.end() ? std::numeric_limits<uint64_t>::max() : at->sequence;
}

uint32_t Head::place_number(std::string_view account, std::string_view region) {
  // Mostly that of the event before.
  if (last_place_ != places_.end() && last_place_->first.first == account &&
      last_place_->first.second == region) {
    return last_place_->second;
  }
  const auto [at, fresh] = places_.try_emplace({std::string(account), std::string(region)},
                                               static_cast<uint32_t>(by_place_.size()));
  if (fresh) by_place_.emplace_back();
  last_place_ = at;
  return at->second;
}

void Head::add_id(uint32_t place, std::string_view event_id) {
  const auto arrival = count();
  if (id_buckets_.size() <= arrival) {
    // Twice the buckets: every chain is linked again.
    id_buckets_.assign(std::max<size_t>(1024, id_buckets_.size() * 2), kNone);
    for (uint32_t i = 0; i < arrival; ++i) {
      auto& bucket = id_buckets_[id_hashes_[i] & (id_buckets_.size() - 1)];
      same_bucket_[i] = std::exchange(bucket, i);
    }
  }
  const auto hash = hash_event_id(event_id);
  auto& bucket = id_buckets_[hash & (id_buckets_.size() - 1)];
  id_hashes_.push_back(hash);
  same_bucket_.push_back(std::exchange(bucket, arrival));
  place_numbers_.push_back(place);
}

void Head::add(const ingest::LogRecord& log) {
  const auto& event = log.event;
  const auto arrival = count();
  const auto place = place_number(log.account, log.region);
  add_id(place, event.event_id);
  const auto time = to_unix_nanoseconds(event.event_time);
  auto& here = by_place_[place];
  newest_so_far_.push_back(here.empty() ? time : std::max(time, newest_so_far_[here.back()]));
  here.push_back(arrival);
  times_.push_back(time);
  TRACCIA_ASSERT(sequences_.empty() || sequences_.back() < log.sequence);
  sequences_.push_back(log.sequence);
  const auto second = to_unix_nanoseconds(floor_seconds(log.ingest_time)) / 1'000'000'000;
  if (ingest_points_.empty() || ingest_points_.back().second < second) {
    ingest_points_.push_back({log.sequence, second});
  }
  for_each_term(event, [&](Attribute attribute, std::string_view value) {
    terms_.add(place, attribute, value, arrival);
  });
  open_block_.add(log.json);
  if (open_block_.count() == kBlockRecords) close_block();
}

void Head::close_block() {
  if (open_block_.count() == 0) return;
  for (uint32_t i = 0; i < open_block_.count(); ++i) builder_.add(open_block_.record(i), *packer_);
  blocks_.push_back(std::make_shared<const std::string>(builder_.finish(*dictionary_)));
  block_bytes_ += blocks_.back()->size();
  open_block_.clear();
}

void Head::freeze() {
  close_block();
}

std::shared_ptr<const compress::Dictionary> Head::next_dictionary() const {
  std::string window;
  std::vector<std::string> samples;
  for (auto at = blocks_.rbegin(); at != blocks_.rend() && samples.size() < kDictionarySamples;
       ++at) {
    const auto block = RecordBlock::open(**at, *dictionary_);
    TRACCIA_ASSERT(block);
    if (window.size() < kDictionaryBytesMax) {
      window += block->text().substr(0, kDictionaryBytesMax - window.size());
    } else {
      samples.push_back(block->text());
    }
  }
  if (samples.size() < kDictionarySamples) return dictionary_;
  return std::make_shared<const compress::Dictionary>(compress::learn_dictionary(window, samples));
}

Found Head::found(uint32_t arrival) const {
  Found out{.at = place_of(arrival), .arrival = arrival};
  if (arrival / kBlockRecords < blocks_.size()) {
    out.block = blocks_[arrival / kBlockRecords];
  } else {
    out.record = std::make_shared<const std::string>(open_block_.record(arrival % kBlockRecords));
  }
  return out;
}

std::vector<uint32_t> Head::arrivals_of_id(uint32_t place, std::string_view event_id) const {
  std::vector<uint32_t> out;
  const auto hash = hash_event_id(event_id);
  for (auto at = id_buckets_[hash & (id_buckets_.size() - 1)]; at != kNone; at = same_bucket_[at]) {
    if (id_hashes_[at] == hash && place_numbers_[at] == place) out.push_back(at);
  }
  std::ranges::reverse(out);
  return out;
}

Result<std::string> Head::record(uint32_t arrival) const {
  if (arrival / kBlockRecords >= blocks_.size()) {
    return std::string(open_block_.record(arrival % kBlockRecords));
  }
  TRY_ASSIGN(const auto block, RecordBlock::open(*blocks_[arrival / kBlockRecords], *dictionary_));
  return block.record(arrival % kBlockRecords);
}

}  // namespace traccia::history
