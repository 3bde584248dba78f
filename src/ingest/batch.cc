// Encodes batches: what sequencing needs in the open, the JSON compressed behind it.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/batch.h"

#include <fmt/format.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "compress/compress.h"
#include "crypto/crypto.h"

namespace traccia::ingest {
namespace {

constexpr uint8_t kVersion = 2;
constexpr uint8_t kWholeVersion = 1;  // all of it in one zstd frame
constexpr int kZstdLevel = 1;
constexpr uint32_t kRecordsMax = 1'000'000;

template <size_t N>
std::array<char, N> shortened_hash(std::string_view text) {
  const auto hash = crypto::sha256(text);
  std::array<char, N> out;
  std::copy_n(hash.begin(), N, out.begin());
  return out;
}

template <size_t N>
Result<std::array<char, N>> take_array(ByteReader& reader) {
  TRY_ASSIGN(const auto bytes, reader.take(N));
  std::array<char, N> out;
  std::copy_n(bytes.begin(), N, out.begin());
  return out;
}

Result<std::string> take_text(ByteReader& reader) {
  TRY_ASSIGN(const auto bytes, reader.block());
  return std::string(bytes);
}

// All but the JSON, and its length.
Result<uint32_t> take_head(ByteReader& reader, Batch& batch) {
  LogRecord record;
  Identity identity;
  TRY_ASSIGN(const auto kind, reader.u8());
  if (kind != uint8_t(Kind::Event) && kind != uint8_t(Kind::TrailChange)) {
    return fail(ErrorCode::DataLoss, fmt::format("log record of unknown kind {}", kind));
  }
  record.kind = static_cast<Kind>(kind);
  TRY_ASSIGN(identity.key, take_array<16>(reader));
  TRY_ASSIGN(identity.content, take_array<8>(reader));
  TRY_ASSIGN(record.region_index, reader.u64());
  TRY_ASSIGN(record.sender, take_text(reader));
  TRY_ASSIGN(record.account, take_text(reader));
  TRY_ASSIGN(record.region, take_text(reader));
  TRY_ASSIGN(const auto length, reader.u32());
  batch.records.push_back(std::move(record));
  batch.identities.push_back(identity);
  return length;
}

struct Start {
  Sequence first = 0;
  Time time;
  uint32_t count = 0;
};

Result<Start> take_start(ByteReader& reader, uint8_t wanted_version) {
  TRY_ASSIGN(const auto version, reader.u8());
  if (version != wanted_version) {
    return fail(ErrorCode::DataLoss, fmt::format("log batch of unknown version {}", version));
  }
  Start start;
  TRY_ASSIGN(start.first, reader.u64());
  TRY_ASSIGN(const auto time, reader.u64());
  start.time = from_unix_nanoseconds(static_cast<int64_t>(time));
  TRY_ASSIGN(start.count, reader.u32());
  if (start.count == 0 || start.count > kRecordsMax) {
    return fail(ErrorCode::DataLoss, fmt::format("log batch of {} records", start.count));
  }
  return start;
}

void number(Batch& batch, const Start& start) {
  for (size_t i = 0; i < batch.records.size(); ++i) {
    batch.records[i].sequence = start.first + i;
    batch.records[i].ingest_time = start.time;
  }
}

Result<std::string> decompress(std::string_view frame) {
  compress::DecompressLimits limits;
  limits.bytes_max = kBatchBytesMax * 2;
  limits.ratio_free_bytes = limits.bytes_max;
  return compress::unzstd(frame, limits);
}

// Version 1: each record's JSON follows its head, the whole is one frame.
Result<Batch> decode_whole(std::string_view payload) {
  TRY_ASSIGN(const auto bytes, decompress(payload));
  ByteReader reader(bytes);
  TRY_ASSIGN(const auto start, take_start(reader, kWholeVersion));
  Batch batch;
  for (uint32_t i = 0; i < start.count; ++i) {
    TRY_ASSIGN(const auto length, take_head(reader, batch));
    TRY_ASSIGN(const auto json, reader.take(length));
    batch.records.back().json = json;
  }
  if (reader.remaining() != 0) {
    return fail(ErrorCode::DataLoss,
                fmt::format("{} bytes follow the last record of a log batch", reader.remaining()));
  }
  number(batch, start);
  return batch;
}

bool is_whole(std::string_view payload) {
  return payload.starts_with("\x28\xb5\x2f\xfd");  // a zstd frame
}

// What precedes the JSON; `lengths` are those of the records' JSON.
Result<Batch> take_heads(ByteReader& reader, std::vector<uint32_t>& lengths) {
  TRY_ASSIGN(const auto start, take_start(reader, kVersion));
  Batch batch;
  for (uint32_t i = 0; i < start.count; ++i) {
    TRY_ASSIGN(const auto length, take_head(reader, batch));
    lengths.push_back(length);
  }
  number(batch, start);
  return batch;
}

const std::string& json_of(const LogRecord& record) {
  return record.json;
}
const std::string& json_of(const Draft& draft) {
  return draft.kind == Kind::TrailChange ? draft.change_json : draft.record.json;
}

std::string compress_all(const auto& list) {
  size_t bytes = 0;
  for (const auto& one : list) bytes += json_of(one).size();
  std::string out;
  out.reserve(bytes);
  for (const auto& one : list) out += json_of(one);
  return compress::zstd(out, kZstdLevel);
}

}  // namespace

RecordKey key_of(const Draft& draft) {
  if (draft.kind == Kind::TrailChange) return shortened_hash<16>("change\n" + draft.change_id);
  return shortened_hash<16>(
      fmt::format("event\n{}\n{}", draft.record.account, draft.record.event_id));
}

ContentHash content_of(const Draft& draft) {
  return shortened_hash<8>(json_of(draft));
}

std::string compress_json(const std::vector<Draft>& drafts) {
  return compress_all(drafts);
}
std::string compress_json(const std::vector<LogRecord>& records) {
  return compress_all(records);
}

std::string encode_batch(const Batch& batch, std::string_view compressed) {
  const auto& records = batch.records;
  TRACCIA_ASSERT(!records.empty() && records.size() == batch.identities.size());
  const auto& first = records.front();
  size_t bytes = 32 + compressed.size();
  for (const auto& record : records) bytes += record.sender.size() + record.region.size() + 64;
  std::string out;
  out.reserve(bytes);
  out.push_back(static_cast<char>(kVersion));
  append_u64(out, first.sequence);
  append_u64(out, static_cast<uint64_t>(to_unix_nanoseconds(first.ingest_time)));
  append_u32(out, static_cast<uint32_t>(records.size()));
  for (size_t i = 0; i < records.size(); ++i) {
    const auto& record = records[i];
    const auto& [key, content] = batch.identities[i];
    out.push_back(static_cast<char>(record.kind));
    out.append(key.data(), key.size());
    out.append(content.data(), content.size());
    append_u64(out, record.region_index);
    append_block(out, record.sender);
    append_block(out, record.account);
    append_block(out, record.region);
    append_u32(out, static_cast<uint32_t>(record.json.size()));
  }
  out += compressed;
  return out;
}

Result<Batch> decode_batch_heads(std::string_view payload) {
  if (is_whole(payload)) return decode_whole(payload);
  ByteReader reader(payload);
  std::vector<uint32_t> lengths;
  return take_heads(reader, lengths);
}

Result<Batch> decode_batch(std::string_view payload) {
  if (is_whole(payload)) return decode_whole(payload);
  ByteReader reader(payload);
  std::vector<uint32_t> lengths;
  TRY_ASSIGN(auto batch, take_heads(reader, lengths));
  TRY_ASSIGN(const auto json, decompress(payload.substr(reader.offset())));
  ByteReader texts(json);
  for (size_t i = 0; i < lengths.size(); ++i) {
    TRY_ASSIGN(const auto text, texts.take(lengths[i]));
    batch.records[i].json = text;
  }
  if (texts.remaining() != 0) {
    return fail(ErrorCode::DataLoss,
                fmt::format("{} bytes follow the last record of a log batch", texts.remaining()));
  }
  return batch;
}

Result<std::vector<LogRecord>> decode_entry(std::string_view payload) {
  TRY_ASSIGN(auto batch, decode_batch(payload));
  return std::move(batch.records);
}

namespace {

// It was admitted once, so a failure means that its bytes or the rules have changed under it.
Result<> parse_event(LogRecord& record) {
  event::AdmitOptions options;
  options.stored = true;
  options.account = record.account;
  auto event = event::admit(record.json, options);
  if (!event) {
    return fail(ErrorCode::DataLoss,
                fmt::format("log record {} is not an event that can be read: {}", record.sequence,
                            event.error().message()));
  }
  record.event = std::move(*event);
  record.event.json.clear();
  return {};
}

}  // namespace

Result<std::optional<ReadEntry>> read_entry(wal::Wal& wal, wal::Position position) {
  if (auto recent = wal.recent(position)) {
    return ReadEntry{std::static_pointer_cast<const std::vector<LogRecord>>(recent->content),
                     recent->next};
  }
  TRY_ASSIGN(const auto entry, wal.read(position));
  if (!entry) return std::nullopt;
  const auto named = [&](Error error) {
    return std::unexpected(
        std::move(error).with_context(fmt::format("log entry at position {}", position)));
  };
  auto records = decode_entry(entry->payload);
  if (!records) return named(std::move(records).error());
  for (auto& record : *records) {
    if (record.kind != Kind::Event) continue;
    if (auto parsed = parse_event(record); !parsed) return named(std::move(parsed).error());
  }
  return ReadEntry{std::make_shared<const std::vector<LogRecord>>(std::move(*records)),
                   entry->next};
}

}  // namespace traccia::ingest
