// Encodes and checks segment and entry headers.
// SPDX-License-Identifier: Apache-2.0
#include "wal/entry.h"

#include "base/bytes.h"
#include "compress/compress.h"

namespace traccia::wal {
namespace {

constexpr std::string_view kSegmentMagic = "TRACWAL1";
constexpr uint32_t kEntryMarker = 0x4E455254;  // "TREN"

// The position is part of the sum, so an entry never passes for one at another place.
uint32_t header_crc(Position position, uint32_t length, Position group_start,
                    uint32_t payload_crc) {
  std::string covered;
  append_u64(covered, position);
  append_u32(covered, length);
  append_u64(covered, group_start);
  append_u32(covered, payload_crc);
  return compress::crc32c(covered);
}

}  // namespace

std::string render_segment_header(Position start) {
  std::string out(kSegmentMagic);
  append_u64(out, start);
  append_u32(out, compress::crc32c(out));
  out.resize(kSegmentHeaderBytes, '\0');
  return out;
}

bool segment_header_valid(std::string_view bytes, Position start) {
  return bytes == render_segment_header(start);
}

Position entry_extent(size_t payload_bytes) {
  return (kEntryHeaderBytes + payload_bytes + kEntryAlignment - 1) / kEntryAlignment *
         kEntryAlignment;
}

void append_entry(std::string& out, Position position, Position group_start,
                  std::string_view payload) {
  const auto begin = out.size();
  const auto length = static_cast<uint32_t>(payload.size());
  const auto payload_crc = compress::crc32c(payload);
  append_u32(out, kEntryMarker);
  append_u32(out, length);
  append_u64(out, group_start);
  append_u32(out, payload_crc);
  append_u32(out, header_crc(position, length, group_start, payload_crc));
  out.append(payload);
  out.resize(begin + entry_extent(payload.size()), '\0');
}

std::optional<EntryHeader> parse_entry_header(std::string_view bytes, Position position) {
  ByteReader reader(bytes);
  const auto marker = reader.u32();
  const auto length = reader.u32();
  const auto group_start = reader.u64();
  const auto payload_crc = reader.u32();
  const auto crc = reader.u32();
  if (!crc || *marker != kEntryMarker || *group_start > position) return std::nullopt;
  if (*crc != header_crc(position, *length, *group_start, *payload_crc)) return std::nullopt;
  return EntryHeader{*length, *group_start, *payload_crc};
}

}  // namespace traccia::wal
