// Answers look-ups: the parts of the history are walked from newest to oldest and merged.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>
#include <limits>

#include "base/assert.h"
#include "history/head_scan.h"
#include "history/records.h"
#include "history/segment_lists.h"
#include "history/state.h"
#include "history/token.h"

namespace traccia::history {
namespace {

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
constexpr int64_t kSecond = 1'000'000'000;
// What part of a page's work each walk may do even when the rest has done it all.
constexpr uint64_t kWalkShare = 16;
constexpr uint64_t kStepsPerLock = 4000;
constexpr uint64_t kHeadsOwner = 0;  // in the cache; segments have others

}  // namespace

// One part of the history, walked from its newest match to its oldest.
class Walk {
 public:
  Walk(int64_t newest_time, uint64_t retained, const Query& query)
      : newest(newest_time), retained_(retained), work_min_(query.work_max / kWalkShare + 1) {}
  virtual ~Walk() = default;

  // Moves to the next match; current() is empty at the end.
  Result<> advance(Work& work) {
    if (!std::exchange(open_, true)) TRY(open(work));
    Work own{std::max(work.left, work_min_)};
    const auto before = own.left;
    do {
      TRY_ASSIGN(current_, next(own));
      // Sequences never decrease with ingest time, so what is past retention is told by them.
    } while (current_ && !current_->undecided && is_past_retention(*current_));
    work.spend(before - own.left);
    return {};
  }
  const std::optional<Found>& current() const { return current_; }
  virtual Result<std::string> record(const Found& found) = 0;

  const int64_t newest;  // no match is newer

 private:
  bool is_past_retention(const Found& found) const {
    return static_cast<uint64_t>(found.at.sequence) < retained_;
  }
  virtual Result<> open(Work& work) = 0;
  virtual Result<std::optional<Found>> next(Work& work) = 0;

  uint64_t retained_;
  uint64_t work_min_;
  bool open_ = false;
  std::optional<Found> current_;
};

namespace {

int64_t lower_bound(const std::optional<Time>& start) {
  if (!start || to_unix_nanoseconds(*start) < kLeast + kSecond) return kLeast;
  return to_unix_nanoseconds(floor_seconds(*start));
}

int64_t upper_bound(const std::optional<Time>& end) {
  if (!end || to_unix_nanoseconds(*end) > kMost - kSecond) return kMost;
  if (to_unix_nanoseconds(*end) < kLeast + kSecond) return kLeast;
  return to_unix_nanoseconds(floor_seconds(*end)) + kSecond - 1;
}

// A head gives its matches in portions; the active one is locked for a short piece of a scan only.
class HeadWalk : public Walk {
 public:
  // `guard` is null for a frozen head. The active one is held by the caller.
  HeadWalk(const Slice& slice, uint64_t retained, std::shared_ptr<const Head> head, uint32_t place,
           size_t portion, Mutex* guard, Cache& cache)
      : Walk(head->newest(place), retained, *slice.query),
        head_(std::move(head)),
        cache_(cache),
        portion_(portion),
        guard_(guard == nullptr ? &unused_ : guard),
        scan_(*head_, place, slice, portion) {}

  Result<std::string> record(const Found& found) override {
    if (found.record) return *found.record;
    const Cache::Key key{kHeadsOwner, reinterpret_cast<uintptr_t>(found.block.get())};
    auto block = cache_.find<HeadBlock>(key);
    if (!block) {
      TRY_ASSIGN(auto opened, RecordBlock::open(*found.block, *head_->dictionary()));
      block = std::make_shared<const HeadBlock>(found.block, std::move(opened));
      cache_.keep(key, block, block->records.bytes() + block->compressed->size());
    }
    return block->records.record(found.arrival % kBlockRecords);
  }

 private:
  // Keeps what it was made of, so that its address is not that of another block meanwhile.
  struct HeadBlock {
    std::shared_ptr<const std::string> compressed;
    RecordBlock records;
  };

  Result<> open(Work& /*work*/) override { return {}; }
  Result<std::optional<Found>> next(Work& work) override {
    if (at_ == found_.size()) {
      if (over_) return std::nullopt;
      TRY(fill(work));
      if (found_.empty()) return std::nullopt;
    }
    return std::move(found_[at_++]);
  }
  // A head is small enough to be searched as a whole, whatever work is left.
  Result<> fill(Work& work) {
    for (bool done = false; !done;) {
      const MutexLock lock(*guard_);
      if (!found_.empty()) scan_ = scan_.next(std::exchange(found_, {}).back().at);
      TRY_ASSIGN(done, scan_.step(kStepsPerLock, work));
      if (done) found_ = scan_.take();
    }
    at_ = 0;
    over_ = found_.size() < portion_;
    return {};
  }

