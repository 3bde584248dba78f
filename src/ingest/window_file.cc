// Sorted pages behind a header that says where the log and the sequencer stood.
// SPDX-License-Identifier: Apache-2.0
#include "ingest/window_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "compress/compress.h"

namespace traccia::ingest {
namespace {

constexpr std::string_view kMagic = "TRACWIN1";
constexpr size_t kPageBytes = 4096;
constexpr size_t kRecordBytes = 36;
constexpr size_t kRecordsPerPage = (kPageBytes - 4) / kRecordBytes;
constexpr size_t kLeadBytes = 12;  // magic, u32 length of the header
constexpr uint32_t kHeaderBytesMax = 64 << 20;
constexpr uint32_t kRegionsMax = 100'000;

size_t pages_of(size_t records) {
  return (records + kRecordsPerPage - 1) / kRecordsPerPage;
}

uint64_t page_aligned(uint64_t bytes) {
  return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
}

std::string render_header(const WindowHeader& header, const std::vector<Remembered>& records) {
  std::string out;
  append_u64(out, header.ordinal);
  append_u64(out, header.log_end);
  append_u64(out, header.state.next_sequence);
  append_u64(out, static_cast<uint64_t>(to_unix_nanoseconds(header.state.newest)));
  append_u64(out, records.size());
  append_u32(out, static_cast<uint32_t>(header.state.regions.size()));
  for (const auto& [name, next_index] : header.state.regions) {
    append_block(out, name);
    append_u64(out, next_index);
  }
  for (size_t first = 0; first < records.size(); first += kRecordsPerPage) {
    append_u64(out, key_prefix(records[first].key));
  }
  return out;
}

void append_record(std::string& out, const Remembered& record) {
  out.append(record.key.data(), record.key.size());
  out.append(record.seen.content.data(), record.seen.content.size());
  append_u32(out, record.seen.region);
  append_u64(out, record.seen.region_index);
}

Remembered parse_record(const char* at) {
  Remembered record;
  std::copy_n(at, record.key.size(), record.key.begin());
  std::copy_n(at + 16, record.seen.content.size(), record.seen.content.begin());
  std::memcpy(&record.seen.region, at + 24, 4);
  std::memcpy(&record.seen.region_index, at + 28, 8);
  return record;
}

std::unexpected<Error> damaged(const std::string& path, std::string_view where) {
  return fail(ErrorCode::DataLoss,
              fmt::format("'{}' is damaged at {}: restore the file; without it repeated events of "
                          "its time cannot be told from new ones",
                          path, where));
}

}  // namespace

std::string window_path(const std::string& directory, uint64_t ordinal) {
  return fmt::format("{}/{:020}{}", directory, ordinal, kWindowSuffix);
}

Result<> write_window_file(os::FileSystem& files, const std::string& directory,
                           const WindowHeader& header, std::vector<Remembered> records) {
  std::ranges::sort(records, key_less, &Remembered::key);
  const auto head = render_header(header, records);
  TRACCIA_ASSERT(head.size() <= kHeaderBytesMax);
  std::string out(kMagic);
  append_u32(out, static_cast<uint32_t>(head.size()));
  out += head;
  append_u32(out, compress::crc32c(head));
  out.reserve(page_aligned(out.size()) + pages_of(records.size()) * kPageBytes);
  out.resize(page_aligned(out.size()));
  for (size_t first = 0; first < records.size(); first += kRecordsPerPage) {
    const auto start = out.size();
    const auto end = std::min(records.size(), first + kRecordsPerPage);
    for (auto i = first; i < end; ++i) append_record(out, records[i]);
    out.resize(start + kPageBytes - 4);
    append_u32(out, compress::crc32c(std::string_view(out).substr(start)));
  }
  return os::write_file_atomically(files, window_path(directory, header.ordinal), out);
}

Result<> WindowFile::parse_header(std::string_view bytes) {
  ByteReader reader(bytes);
  auto& state = header_.state;
  TRY_ASSIGN(header_.ordinal, reader.u64());
  TRY_ASSIGN(header_.log_end, reader.u64());
  TRY_ASSIGN(state.next_sequence, reader.u64());
  TRY_ASSIGN(const auto newest, reader.u64());
  state.newest = from_unix_nanoseconds(static_cast<int64_t>(newest));
  TRY_ASSIGN(header_.count, reader.u64());
  TRY_ASSIGN(const auto regions, reader.u32());
  if (regions > kRegionsMax) return fail(ErrorCode::DataLoss, "too many regions");
  for (uint32_t i = 0; i < regions; ++i) {
    TRY_ASSIGN(const auto name, reader.block());
    TRY_ASSIGN(const auto next_index, reader.u64());
    state.regions.emplace_back(name, next_index);
  }
  if (header_.count > kHeaderBytesMax * kRecordsPerPage ||
      reader.remaining() != pages_of(header_.count) * 8) {
    return fail(ErrorCode::DataLoss, "pages and records differ");
  }
  while (reader.remaining() > 0) {
    TRY_ASSIGN(const auto prefix, reader.u64());
    first_prefixes_.push_back(prefix);
  }
  return {};
}

Result<std::shared_ptr<const WindowFile>> WindowFile::open(os::FileSystem& files,
                                                           std::string path) {
  std::shared_ptr<WindowFile> out(new WindowFile);
  out->path_ = std::move(path);
  TRY_ASSIGN(out->file_, files.open(out->path_, os::OpenMode::ReadOnly));
  TRY_ASSIGN(const auto size, out->file_->size());
  char lead[kLeadBytes];
  TRY_ASSIGN(const auto lead_bytes, out->file_->read_at(0, lead));
  uint32_t length = 0;
  std::memcpy(&length, lead + kMagic.size(), 4);
  if (lead_bytes != kLeadBytes || std::string_view(lead, kMagic.size()) != kMagic ||
      length > kHeaderBytesMax || kLeadBytes + length + 4 > size) {
    return damaged(out->path_, "its beginning");
  }
  std::string bytes(length + 4, '\0');
  TRY_ASSIGN(const auto count, out->file_->read_at(kLeadBytes, bytes));
  uint32_t stored = 0;
  std::memcpy(&stored, bytes.data() + length, 4);
  bytes.resize(length);
  if (count != length + 4 || compress::crc32c(bytes) != stored || !out->parse_header(bytes)) {
    return damaged(out->path_, "its header");
  }
  out->pages_offset_ = page_aligned(kLeadBytes + length + 4);
  if (size != out->pages_offset_ + out->pages() * kPageBytes) {
    return damaged(out->path_, fmt::format("its end, byte {}", size));
  }
  return out;
}

Result<std::vector<Remembered>> WindowFile::read_page(size_t page) const {
  char bytes[kPageBytes];
  const auto offset = pages_offset_ + page * kPageBytes;
  TRY_ASSIGN(const auto count, file_->read_at(offset, bytes));
  uint32_t stored = 0;
  std::memcpy(&stored, bytes + kPageBytes - 4, 4);
  if (count != kPageBytes || compress::crc32c({bytes, kPageBytes - 4}) != stored) {
    return damaged(path_, fmt::format("the page at byte {}", offset));
  }
  std::vector<Remembered> out(
      std::min<uint64_t>(kRecordsPerPage, header_.count - page * kRecordsPerPage));
  for (size_t i = 0; i < out.size(); ++i) out[i] = parse_record(bytes + i * kRecordBytes);
  return out;
}

Result<std::optional<Seen>> WindowFile::find(const RecordKey& key) const {
  const auto prefix = key_prefix(key);
  // Keys with the same prefix may begin on the page before the first that starts with it.
  auto at = std::ranges::lower_bound(first_prefixes_, prefix);
  if (at != first_prefixes_.begin()) --at;
  for (; at != first_prefixes_.end() && *at <= prefix; ++at) {
    TRY_ASSIGN(const auto records, read_page(static_cast<size_t>(at - first_prefixes_.begin())));
    const auto found = std::ranges::lower_bound(records, key, key_less, &Remembered::key);
    if (found != records.end() && found->key == key) return found->seen;
  }
  return std::nullopt;
}

}  // namespace traccia::ingest
