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

Result<StoredRecord> take_record(ByteReader& reader) {
  StoredRecord stored;
  auto& record = stored.record;
  TRY_ASSIGN(const auto kind, reader.u8());
  if (kind != uint8_t(Kind::Event) && kind != uint8_t(Kind::TrailChange)) {
    return fail(ErrorCode::DataLoss, fmt::format("log record of unknown kind {}", kind));
  }
  record.kind = static_cast<Kind>(kind);
  TRY_ASSIGN(stored.key, take_array<16>(reader));
  TRY_ASSIGN(stored.content, take_array<8>(reader));
  TRY_ASSIGN(record.region_index, reader.u64());
  TRY_ASSIGN(record.sender, take_text(reader));
  TRY_ASSIGN(record.account, take_text(reader));
  TRY_ASSIGN(record.region, take_text(reader));
  TRY_ASSIGN(record.json, take_text(reader));
  return stored;
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

std::string encode_batch(const std::vector<StoredRecord>& records) {
  TRACCIA_ASSERT(!records.empty());
  const auto& first = records.front().record;
  std::string out(1, static_cast<char>(kVersion));
  append_u64(out, first.sequence);
  append_u64(out, static_cast<uint64_t>(to_unix_nanoseconds(first.ingest_time)));
  append_u32(out, static_cast<uint32_t>(records.size()));
  for (const auto& [record, key, content] : records) {
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

Result<std::vector<StoredRecord>> decode_batch(std::string_view payload) {
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
  std::vector<StoredRecord> records;
  for (uint32_t i = 0; i < count; ++i) {
    TRY_ASSIGN(auto stored, take_record(reader));
    stored.record.sequence = first + i;
    stored.record.ingest_time = from_unix_nanoseconds(static_cast<int64_t>(time));
    records.push_back(std::move(stored));
  }
  if (reader.remaining() != 0) {
    return fail(ErrorCode::DataLoss,
                fmt::format("{} bytes follow the last record of a log batch", reader.remaining()));
  }
  return records;
}

Result<std::vector<LogRecord>> decode_entry(std::string_view payload) {
  TRY_ASSIGN(auto stored, decode_batch(payload));
  std::vector<LogRecord> records;
  records.reserve(stored.size());
  for (auto& one : stored) records.push_back(std::move(one.record));
  return records;
}

}  // namespace traccia::ingest
