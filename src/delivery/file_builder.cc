// Stitches log files.
// SPDX-License-Identifier: Apache-2.0
#include "delivery/file_builder.h"

#include <algorithm>

#include "base/bytes.h"

namespace traccia::delivery {
namespace {

constexpr std::string_view kHead = R"({"Records":[)";
constexpr std::string_view kTail = "]}";
constexpr size_t kLooseBytesMax = 256 << 10;
constexpr size_t kStoredBytesMax = 64;  // compressing so few gains nothing

}  // namespace

FileBuilder::FileBuilder() {
  append(kHead);
}

void FileBuilder::note(const ingest::LogRecord& record, wal::Position position) {
  const auto event_time = record.event.event_time;
  if (count_ == 0) {
    first_sequence_ = record.sequence;
    first_position_ = position;
    oldest_ = newest_ = event_time;
  }
  last_sequence_ = record.sequence;
  oldest_ = std::min(oldest_, event_time);
  newest_ = std::max(newest_, event_time);
  ++count_;
}

void FileBuilder::append(std::string_view text) {
  loose_ += text;
  bytes_ += text.size();
  hash_.update(text);
  if (loose_.size() >= kLooseBytesMax) compress_loose();
}

void FileBuilder::compress_loose() {
  if (loose_.empty()) return;
  if (loose_.size() <= kStoredBytesMax) {
    gzip_.add_stored(loose_);
  } else {
    gzip_.add(compress::deflate_stretch(loose_), loose_);
  }
  loose_.clear();
}

void FileBuilder::add(const ingest::LogRecord& record, wal::Position position) {
  if (count_ > 0) append(",");
  note(record, position);
  append(record.json);
}

void FileBuilder::add_block(const ingest::LogEntry& entry, const ingest::Block& block,
                            wal::Position position) {
  if (count_ > 0) append(",");
  for (size_t i = block.first; i < block.first + block.count; ++i) {
    note(entry.records[i], position);
  }
  if (block.codec != ingest::Codec::Deflate) return append(block.text);
  compress_loose();
  gzip_.add(block.compressed, block.text);
  hash_.update(block.text);
  bytes_ += block.text.size();
}

FileBuilder::File FileBuilder::finish() && {
  append(kTail);
  compress_loose();
  return {std::move(gzip_).finish(), hex_encode(hash_.finish())};
}

}  // namespace traccia::delivery
