// Lists of a segment: blocks of up to 128 numbers, pages of up to 64 blocks; event ids by hash.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "history/bits.h"
#include "history/segment.h"

namespace traccia::history {
namespace {

constexpr uint64_t kPageNumbers = uint64_t{kPostingsBlock} * kPageBlocks;

}  // namespace

Result<Segment::ListParts> Segment::list_parts(const Term& term) const {
  if (term.count > count_) return damaged(term.list_offset, "a list is longer than the segment");
  const ListPart root{term.first, static_cast<uint32_t>(term.count),
                      static_cast<uint32_t>(term.list_length), term.list_offset};
  ListParts out;
  if (term.count <= kPostingsBlock) {
    out.blocks.push_back(root);
    return out;
  }
  if (term.count <= kPageNumbers) {
    TRY_ASSIGN(out.blocks, list_page(root));
    return out;
  }
  TRY_ASSIGN(const auto payload, kept_unit(root.offset, root.length));
  VarintReader reader(*payload);
  uint64_t first = 0, length = 0;
  for (uint64_t left = term.count; left > 0 && !reader.failed();) {
    ListPart page;
    page.first = static_cast<uint32_t>(first += reader.next());
    page.count = static_cast<uint32_t>(std::min(left, kPageNumbers));
    page.offset = length += reader.next();  // after its blocks, from the first of all
    page.length = static_cast<uint32_t>(reader.next());
    length += page.length;
    left -= page.count;
    out.pages.push_back(page);
  }
  if (reader.failed() || !reader.at_end() || length > root.offset) {
    return damaged(root.offset, "a list of events is wrong");
  }
  for (auto& page : out.pages) page.offset += root.offset - length;
  return out;
}

Result<std::vector<Segment::ListPart>> Segment::list_page(const ListPart& page) const {
  TRY_ASSIGN(const auto payload, kept_unit(page.offset, page.length));
  VarintReader reader(*payload);
  std::vector<ListPart> blocks;
  uint64_t first = 0, length = 0;
  for (auto left = page.count; left > 0 && !reader.failed();) {
    ListPart block;
    block.first = static_cast<uint32_t>(first += reader.next());
    block.count = std::min(left, kPostingsBlock);
    block.length = static_cast<uint32_t>(reader.next());
    block.offset = std::exchange(length, length + block.length);
    left -= block.count;
    blocks.push_back(block);
  }
  if (reader.failed() || !reader.at_end() || length > page.offset) {
    return damaged(page.offset, "a list of events is wrong");
  }
  for (auto& block : blocks) block.offset += page.offset - length;
  return blocks;
}

Result<> Segment::read_list_block(const ListPart& block, std::vector<uint32_t>& numbers) const {
  TRY_ASSIGN(const auto payload, kept_unit(block.offset, block.length));
  const auto wrong = [&] { return damaged(block.offset, "a list of events is wrong"); };
  if (payload->empty()) return wrong();
  const auto width = static_cast<uint8_t>(payload->front());
  if (width > kRiceBitsMax) return wrong();
  BitReader reader(std::string_view(*payload).substr(1));
  uint64_t number = block.first;
  numbers.push_back(block.first);
  for (uint32_t i = 1; i < block.count; ++i) {
    number += uint64_t{reader.next_rice(width)} + 1;
    numbers.push_back(static_cast<uint32_t>(number));
  }
  if (reader.failed() || !reader.at_end() || number >= count_) return wrong();
  return {};
}

Result<> Segment::read_list(const Term& term, std::vector<uint32_t>& numbers) const {
  if (term.count <= kInlinePostingsMax) {
    numbers.insert(numbers.end(), term.numbers.begin(), term.numbers.end());
    return {};
  }
  TRY_ASSIGN(auto parts, list_parts(term));
  for (const auto& block : parts.blocks) TRY(read_list_block(block, numbers));
  for (const auto& page : parts.pages) {
    TRY_ASSIGN(const auto blocks, list_page(page));
    for (const auto& block : blocks) TRY(read_list_block(block, numbers));
  }
  return {};
}

Result<std::vector<SegmentSource::Id>> Segment::read_ids(size_t unit) const {
  const auto& at = ids_[unit];
  TRY_ASSIGN(const auto payload, kept_unit(at.offset, at.length));
  const auto wrong = [&] { return damaged(at.offset, "a list of event ids is wrong"); };
  if (payload->size() < 2) return wrong();
  const auto width = static_cast<uint8_t>((*payload)[0]);
  const auto number_width = static_cast<uint8_t>((*payload)[1]);
  if (width > kRiceBitsMax || number_width > 32) return wrong();
  BitReader reader(std::string_view(*payload).substr(2));
  std::vector<SegmentSource::Id> ids(
      std::min<uint64_t>(kIdsBlock, count_ - uint64_t{unit} * kIdsBlock));
  uint64_t hash = at.first;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (i > 0) hash += reader.next_rice(width);
    ids[i] = {static_cast<uint32_t>(hash), reader.next(number_width)};
    if (ids[i].number >= count_ || hash > UINT32_MAX) return wrong();
  }
  if (reader.failed() || !reader.at_end()) return wrong();
  return ids;
}

Result<std::vector<uint32_t>> Segment::of_id_hash(const Place& place, uint32_t hash) const {
  std::vector<uint32_t> numbers;
  // Equal hashes may begin at the end of the unit before the first that starts with them.
  auto at = std::ranges::lower_bound(ids_, hash, {}, &IdsAt::first);
  if (at != ids_.begin()) --at;
  for (; at != ids_.end() && at->first <= hash; ++at) {
    TRY_ASSIGN(const auto ids, read_ids(static_cast<size_t>(at - ids_.begin())));
    for (const auto& id : ids) {
      if (id.hash != hash || id.number < place.first) continue;
      if (id.number - place.first < place.count) numbers.push_back(id.number - place.first);
    }
  }
  std::ranges::sort(numbers);
  return numbers;
}

}  // namespace traccia::history
