// The bytes of segments and entries. Format: docs/formats/wal.md.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "wal/wal.h"

namespace traccia::wal {

inline constexpr size_t kSegmentHeaderBytes = 32;
inline constexpr size_t kEntryHeaderBytes = 24;
inline constexpr size_t kEntryAlignment = 8;
// What every entry begins with.
inline constexpr std::string_view kEntryMarkerBytes = "TREN";

struct EntryHeader {
  uint32_t length = 0;
  // Everything below this position was durable when the entry was written. An unreadable entry at
  // or above the group start of a later one was never acknowledged; below it, it was.
  Position group_start = 0;
  uint32_t payload_crc = 0;
};

std::string render_segment_header(Position start);
// Whether the bytes are a whole header of the segment that starts there.
bool segment_header_valid(std::string_view bytes, Position start);

void append_entry(std::string& out, Position position, Position group_start,
                  std::string_view payload);
// Distance to the next entry: header, payload, padding.
Position entry_extent(size_t payload_bytes);
// nullopt when the bytes are not the header of an entry at this position.
std::optional<EntryHeader> parse_entry_header(std::string_view bytes, Position position);

}  // namespace traccia::wal
