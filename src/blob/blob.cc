// Blobs as files in 256 folders.
// SPDX-License-Identifier: Apache-2.0
#include "blob/blob.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "blob/format.h"

namespace traccia::blob {
namespace {

constexpr size_t kIdBytes = 16;
constexpr std::string_view kTemporary = ".tmp";

std::string folder_of(const std::string& directory, std::string_view id) {
  return fmt::format("{}/{}", directory, id.substr(0, 2));
}
std::string path_of(const std::string& directory, std::string_view id) {
  return fmt::format("{}/{}", folder_of(directory, id), id);
}

bool id_shaped(std::string_view id) {
  return id.size() == kIdBytes * 2 && id.find_first_not_of("0123456789abcdef") == id.npos;
}

class FileReader : public Reader {
 public:
  FileReader(std::unique_ptr<os::File> file, std::string path, uint64_t size)
      : file_(std::move(file)), path_(std::move(path)), size_(size) {}

  uint64_t size() const override { return size_; }

  Result<size_t> read_at(uint64_t offset, std::span<char> out) override {
    size_t done = 0;
    while (done < out.size() && offset + done < size_) {
      const auto at = offset + done;
      TRY_ASSIGN(const auto block, load(at / kBlockBytes));
      const auto inside = at % kBlockBytes;
      const auto count = std::min<uint64_t>(out.size() - done, block.size() - inside);
      std::memcpy(out.data() + done, block.data() + inside, count);
      done += count;
    }
    return done;
  }

 private:
  // The checked content of a block, from the one read last when it is the same.
  Result<std::string_view> load(uint64_t number) {
    if (number_ == number && !block_.empty()) return content();
    const auto length = std::min<uint64_t>(kBlockBytes, size_ - number * kBlockBytes);
    block_.assign(length + kBlockSumBytes, '\0');
    TRY_ASSIGN(const auto count, file_->read_at(block_offset(number), block_));
    ByteReader tail(std::string_view(block_).substr(length));
    const auto sum = tail.u32();
    if (count != block_.size() ||
        *sum != block_sum(number, std::string_view(block_).substr(0, length))) {
      block_.clear();
      return fail(ErrorCode::DataLoss,
                  fmt::format("'{}' at byte {}: the block's checksum does not match", path_,
                              block_offset(number)));
    }
    number_ = number;
    return content();
  }
  std::string_view content() const {
    return std::string_view(block_).substr(0, block_.size() - kBlockSumBytes);
  }

  std::unique_ptr<os::File> file_;
  std::string path_;
  uint64_t size_;
  uint64_t number_ = 0;
  std::string block_;
};

}  // namespace

Result<std::unique_ptr<BlobStore>> BlobStore::open(os::Os os, const std::string& directory) {
  TRY(os.files.make_directories(directory));
  for (int i = 0; i < 256; ++i) {
    const auto folder = fmt::format("{}/{:02x}", directory, i);
    TRY(os.files.make_directories(folder));
    TRY_ASSIGN(const auto entries, os.files.list(folder));
    for (const auto& entry : entries) {
      if (entry.name.ends_with(kTemporary)) {
        TRY(os.files.remove(fmt::format("{}/{}", folder, entry.name)));
      }
    }
  }
  return std::unique_ptr<BlobStore>(new BlobStore(os, directory));
}

Result<BlobId> BlobStore::put(std::string_view bytes) {
  auto id = hex_encode(os_.random.bytes(kIdBytes));
  TRY(os::write_file_atomically(os_.files, path_of(directory_, id), render_blob(bytes)));
  return id;
}

Result<std::unique_ptr<Reader>> BlobStore::open_blob(const BlobId& id) {
  if (!id_shaped(id)) {
    return fail(ErrorCode::DataLoss, fmt::format("'{}' is not the id of a blob", id));
  }
  auto path = path_of(directory_, id);
  TRY_ASSIGN(auto file, os_.files.open(path, os::OpenMode::ReadOnly));
  std::string header(kHeaderBytes, '\0');
  TRY_ASSIGN(const auto count, file->read_at(0, header));
  header.resize(count);
  auto size = parse_header(header);
  if (!size) {
    return std::unexpected(std::move(size).error().with_context(fmt::format("'{}'", path)));
  }
  TRY_ASSIGN(const auto length, file->size());
  if (length != file_bytes(*size)) {
    return fail(ErrorCode::DataLoss, fmt::format("'{}' has {} bytes; its header says {}", path,
                                                 length, file_bytes(*size)));
  }
  return std::make_unique<FileReader>(std::move(file), std::move(path), *size);
}

Result<std::string> BlobStore::read_all(const BlobId& id) {
  TRY_ASSIGN(const auto reader, open_blob(id));
  std::string out(reader->size(), '\0');
  TRY_ASSIGN(const auto count, reader->read_at(0, out));
  out.resize(count);
  return out;
}

Result<> BlobStore::remove(const BlobId& id) {
  const auto removed = os_.files.remove(path_of(directory_, id));
  if (!removed && removed.error().code() != ErrorCode::NotFound) return removed;
  return {};
}

Result<std::vector<BlobId>> BlobStore::list() {
  std::vector<BlobId> ids;
  for (int i = 0; i < 256; ++i) {
    TRY_ASSIGN(const auto entries, os_.files.list(fmt::format("{}/{:02x}", directory_, i)));
    for (const auto& entry : entries) {
      if (id_shaped(entry.name)) ids.push_back(entry.name);
    }
  }
  return ids;
}

}  // namespace traccia::blob
