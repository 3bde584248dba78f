// Encodes batches, compressed as a whole.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/batch.h"

#include <fmt/format.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "compress/compress.h"
#include "crypto/crypto.h"

namespace traccia::ingest {
namespace {

constexpr uint8_t kVersion = 1;
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

Result<> take_record(ByteReader& reader, Batch& batch) {
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
  TRY_ASSIGN(record.json, take_text(reader));
  batch.records.push_back(std::move(record));
  batch.identities.push_back(identity);
  return {};
}

}  // namespace

RecordKey key_of(const Draft& draft) {
  if (draft.kind == Kind::TrailChange) return shortened_hash<16>("change\n" + draft.change_id);
  return shortened_hash<16>(
      fmt::format("event\n{}\n{}", draft.record.account, draft.record.event_id));
}

ContentHash content_of(const Draft& draft) {
  return shortened_hash<8>(draft.kind == Kind::TrailChange ? draft.change_json : draft.record.json);
}

std::string encode_batch(const Batch& batch) {
  const auto& records = batch.records;
  TRACCIA_ASSERT(!records.empty() && records.size() == batch.identities.size());
  const auto& first = records.front();
  size_t bytes = 32;
  for (const auto& record : records) bytes += record.json.size() + record.sender.size() + 96;
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
    append_block(out, record.json);
  }
  return compress::zstd(out, kZstdLevel);
}

Result<Batch> decode_batch(std::string_view payload) {
  compress::DecompressLimits limits;
  limits.bytes_max = kBatchBytesMax * 2;
  limits.ratio_free_bytes = limits.bytes_max;
  TRY_ASSIGN(const auto bytes, compress::unzstd(payload, limits));
  ByteReader reader(bytes);
  TRY_ASSIGN(const auto version, reader.u8());
  if (version != kVersion) {
    return fail(ErrorCode::DataLoss, fmt::format("log batch of unknown version {}", version));
  }
  TRY_ASSIGN(const auto first, reader.u64());
  TRY_ASSIGN(const auto time, reader.u64());
  TRY_ASSIGN(const auto count, reader.u32());
  if (count == 0 || count > kRecordsMax) {
    return fail(ErrorCode::DataLoss, fmt::format("log batch of {} records", count));
  }
  Batch batch;
  for (uint32_t i = 0; i < count; ++i) {
    TRY(take_record(reader, batch));
    batch.records.back().sequence = first + i;
    batch.records.back().ingest_time = from_unix_nanoseconds(static_cast<int64_t>(time));
  }
  if (reader.remaining() != 0) {
    return fail(ErrorCode::DataLoss,
                fmt::format("{} bytes follow the last record of a log batch", reader.remaining()));
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