  std::shared_ptr<const Head> head_;
  Cache& cache_;
  size_t portion_;
  Mutex unused_;
  Mutex* guard_;
  HeadScan scan_;
  std::vector<Found> found_;
  size_t at_ = 0;
  bool over_ = false;
};

class SegmentWalk : public Walk {
 public:
  SegmentWalk(const Slice& slice, uint64_t retained, std::shared_ptr<const Segment> segment,
              const Segment::Place& place)
      : Walk(place.newest, retained, *slice.query),
        slice_(slice),
        reader_(std::move(segment), place) {}

  Result<std::string> record(const Found& found) override { return reader_.record(found.arrival); }

 private:
  Result<> open(Work& work) override {
    TRY_ASSIGN(limit_, reader_.segment().count_before(reader_.place(), slice_.below));
    SegmentLists lists(reader_);
    TRY_ASSIGN(postings_, find(lists, slice_.query->expression, work));
    return {};
  }

  Result<std::optional<Found>> next(Work& work) override {
    TRY_ASSIGN(const auto step, postings_->below(limit_, work));
    if (step.kind == Step::Kind::End) return std::nullopt;
    TRY_ASSIGN(const auto event, reader_.event(step.number));
    if (event.at.event_time < slice_.from_time) return std::nullopt;
    Found out{.at = event.at, .arrival = event.arrival};
    out.undecided = !step.is_match();
    limit_ = out.undecided ? step.number + 1 : step.number;
    return out;
  }

  Slice slice_;
  SegmentReader reader_;
  PostingsPtr postings_;
  uint32_t limit_ = 0;
};

// Parts whose newest event cannot be next are not opened yet.
class Merge {
 public:
  Merge(std::vector<std::unique_ptr<Walk>> parts, uint64_t work_max)
      : work_{work_max}, closed_(std::move(parts)) {
    std::ranges::sort(closed_, {}, [](const auto& walk) { return walk->newest; });
  }
  // The walk whose current match is the newest of all; nullptr at the end.
  Result<Walk*> top() {
    auto* best = newest();
    while (!closed_.empty() &&
           (best == nullptr || closed_.back()->newest >= best->current()->at.event_time)) {
      auto walk = std::move(closed_.back());
      closed_.pop_back();
      TRY(walk->advance(work_));
      if (walk->current()) open_.push_back(std::move(walk));
      best = newest();
    }
    return best;
  }
  Result<> pop(Walk* walk) {
    TRY(walk->advance(work_));
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
  Work work_;
  std::vector<std::unique_ptr<Walk>> closed_;  // newest last
  std::vector<std::unique_ptr<Walk>> open_;
};

// Calls `visit` with each place that the query asks for.
template <typename Places, typename Visit>
void for_each_place(const Places& places, const Query& query, Visit visit) {
  if (query.account && query.region) {
    const auto at = places.find({*query.account, *query.region});
    if (at != places.end()) visit(at->second);
    return;
  }
  for (const auto& [name, place] : places) {
    if (query.account && *query.account != name.first) continue;
    if (query.region && *query.region != name.second) continue;
    visit(place);
  }
}

}  // namespace

std::vector<std::unique_ptr<Walk>> History::State::walks(const Slice& slice, size_t portion) const {
  const auto retained = retained_from();
  std::vector<std::unique_ptr<Walk>> walks;
  const MutexLock lock(mutex);
  for (const auto& segment : segments) {
    const auto first = first_retained(segment->ingest_points(), retained);
    for_each_place(segment->places(), *slice.query, [&](const Segment::Place& place) {
      if (place.newest < slice.from_time) return;
      walks.push_back(std::make_unique<SegmentWalk>(slice, first, segment, place));
    });
  }
  const auto add_head = [&](const std::shared_ptr<const Head>& head, Mutex* guard) {
    const auto first = first_retained(head->ingest_points(), retained);
    for_each_place(head->places(), *slice.query, [&](uint32_t place) {
      if (head->newest(place) < slice.from_time) return;
      walks.push_back(std::make_unique<HeadWalk>(slice, first, head, place, portion, guard, cache));
    });
  };
  for (const auto& head : frozen) add_head(head, nullptr);
  add_head(active, &mutex);  // whether it is still the active one later or not
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
  Merge merge(state_->walks(slice, count_max + 1), query.work_max);
  Page page;
  PagePlace last;
  size_t bytes = 0;
  while (true) {
    TRY_ASSIGN(auto* walk, merge.top());
    if (walk == nullptr) return page;
    const auto found = *walk->current();
    if (found.undecided) {
      page.next = encode_token(query, {found.at.event_time, found.at.sequence + 1});
      return page;
    }
    // One match beyond the page tells whether there is a next page.
    if (page.records.size() == count_max || bytes >= query.bytes_max) {
      page.next = encode_token(query, last);
      return page;
    }
    TRY_ASSIGN(auto record, walk->record(found));
    bytes += record.size();
    page.records.push_back(std::move(record));
    last = found.at;
    TRY(merge.pop(walk));
  }
}

}  // namespace traccia::history
