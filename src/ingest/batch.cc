// Encodes batches: what sequencing needs in the open, the blocks' texts compressed behind it.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/batch.h"

#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "base/bytes.h"
#include "compress/compress.h"
#include "crypto/crypto.h"
#include "ingest/record_dictionary.h"

namespace traccia::ingest {
namespace {

constexpr uint8_t kVersion = 3;
constexpr uint32_t kRecordsMax = 1'000'000;
constexpr size_t kHeadBytes = 28;  // of a record

template <size_t N>
Result<std::array<char, N>> take_array(ByteReader& reader) {
  TRY_ASSIGN(const auto bytes, reader.take(N));
  std::array<char, N> out;
  std::copy_n(bytes.begin(), N, out.begin());
  return out;
}

std::unexpected<Error> damaged(std::string message) {
  return fail(ErrorCode::DataLoss, std::move(message));
}

// What is read of a block before its text.
struct Head {
  Block block;
  uint32_t text_bytes = 0;
  uint32_t compressed_bytes = 0;
  std::vector<uint32_t> lengths;  // of the records' JSON
};

class Decoder {
 public:
  explicit Decoder(std::string_view payload) : reader_(payload) {}

  Result<> heads() {
    TRY_ASSIGN(const auto version, reader_.u8());
    if (version != kVersion)
      return damaged(fmt::format("log batch of unknown version {}", version));
    TRY_ASSIGN(sequence_, reader_.u64());
    TRY_ASSIGN(const auto time, reader_.u64());
    time_ = from_unix_nanoseconds(static_cast<int64_t>(time));
    TRY_ASSIGN(const auto blocks, reader_.u32());
    if (blocks == 0 || blocks > kRecordsMax) {
      return damaged(fmt::format("log batch of {} blocks", blocks));
    }
    for (uint32_t i = 0; i < blocks; ++i) TRY(head());
    return {};
  }

  Result<> texts() {
    uint64_t bytes = 0;
    for (const auto& head : heads_) bytes += head.text_bytes + event::kPaddingBytes;
    if (bytes > kBatchBytesMax * 2) return damaged(fmt::format("log batch of {} bytes", bytes));
    for (auto& head : heads_) TRY(text(head));
    if (reader_.remaining() != 0) {
      return damaged(
          fmt::format("{} bytes follow the last block of a log batch", reader_.remaining()));
    }
    return {};
  }

  Batch take() && {
    for (auto& head : heads_) out_.entry->blocks.push_back(std::move(head.block));
    out_.entry->memory.push_back(std::move(memory_));
    return std::move(out_);
  }

 private:
  Result<> head() {
    Head head;
    TRY_ASSIGN(const auto kind, reader_.u8());
    if (kind != uint8_t(Kind::Event) && kind != uint8_t(Kind::TrailChange)) {
      return damaged(fmt::format("log records of unknown kind {}", kind));
    }
    TRY_ASSIGN(const auto codec, reader_.u8());
    if (codec > uint8_t(Codec::Deflate)) return damaged(fmt::format("unknown codec {}", codec));
    head.block.codec = static_cast<Codec>(codec);
    LogRecord record;
    record.kind = static_cast<Kind>(kind);
    record.ingest_time = time_;
    for (auto* const to : {&record.sender, &record.account, &record.region}) {
      TRY_ASSIGN(const auto bytes, reader_.block());
      *to = memory_->values().copy(bytes);
    }
    TRY_ASSIGN(record.region_index, reader_.u64());
    TRY_ASSIGN(const auto count, reader_.u32());
    TRY_ASSIGN(head.text_bytes, reader_.u32());
    TRY_ASSIGN(head.compressed_bytes, reader_.u32());
    auto& records = out_.entry->records;
    if (count == 0 || count > kRecordsMax - records.size() ||
        count > reader_.remaining() / kHeadBytes) {
      return damaged(fmt::format("log block of {} records", count));
    }
    const auto needed = records.size() + count;
    if (records.capacity() < needed) records.reserve(std::max(needed, records.capacity() * 2));
    head.block.first = records.size();
    head.block.count = count;
    for (uint32_t i = 0; i < count; ++i) {
      Identity identity;
      TRY_ASSIGN(identity.key, take_array<16>(reader_));
      TRY_ASSIGN(identity.content, take_array<8>(reader_));
      TRY_ASSIGN(const auto length, reader_.u32());
      head.lengths.push_back(length);
      record.sequence = sequence_++;
      records.push_back(record);
      if (record.kind == Kind::Event) ++record.region_index;
      out_.identities.push_back(identity);
    }
    heads_.push_back(std::move(head));
    return {};
  }

