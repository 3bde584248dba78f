// Puts a batch's records into blocks and compresses them.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <map>
#include <numeric>
#include <tuple>

#include "base/assert.h"
#include "compress/compress.h"
#include "ingest/batch.h"
#include "ingest/record_dictionary.h"

namespace traccia::ingest {
namespace {

std::string_view json_of(const Draft& draft) {
  return draft.kind == Kind::TrailChange ? draft.change_json : draft.record.json;
}

bool same_block(const LogRecord& a, const LogRecord& b) {
  return a.kind == Kind::Event && b.kind == Kind::Event && a.account == b.account &&
         a.region == b.region && a.sender == b.sender;
}

// The order in which the drafts go into the log.
std::vector<uint32_t> order_of(const std::vector<Draft>& drafts) {
  std::vector<uint32_t> order(drafts.size());
  std::iota(order.begin(), order.end(), 0U);
  const auto place = [&](uint32_t at) {
    const auto& draft = drafts[at];
    return std::tie(draft.record.account, draft.record.region, draft.sender);
  };
  bool one_place = true;
  for (uint32_t i = 0; i < drafts.size(); ++i) {
    if (drafts[i].kind != Kind::Event) return order;
    one_place = one_place && place(i) == place(0);
  }
  if (one_place) return order;
  std::map<std::tuple<std::string_view, std::string_view, std::string_view>, uint32_t> ranks;
  std::vector<uint32_t> rank(drafts.size());
  for (uint32_t i = 0; i < drafts.size(); ++i) {
    rank[i] = ranks.try_emplace(place(i), static_cast<uint32_t>(ranks.size())).first->second;
  }
  std::ranges::sort(order, {}, [&](uint32_t at) { return std::pair(rank[at], at); });
  return order;
}

LogRecord record_of(const Draft& draft) {
  LogRecord record;
  record.kind = draft.kind;
  record.sender = draft.sender;
  record.json = json_of(draft);
  if (draft.kind == Kind::Event) {
    record.account = draft.record.account;
    record.region = draft.record.region;
    record.event = draft.record;
  }
  return record;
}

// Whether the comma between two records lies in memory already (event::RecordMemory).
bool adjoins(std::string_view before, std::string_view after) {
  return before.data() + before.size() + 1 == after.data() && after.data()[-1] == ',';
}

// Gives the block its text: as it lies when it is in one piece, else copied together.
void join(LogEntry& entry, Block& block, std::shared_ptr<event::RecordMemory>& copies) {
  const auto records = std::span(entry.records).subspan(block.first, block.count);
  const bool in_one_piece = std::ranges::adjacent_find(records, [](const auto& a, const auto& b) {
                              return !adjoins(a.json, b.json);
                            }) == records.end();
  const auto* const begin = records.front().json.data();
  if (in_one_piece) {
    block.text = {begin, records.back().json.data() + records.back().json.size()};
    return;
  }
  size_t bytes = records.size() - 1;
  for (const auto& record : records) bytes += record.json.size();
  if (!copies) copies = std::make_shared<event::RecordMemory>(bytes);
  auto& arena = copies->texts();
  char* const to = arena.room(bytes);
  char* at = to;
  for (auto& record : records) {
    if (at != to) *at++ = ',';
    std::memcpy(at, record.json.data(), record.json.size());
    record.json = {at, record.json.size()};
    if (record.kind == Kind::Event) record.event.json = record.json;
    at += record.json.size();
  }
  arena.take(bytes);
  block.text = {to, bytes};
}

void make_blocks(LogEntry& entry) {
  auto& blocks = entry.blocks;
  uint64_t bytes = 0;
  for (size_t i = 0; i < entry.records.size(); ++i) {
    const auto& record = entry.records[i];
    const bool fits = i > 0 && same_block(entry.records[i - 1], record) &&
                      bytes + 1 + record.json.size() <= kBlockBytesMax;
    if (!fits) {
      blocks.push_back({i, 0, {}, Codec::Stored, {}});
      bytes = 0;
    }
    ++blocks.back().count;
    bytes += record.json.size() + 1;
  }
  std::shared_ptr<event::RecordMemory> copies;
  for (auto& block : blocks) join(entry, block, copies);
  if (copies) entry.memory.push_back(std::move(copies));
}

}  // namespace

Result<Draft> event_draft(std::string_view json, const event::AdmitOptions& options,
                          std::string_view sender) {
  auto memory = std::make_shared<event::RecordMemory>(json.size());
  Draft draft;
  TRY_ASSIGN(draft.record, event::admit(json, options, *memory));
  draft.sender = memory->values().copy(sender);
  draft.memory = std::move(memory);
  return draft;
}

Draft change_draft(std::string_view json, std::string_view id, std::string_view sender) {
  auto memory = std::make_shared<event::RecordMemory>(json.size());
  Draft draft;
  draft.kind = Kind::TrailChange;
  draft.change_json = memory->values().copy(json);
  draft.change_id = memory->values().copy(id);
  draft.sender = memory->values().copy(sender);
  draft.memory = std::move(memory);
  return draft;
}

uint64_t LogEntry::bytes() const {
  uint64_t bytes = sizeof(LogEntry) + records.size() * sizeof(LogRecord);
  for (const auto& one : memory) bytes += one->bytes();
  for (const auto& block : blocks) bytes += sizeof(Block) + block.compressed.size();
  return bytes;
}

Arranged arrange(const std::vector<Draft>& drafts) {
  Arranged out;
  out.entry = std::make_shared<LogEntry>();
  out.draft_of = order_of(drafts);
  auto& entry = *out.entry;
  entry.records.reserve(drafts.size());
  out.identities.reserve(drafts.size());
  for (const auto at : out.draft_of) {
    const auto& draft = drafts[at];
    entry.records.push_back(record_of(draft));
    out.identities.push_back({key_of(draft), content_of(draft)});
    if (entry.memory.empty() || entry.memory.back() != draft.memory) {
      entry.memory.push_back(draft.memory);
    }
  }
  make_blocks(entry);
  return out;
}

Arranged without(const Arranged& arranged, const std::vector<bool>& dropped) {
  Arranged out;
  out.entry = std::make_shared<LogEntry>();
  out.entry->memory = arranged.entry->memory;
  for (size_t i = 0; i < dropped.size(); ++i) {
    if (dropped[i]) continue;
    out.entry->records.push_back(arranged.entry->records[i]);
    out.draft_of.push_back(arranged.draft_of[i]);
    out.identities.push_back(arranged.identities[i]);
  }
  make_blocks(*out.entry);
  return out;
}

void compress_blocks(LogEntry& entry) {
  for (auto& block : entry.blocks) {
    const bool large = block.text.size() >= kDeflateBytesMin;
    block.codec = large ? Codec::Deflate : Codec::Zstd;
    block.compressed =
        large ? compress::deflate_stretch(block.text) : record_dictionary().compress(block.text);
    if (block.compressed.size() < block.text.size()) continue;
    block.codec = Codec::Stored;
    block.compressed.clear();
  }
}

}  // namespace traccia::ingest
