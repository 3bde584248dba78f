// Lists are read block by block from their ends; blocks that are leapt over are not read.
// SPDX-License-Identifier: Apache-2.0
#include "history/segment_lists.h"

#include <algorithm>

#include "history/records.h"
#include "history/terms.h"

namespace traccia::history {
namespace {

constexpr uint64_t kBlockSteps = 16;  // what reading a block of a list costs, in steps
constexpr uint64_t kTermSteps = 4;    // what reading a term costs

// Parts are read from the last to the first.
class BlockPostings : public Postings {
 public:
  BlockPostings(const Segment& segment, Segment::ListParts parts, uint64_t count)
      : segment_(segment), parts_(std::move(parts)), count_(count) {}

  Result<Step> below(uint32_t limit, Work& work) override {
    work.spend(1);
    while (true) {
      if (!now_.empty() && now_.back() >= limit) {
        now_.pop_back();
        if (!now_.empty() && now_.back() >= limit) {
          now_.erase(std::ranges::lower_bound(now_, limit), now_.end());
        }
      }
      if (!now_.empty()) return Step::match(now_.back());
      leap(parts_.blocks, limit);
      if (parts_.blocks.empty()) {
        leap(parts_.pages, limit);
        if (parts_.pages.empty()) return Step{};
        work.spend(kBlockSteps);
        TRY_ASSIGN(parts_.blocks, segment_.list_page(parts_.pages.back()));
        parts_.pages.pop_back();
        leap(parts_.blocks, limit);
      }
      work.spend(kBlockSteps);
      TRY(segment_.read_list_block(parts_.blocks.back(), now_));
      parts_.blocks.pop_back();
    }
  }
  uint64_t count() const override { return count_; }

 private:
  using Parts = std::vector<Segment::ListPart>;
  static void leap(Parts& parts, uint32_t limit) {
    if (parts.empty() || parts.back().first < limit) return;
    parts.erase(std::ranges::lower_bound(parts, limit, {}, &Segment::ListPart::first), parts.end());
  }

  const Segment& segment_;
  Segment::ListParts parts_;   // not read yet
  std::vector<uint32_t> now_;  // what is left of the block that is read
  uint64_t count_;
};

}  // namespace

Result<std::string> SegmentReader::record(uint32_t arrival) {
  const auto number = arrival / segment_->block_records();
  if (!block_ || block_number_ != number) {
    TRY_ASSIGN(block_, segment_->block(number));
    block_number_ = number;
  }
  auto record = block_->record(arrival % segment_->block_records());
  if (!record) return segment_->damaged_block(number, record.error().message());
  return record;
}

PostingsPtr SegmentLists::all() {
  return std::make_unique<RangePostings>(reader_.place().count);
}

Result<PostingsPtr> SegmentLists::of_term(const Segment::Term& term) const {
  if (term.count <= kInlinePostingsMax) return std::make_unique<OwnedPostings>(term.numbers);
  TRY_ASSIGN(auto parts, reader_.segment().list_parts(term));
  return std::make_unique<BlockPostings>(reader_.segment(), std::move(parts), term.count);
}

Result<PostingsPtr> SegmentLists::of_value(Attribute attribute, std::string_view value) {
  std::string wanted;
  render_term(wanted, reader_.place().number, attribute, value);
  const auto* filter = reader_.segment().filter();
  if (filter != nullptr && !filter->may_hold_term(wanted))
    return std::make_unique<RangePostings>(0);
  Segment::TermCursor cursor(reader_.segment(), wanted);
  TRY_ASSIGN(const bool more, cursor.next());
  if (!more || cursor.term().text != wanted) return std::make_unique<RangePostings>(0);
  return of_term(cursor.term());
}

Result<> SegmentLists::add(BitmapPostings& bitmap, const Segment::Term& term, Work& work) const {
  const auto& segment = reader_.segment();
  std::vector<uint32_t> numbers;
  TRY(segment.read_list(term, numbers));
  work.spend(numbers.size() / kPostingsBlock * kBlockSteps);
  for (const auto number : numbers) {
    if (number >= reader_.place().count) {
      return segment.damaged(term.list_offset, "a term names an event that is not there");
    }
    bitmap.add(number);
  }
  return {};
}

Result<PostingsPtr> SegmentLists::of_prefix(Attribute attribute, std::string_view prefix,
                                            Work& work) {
  std::string wanted;
  render_term(wanted, reader_.place().number, attribute, prefix);
  Segment::TermCursor cursor(reader_.segment(), wanted);
  std::vector<Segment::Term> terms;
  std::unique_ptr<BitmapPostings> bitmap;
  while (true) {
    TRY_ASSIGN(const bool more, cursor.next());
    if (!more || !cursor.term().text.starts_with(wanted)) break;
    work.spend(kTermSteps);
    terms.push_back(cursor.term());
    if (terms.size() <= kPrefixListsMax && !bitmap) continue;
    if (!bitmap) bitmap = std::make_unique<BitmapPostings>(reader_.place().count);
    for (const auto& term : terms) TRY(add(*bitmap, term, work));
    terms.clear();
  }
  if (bitmap) return bitmap;
  std::vector<PostingsPtr> lists;
  for (const auto& term : terms) {
    TRY_ASSIGN(auto list, of_term(term));
    lists.push_back(std::move(list));
  }
  return union_of(std::move(lists));
}

Result<PostingsPtr> SegmentLists::of_id(std::string_view event_id) {
  const auto hash = hash_event_id(event_id);
  const auto* filter = reader_.segment().filter();
  if (filter != nullptr && !filter->may_hold_id(hash)) return std::make_unique<RangePostings>(0);
  TRY_ASSIGN(auto numbers, reader_.segment().of_id_hash(reader_.place(), hash));
  std::vector<uint32_t> same;
  for (const auto number : numbers) {
    TRY_ASSIGN(const auto at, reader_.event(number));
    TRY_ASSIGN(const auto text, reader_.record(at.arrival));
    TRY_ASSIGN(const bool is_same, has_event_id(text, event_id));
    if (is_same) same.push_back(number);
  }
  return std::make_unique<OwnedPostings>(std::move(same));
}

}  // namespace traccia::history
