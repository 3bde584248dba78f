// What every implementation of the seam shares: whole-file reads and writes, random text.
// SPDX-License-Identifier: Apache-2.0
#include "os/os.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/assert.h"
#include "base/bytes.h"

namespace traccia::os {

std::string Random::bytes(size_t count) {
  std::string out(count, '\0');
  fill(out);
  return out;
}

std::string Random::uuid() {
  auto raw = bytes(16);
  raw[6] = static_cast<char>((raw[6] & 0x0F) | 0x40);
  raw[8] = static_cast<char>((raw[8] & 0x3F) | 0x80);
  auto text = hex_encode(raw);
  for (const size_t at : {20UL, 16UL, 12UL, 8UL}) text.insert(at, "-");
  return text;
}

std::string Random::characters(size_t count, std::string_view alphabet) {
  TRACCIA_ASSERT(!alphabet.empty() && alphabet.size() <= 256);
  // Values at or above the last multiple of the alphabet's size would favour its first characters.
  const size_t fair = 256 - 256 % alphabet.size();
  std::string out;
  while (out.size() < count) {
    for (const char c : bytes(count - out.size() + 16)) {
      const auto value = static_cast<unsigned char>(c);
      if (value < fair && out.size() < count) out.push_back(alphabet[value % alphabet.size()]);
    }
  }
  return out;
}

Result<std::string> read_file(FileSystem& files, const std::string& path, uint64_t bytes_max) {
  TRY_ASSIGN(const auto file, files.open(path, OpenMode::ReadOnly));
  TRY_ASSIGN(const auto size, file->size());
  if (size > bytes_max) {
    return fail(ErrorCode::ResourceExhausted,
                fmt::format("read '{}': {} bytes, at most {} are expected", path, size, bytes_max));
  }
  std::string out(size, '\0');
  TRY_ASSIGN(const auto count, file->read_at(0, out));
  out.resize(count);
  return out;
}

namespace {

constexpr size_t kSyncedPieceBytes = 1 << 20;

// In pieces: other syncs on the disk come between and wait for one of them only.
Result<> write_synced(File& file, std::string_view bytes) {
  size_t at = 0;
  do {
    TRY(file.write_at(at, bytes.substr(at, kSyncedPieceBytes)));
    TRY(file.sync_data());
    at += kSyncedPieceBytes;
  } while (at < bytes.size());
  return {};
}

}  // namespace

Result<> write_file_atomically(FileSystem& files, const std::string& path, std::string_view bytes,
                               unsigned mode_bits) {
  const auto temporary = path + ".tmp";
  if (auto removed = files.remove(temporary);
      !removed && removed.error().code() != ErrorCode::NotFound) {
    return removed;
  }
  {
    TRY_ASSIGN(const auto file, files.open(temporary, OpenMode::CreateNew, mode_bits));
    TRY(write_synced(*file, bytes));
  }
  TRY(files.rename(temporary, path));
  return files.sync_directory(parent_directory(path));
}

PagedWriter::PagedWriter(File& file, uint64_t size)
    : file_(file),
      capacity_(std::clamp<uint64_t>((size + kPageBytes - 1) / kPageBytes * kPageBytes, kPageBytes,
                                     kPieceBytes)),
      piece_(static_cast<char*>(std::aligned_alloc(kPageBytes, capacity_))) {
  TRACCIA_ASSERT(piece_ != nullptr);
}

void PagedWriter::Free::operator()(char* memory) const {
  std::free(memory);
}

Result<> PagedWriter::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = bytes.copy(piece_.get() + filled_, capacity_ - filled_);
    filled_ += count;
    bytes.remove_prefix(count);
    if (filled_ == capacity_) TRY(write_piece());
  }
  return {};
}

Result<> PagedWriter::write_piece() {
  // What is behind the last whole page goes by itself, through the cache.
  const auto whole = filled_ / kPageBytes * kPageBytes;
  const std::string_view piece(piece_.get(), filled_);
  if (whole > 0) TRY(file_.write_at(written_, piece.substr(0, whole)));
  if (whole < filled_) TRY(file_.write_at(written_ + whole, piece.substr(whole)));
  written_ += filled_;
  filled_ = 0;
  return {};
}

Result<> PagedWriter::finish() {
  TRY(write_piece());
  return file_.sync_data();
}

std::string parent_directory(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace traccia::os
