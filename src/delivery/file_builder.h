// Collects the events of one log file, compressed as far as it has come.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "compress/compress.h"
#include "crypto/crypto.h"
#include "ingest/ingest.h"
#include "wal/wal.h"

namespace traccia::delivery {

// {"Records":[…]} as it grows. The same calls always give the same bytes. Blocks of the log that a
// file takes whole become part of it as they are; everything else is compressed again in pieces
// that do not depend on time. owned by one thread.
class FileBuilder {
 public:
  FileBuilder();
  // What a record, or all records of a block, adds to bytes().
  static uint64_t grows_by(std::string_view text) { return text.size() + 1; }

  void add(const ingest::LogRecord& record, wal::Position position);
  void add_block(const ingest::LogEntry& entry, const ingest::Block& block, wal::Position position);

  struct File {
    std::string gzip;
    std::string sha256_hex;  // of the uncompressed bytes
  };
  // The builder must not be used afterwards.
  File finish() &&;

  uint64_t count() const { return count_; }
  uint64_t bytes() const { return bytes_; }                                         // uncompressed
  uint64_t held_bytes() const { return gzip_.compressed_bytes() + loose_.size(); }  // in memory
  ingest::Sequence first_sequence() const { return first_sequence_; }
  ingest::Sequence last_sequence() const { return last_sequence_; }
  wal::Position first_position() const { return first_position_; }
  Time oldest() const { return oldest_; }
  Time newest() const { return newest_; }

 private:
  void note(const ingest::LogRecord& record, wal::Position position);
  void append(std::string_view text);
  void compress_loose();

  crypto::Hasher hash_{crypto::Hasher::Algorithm::Sha256};
  compress::GzipStitcher gzip_;
  std::string loose_;  // not compressed yet
  uint64_t bytes_ = 0;
  uint64_t count_ = 0;
  ingest::Sequence first_sequence_ = 0;
  ingest::Sequence last_sequence_ = 0;
  wal::Position first_position_ = 0;
  Time oldest_, newest_;
};

}  // namespace traccia::delivery