  Result<> text(Head& head) {
    TRY_ASSIGN(const auto bytes, reader_.take(head.compressed_bytes));
    char* const to = memory_->texts().room(head.text_bytes + event::kPaddingBytes);
    memory_->texts().take(head.text_bytes + event::kPaddingBytes);
    TRY(decompress(head.block.codec, bytes, {to, head.text_bytes}));
    head.block.text = {to, head.text_bytes};
    if (head.block.codec != Codec::Stored) head.block.compressed = bytes;
    auto left = head.block.text;
    for (size_t i = 0; i < head.lengths.size(); ++i) {
      const auto length = head.lengths[i];
      const bool last = i + 1 == head.lengths.size();
      if (last ? left.size() != length : left.size() <= length || left[length] != ',') {
        return damaged("a log block's text does not hold the records that it should");
      }
      out_.entry->records[head.block.first + i].json = left.substr(0, length);
      left.remove_prefix(last ? length : length + 1);
    }
    return {};
  }

  static Result<> decompress(Codec codec, std::string_view bytes, std::span<char> to) {
    switch (codec) {
      case Codec::Stored:
        if (bytes.size() != to.size()) return damaged("a stored block has another size");
        std::ranges::copy(bytes, to.begin());
        return {};
      case Codec::Zstd: {
        TRY_ASSIGN(const auto text, record_dictionary().decompress(bytes, to.size()));
        if (text.size() != to.size()) return damaged("a compressed block has another size");
        std::ranges::copy(text, to.begin());
        return {};
      }
      case Codec::Deflate:
        return compress::inflate_stretch(bytes, to);
    }
    return damaged("unknown codec");
  }

