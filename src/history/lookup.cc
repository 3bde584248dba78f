// Answers look-ups: the parts of the history are walked from newest to oldest and merged.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>
#include <limits>

#include "base/assert.h"
#include "history/records.h"
#include "history/state.h"
#include "history/token.h"

namespace traccia::history {

// One part of the history, walked from its newest match to its oldest.
class Walk {
 public:
  Walk(int64_t newest_time, uint64_t retained) : newest(newest_time), retained_(retained) {}
  virtual ~Walk() = default;

  // Moves to the next match; current() is empty at the end.
  Result<> advance() {
    do {
      TRY_ASSIGN(current_, next());
      // Sequences never decrease with ingest time, so what is past retention is told by them.
    } while (current_ && static_cast<uint64_t>(current_->at.sequence) < retained_);
    return {};
  }
  const std::optional<Found>& current() const { return current_; }
  virtual Result<std::string> record(const Found& found) = 0;

  const int64_t newest;  // no match is newer

 private:
  virtual Result<std::optional<Found>> next() = 0;

  uint64_t retained_;
  std::optional<Found> current_;
};

namespace {

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
constexpr int64_t kSecond = 1'000'000'000;

int64_t lower_bound(const std::optional<Time>& start) {
  if (!start || to_unix_nanoseconds(*start) < kLeast + kSecond) return kLeast;
  return to_unix_nanoseconds(floor_seconds(*start));
}

int64_t upper_bound(const std::optional<Time>& end) {
  if (!end || to_unix_nanoseconds(*end) > kMost - kSecond) return kMost;
  if (to_unix_nanoseconds(*end) < kLeast + kSecond) return kLeast;
  return to_unix_nanoseconds(floor_seconds(*end)) + kSecond - 1;
}

// A head gives its matches in portions, so that the active one is not locked for long.
class HeadWalk : public Walk {
 public:
  using Collect = std::function<std::vector<Found>(const Slice&, size_t)>;
  HeadWalk(int64_t newest_time, uint64_t retained, const Slice& slice, size_t portion,
           std::shared_ptr<const compress::Dictionary> dictionary, Collect collect)
      : Walk(newest_time, retained),
        slice_(slice),
        portion_(portion),
        dictionary_(std::move(dictionary)),
        collect_(std::move(collect)) {}

  Result<std::string> record(const Found& found) override {
    if (found.record) return *found.record;
    TRY_ASSIGN(const auto block, dictionary_->decompress(*found.block, kBlockBytesMax));
    return unpack_record(block, found.arrival % kBlockRecords);
  }

 private:
  Result<std::optional<Found>> next() override {
    if (at_ == found_.size()) {
      if (over_) return std::nullopt;
      found_ = collect_(slice_, portion_);
      at_ = 0;
      over_ = found_.size() < portion_;
      if (found_.empty()) return std::nullopt;
      slice_.below = found_.back().at;
    }
    return std::move(found_[at_++]);
  }

  Slice slice_;
  size_t portion_;
  std::shared_ptr<const compress::Dictionary> dictionary_;
  Collect collect_;
  std::vector<Found> found_;
  size_t at_ = 0;
  bool over_ = false;
};

class SegmentWalk : public Walk {
 public:
  SegmentWalk(const Segment::Place& place, uint64_t retained, const Slice& slice,
              std::shared_ptr<const Segment> segment)
      : Walk(place.newest, retained), place_(place), slice_(slice), segment_(std::move(segment)) {}

  Result<std::string> record(const Found& found) override {
    const auto number = found.arrival / kBlockRecords;
    if (block_number_ != number) {
      TRY_ASSIGN(block_, segment_->block(number));
      block_number_ = number;
    }
    return unpack_record(block_, found.arrival % kBlockRecords);
  }

 private:
  Result<> open() {
    TRY_ASSIGN(const auto limit, segment_->count_before(place_, slice_.below));
    const auto& attribute = slice_.query->attribute;
    if (!attribute) {
      TRY_ASSIGN(postings_, segment_->all(place_, limit));
    } else if (attribute->first == Attribute::EventId) {
      TRY_ASSIGN(postings_, segment_->of_id(place_, attribute->second, limit));
    } else {
      TRY_ASSIGN(postings_, segment_->of_term(place_, attribute->first, attribute->second, limit));
    }
    return {};
  }

  Result<std::optional<Found>> next() override {
    if (!postings_) TRY(open());
    TRY_ASSIGN(const auto number, postings_->next());
    if (!number) return std::nullopt;
    TRY_ASSIGN(const auto event, segment_->event(place_, *number, group_));
    if (event.at.event_time < slice_.from_time) return std::nullopt;
    return Found{event.at, event.arrival, nullptr, nullptr};
  }

