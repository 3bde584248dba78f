// The bytes of one log entry: a batch of records in blocks. Format: docs/formats/wal.md.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/ingest.h"

namespace traccia::ingest {

// Identifies a repeated submission: a hash of owner and eventID, or of a change's id.
using RecordKey = std::array<char, 16>;
// Tells a repeat from a conflict. Not meant against forgery: who sends other content under an id of
// its own account deceives only itself.
using ContentHash = std::array<char, 8>;

RecordKey key_of(const Draft& draft);
ContentHash content_of(const Draft& draft);

struct Identity {
  RecordKey key;
  ContentHash content;
};

// A batch's records uncompressed; with fill-ins a request of 64 MiB stays below.
inline constexpr uint64_t kBatchBytesMax = 256ULL << 20;
// A block is closed before its text grows beyond this.
inline constexpr uint64_t kBlockBytesMax = 512 << 10;
// Smaller texts are not worth a stretch of their own in a log file.
inline constexpr uint64_t kDeflateBytesMin = 16 << 10;

// A batch before it has its place: what needs no lock.
struct Arranged {
  std::shared_ptr<LogEntry> entry;
  std::vector<uint32_t> draft_of;    // by record: its place among the drafts
  std::vector<Identity> identities;  // by record
};
// Puts the drafts into blocks: records of one sender, account and region come together, in the
// order in which they were given; if a change is among them, all stay in order.
Arranged arrange(const std::vector<Draft>& drafts);
// The same without the records that are marked; some are not.
Arranged without(const Arranged& arranged, const std::vector<bool>& dropped);
// Compresses the blocks' texts.
void compress_blocks(LogEntry& entry);

// The payload of a log entry whose records have their numbers.
std::string encode_batch(const LogEntry& entry, const std::vector<Identity>& identities);

struct Batch {
  std::shared_ptr<LogEntry> entry;
  std::vector<Identity> identities;  // by record
};
// DataLoss on anything that encode_batch does not write.
Result<Batch> decode_batch(std::string_view payload);
// The same without the texts, which stay empty: enough to sequence.
Result<Batch> decode_batch_heads(std::string_view payload);

}  // namespace traccia::ingest