  ByteReader reader_;
  Sequence sequence_ = 0;
  Time time_;
  std::vector<Head> heads_;
  std::shared_ptr<event::RecordMemory> memory_ = std::make_shared<event::RecordMemory>(0);
  Batch out_{std::make_shared<LogEntry>(), {}};
};

}  // namespace

RecordKey key_of(const Draft& draft) {
  std::string text;
  if (draft.kind == Kind::TrailChange) {
    text.append("change\n").append(draft.change_id);
  } else {
    text.reserve(64);
    text.append("event\n").append(draft.record.account).append("\n").append(draft.record.event_id);
  }
  const auto hash = crypto::sha256(text);
  RecordKey out;
  std::copy_n(hash.begin(), out.size(), out.begin());
  return out;
}

ContentHash content_of(const Draft& draft) {
  const auto json = draft.kind == Kind::TrailChange ? draft.change_json : draft.record.json;
  const uint64_t hash = XXH3_64bits(json.data(), json.size());
  ContentHash out;
  std::memcpy(out.data(), &hash, out.size());
  return out;
}

std::string encode_batch(const LogEntry& entry, const std::vector<Identity>& identities) {
  const auto& records = entry.records;
  TRACCIA_ASSERT(!records.empty() && records.size() == identities.size());
  size_t bytes = 32 + records.size() * kHeadBytes;
  const auto body_of = [](const Block& block) {
    return block.codec == Codec::Stored ? block.text : std::string_view(block.compressed);
  };
  for (const auto& block : entry.blocks) bytes += 256 + body_of(block).size();
  std::string out;
  out.reserve(bytes);
  out.push_back(static_cast<char>(kVersion));
  append_u64(out, records.front().sequence);
  append_u64(out, static_cast<uint64_t>(to_unix_nanoseconds(records.front().ingest_time)));
  append_u32(out, static_cast<uint32_t>(entry.blocks.size()));
  for (const auto& block : entry.blocks) {
    const auto& first = records[block.first];
    out.push_back(static_cast<char>(first.kind));
    out.push_back(static_cast<char>(block.codec));
    append_block(out, first.sender);
    append_block(out, first.account);
    append_block(out, first.region);
    append_u64(out, first.region_index);
    append_u32(out, static_cast<uint32_t>(block.count));
    append_u32(out, static_cast<uint32_t>(block.text.size()));
    append_u32(out, static_cast<uint32_t>(body_of(block).size()));
    for (size_t i = block.first; i < block.first + block.count; ++i) {
      const auto& [key, content] = identities[i];
      out.append(key.data(), key.size());
      out.append(content.data(), content.size());
      append_u32(out, static_cast<uint32_t>(records[i].json.size()));
    }
  }
  for (const auto& block : entry.blocks) out += body_of(block);
  return out;
}

Result<Batch> decode_batch_heads(std::string_view payload) {
  Decoder decoder(payload);
  TRY(decoder.heads());
  return std::move(decoder).take();
}

Result<Batch> decode_batch(std::string_view payload) {
  Decoder decoder(payload);
  TRY(decoder.heads());
  TRY(decoder.texts());
  return std::move(decoder).take();
}

Result<std::shared_ptr<LogEntry>> decode_entry(std::string_view payload) {
  TRY_ASSIGN(auto batch, decode_batch(payload));
  return std::move(batch.entry);
}

namespace {

// They were admitted once, so a failure means that the bytes or the rules have changed under them.
Result<> parse_events(LogEntry& entry) {
  uint64_t bytes = 0;
  for (const auto& block : entry.blocks) bytes += block.text.size();
  const auto memory = std::make_shared<event::RecordMemory>(bytes);
  for (auto& record : entry.records) {
    if (record.kind != Kind::Event) continue;
    auto event = event::read_stored(record.json, record.account, *memory);
    if (!event) {
      return damaged(fmt::format("log record {} is not an event that can be read: {}",
                                 record.sequence, event.error().message()));
    }
    record.event = *event;
  }
  entry.memory.push_back(memory);
  return {};
}

ReadEntry read_of(std::shared_ptr<const LogEntry> entry, wal::Position next) {
  const auto* const records = &entry->records;
  return {std::shared_ptr<const std::vector<LogRecord>>(entry, records), entry, next};
}

std::optional<ReadEntry> find_decoded(wal::Wal& wal, wal::Position position) {
  if (position >= wal.durable_end()) return std::nullopt;
  auto found = wal.recent().find(position);
  if (!found) return std::nullopt;
  return read_of(std::static_pointer_cast<const LogEntry>(found->content), found->next);
}

Result<std::optional<ReadEntry>> decode_from_log(wal::Wal& wal, wal::Position position) {
  TRY_ASSIGN(const auto entry, wal.read(position));
  if (!entry) return std::nullopt;
  const auto named = [&](Error error) {
    return std::unexpected(
        std::move(error).with_context(fmt::format("log entry at position {}", position)));
  };
  auto decoded = decode_entry(entry->payload);
  if (!decoded) return named(std::move(decoded).error());
  if (auto parsed = parse_events(**decoded); !parsed) return named(std::move(parsed).error());
  return read_of(std::move(*decoded), entry->next);
}

}  // namespace

Result<std::optional<ReadEntry>> read_entry(wal::Wal& wal, wal::Position position) {
  if (auto decoded = find_decoded(wal, position)) return decoded;
  return decode_from_log(wal, position);
}

Result<std::optional<ReadEntry>> read_entry_for(wal::Wal& wal, size_t reader,
                                                wal::Position position) {
  if (auto decoded = find_decoded(wal, position)) return decoded;
  if (position >= wal.durable_end()) return std::nullopt;
  wal.recent().wait_to_share(reader);
  TRY_ASSIGN(auto read, decode_from_log(wal, position));
  if (read) wal.recent().share(position, read->next, {read->entry, read->entry->bytes()});
  return read;
}

}  // namespace traccia::ingest