  Segment::Place place_;
  Slice slice_;
  std::shared_ptr<const Segment> segment_;
  std::optional<Segment::Postings> postings_;
  Segment::Group group_;
  std::optional<uint32_t> block_number_;
  std::string block_;
};

// Parts whose newest event cannot be next are not opened yet.
class Merge {
 public:
  explicit Merge(std::vector<std::unique_ptr<Walk>> parts) : closed_(std::move(parts)) {
    std::ranges::sort(closed_, {}, [](const auto& walk) { return walk->newest; });
  }
  // The walk whose current match is the newest of all; nullptr at the end.
  Result<Walk*> top() {
    auto* best = newest();
    while (!closed_.empty() &&
           (best == nullptr || closed_.back()->newest >= best->current()->at.event_time)) {
      auto walk = std::move(closed_.back());
      closed_.pop_back();
      TRY(walk->advance());
      if (walk->current()) open_.push_back(std::move(walk));
      best = newest();
    }
    return best;
  }
  Result<> pop(Walk* walk) {
    TRY(walk->advance());
    if (!walk->current()) std::erase_if(open_, [&](const auto& one) { return one.get() == walk; });
    return {};
  }

 private:
  Walk* newest() const {
    Walk* best = nullptr;
    for (const auto& walk : open_) {
      if (best == nullptr || walk->current()->at > best->current()->at) best = walk.get();
    }
    return best;
  }
  std::vector<std::unique_ptr<Walk>> closed_;  // newest last
  std::vector<std::unique_ptr<Walk>> open_;
};

// Ids are found by a short hash, which others may share.
Result<bool> has_id(const Query& query, const std::string& record) {
  if (!query.attribute || query.attribute->first != Attribute::EventId) return true;
  event::RecordMemory memory(record.size());
  TRY_ASSIGN(const auto event,
             event::read_stored(memory.keep_padded(record), query.account, memory));
  return event.event_id == query.attribute->second;
}

}  // namespace

std::vector<std::unique_ptr<Walk>> History::State::walks(const Slice& slice, size_t portion) const {
  const auto& query = *slice.query;
  const auto retained = retained_from();
  std::vector<std::unique_ptr<Walk>> walks;
  const MutexLock lock(mutex);
  for (const auto& segment : segments) {
    const auto* place = segment->find_place(query.account, query.region);
    if (place == nullptr || place->newest < slice.from_time) continue;
    walks.push_back(std::make_unique<SegmentWalk>(
        *place, first_retained(segment->ingest_points(), retained), slice, segment));
  }
  const auto add_head = [&](const Head& head, HeadWalk::Collect collect) {
    const auto newest = head.newest(query.account, query.region);
    if (!newest || *newest < slice.from_time) return;
    auto part = slice;
    part.sequence_max = head.last_sequence();
    walks.push_back(std::make_unique<HeadWalk>(*newest,
                                               first_retained(head.ingest_points(), retained), part,
                                               portion, head.dictionary(), std::move(collect)));
  };
  for (const auto& head : frozen) {
    add_head(*head, [head](const Slice& part, size_t count) { return head->collect(part, count); });
  }
  add_head(*active, [this, head = active](const Slice& part, size_t count) {
    const MutexLock relock(mutex);  // whether it is still the active one or not
    return head->collect(part, count);
  });
  return walks;
}

Result<Page> History::lookup(const Query& query) const {
  if (query.count_max == 0) {
    return fail(ErrorCode::InvalidArgument, "a look-up of at most 0 records");
  }
  const auto count_max = std::min(query.count_max, kPageRecordsMax);
  Slice slice{&query, {upper_bound(query.end), kMost}, lower_bound(query.start)};
  if (query.after) {
    TRY_ASSIGN(const auto place, decode_token(query, *query.after));
    slice.below = std::min(slice.below, place);
  }
  Merge merge(state_->walks(slice, count_max + 1));
  Page page;
  PagePlace last;
  size_t bytes = 0;
  while (true) {
    TRY_ASSIGN(auto* walk, merge.top());
    if (walk == nullptr) return page;
    const auto found = *walk->current();
    TRY_ASSIGN(auto record, walk->record(found));
    TRY_ASSIGN(const bool matches, has_id(query, record));
    if (matches) {
      // One record beyond the page tells whether there is a next page.
      if (page.records.size() == count_max || bytes >= kPageBytesMax) {
        page.next = encode_token(query, last);
        return page;
      }
      bytes += record.size();
      page.records.push_back(std::move(record));
      last = found.at;
    }
    TRY(merge.pop(walk));
  }
}

}  // namespace traccia::history
