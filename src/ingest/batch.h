// The bytes of one log entry: a batch of records. Format: docs/formats/wal.md.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/ingest.h"

namespace traccia::ingest {

// Identifies a repeated submission: a hash of owner and eventID, or of a change's id.
using RecordKey = std::array<char, 16>;
// Tells a repeat from a conflict.
using ContentHash = std::array<char, 8>;

RecordKey key_of(const Draft& draft);
ContentHash content_of(const Draft& draft);

struct Identity {
  RecordKey key;
  ContentHash content;
};

struct Batch {
  std::vector<LogRecord> records;
  std::vector<Identity> identities;  // as many
};

// A batch's records uncompressed; with fill-ins a request of 64 MiB stays below.
inline constexpr uint64_t kBatchBytesMax = 256ULL << 20;

// The JSON of the records one after another, compressed: this needs no place in the log yet, so it
// is done before sequencing.
std::string compress_json(const std::vector<Draft>& drafts);
std::string compress_json(const std::vector<LogRecord>& records);
// The payload of a log entry. `compressed` holds the JSON of exactly these records.
std::string encode_batch(const Batch& batch, std::string_view compressed);
// DataLoss on anything that encode_batch does not write, now or in version 1.
Result<Batch> decode_batch(std::string_view payload);
// The same without the JSON, which stays empty: enough to sequence.
Result<Batch> decode_batch_heads(std::string_view payload);

}  // namespace traccia::ingest
