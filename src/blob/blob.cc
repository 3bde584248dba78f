// Blobs as files in 256 folders.
// SPDX-License-Identifier: Apache-2.0
#include "blob/blob.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/bytes.h"
#include "blob/format.h"
#include "blob/packing.h"
#include "crypto/block_cipher.h"

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
  FileReader(std::unique_ptr<os::File> file, std::string path, Header header)
      : file_(std::move(file)), path_(std::move(path)), header_(std::move(header)) {}

  void decrypt(std::string_view data_key) {
    cipher_.emplace(block_key(data_key, header_.salt));
    context_ = block_context(header_);
  }
  uint64_t size() const override { return header_.size; }

  Result<size_t> read_at(uint64_t offset, std::span<char> out) override {
    size_t done = 0;
    while (done < out.size() && offset + done < size()) {
      const auto at = offset + done;
      TRY_ASSIGN(const auto block, load(at / kBlockBytes));
      const auto inside = at % kBlockBytes;
      const auto count = std::min<uint64_t>(out.size() - done, block.size() - inside);
      std::memcpy(out.data() + done, block.data() + inside, count);
      done += count;
    }
    return done;
  }

  // The content of a block, from the one read last when it is the same; as it is stored where the
  // blob is encrypted and no key was given.
  Result<std::string_view> load(uint64_t number) {
    const auto length = std::min<uint64_t>(kBlockBytes, size() - number * kBlockBytes);
    if (number_ == number && !block_.empty()) return std::string_view(block_).substr(0, length);
    block_.assign(length + header_.overhead(), '\0');
    const auto stored = block_.size() - kBlockSumBytes;
    TRY_ASSIGN(const auto count, file_->read_at(header_.block_offset(number), block_));
    ByteReader tail(std::string_view(block_).substr(stored));
    const auto sum = tail.u32();
    if (count != block_.size() ||
        *sum != block_sum(number, std::string_view(block_).substr(0, stored))) {
      return damaged(number, "the block's checksum does not match");
    }
    if (cipher_) {
      const auto tag = std::string_view(block_).substr(length, crypto::BlockCipher::kTagBytes);
      const auto opened =
          cipher_->open(number, std::span(block_).subspan(0, length), tag, context_);
      if (!opened) return damaged(number, opened.error().message());
    }
    number_ = number;
    return std::string_view(block_).substr(0, length);
  }

 private:
  std::unexpected<Error> damaged(uint64_t number, std::string_view what) {
    block_.clear();
    return fail(ErrorCode::DataLoss,
                fmt::format("'{}' at byte {}: {}", path_, header_.block_offset(number), what));
  }

  std::unique_ptr<os::File> file_;
  std::string path_;
  Header header_;
  std::optional<crypto::BlockCipher> cipher_;
  std::string context_;
  uint64_t number_ = 0;
  std::string block_;
};

Result<std::unique_ptr<FileReader>> open_file(os::Os os, std::string path, Header& header) {
  TRY_ASSIGN(auto file, os.files.open(path, os::OpenMode::ReadOnly));
  std::string bytes(kHeaderBytes, '\0');
  TRY_ASSIGN(const auto count, file->read_at(0, bytes));
  bytes.resize(count);
  auto parsed = parse_header(bytes);
  if (!parsed) {
    return std::unexpected(std::move(parsed).error().with_context(fmt::format("'{}'", path)));
  }
  header = std::move(*parsed);
  TRY_ASSIGN(const auto length, file->size());
  if (length != header.file_bytes()) {
    return fail(ErrorCode::DataLoss, fmt::format("'{}' has {} bytes; its header says {}", path,
                                                 length, header.file_bytes()));
  }
  return std::make_unique<FileReader>(std::move(file), std::move(path), header);
}

Result<> check_id(const BlobId& id) {
  if (id_shaped(id)) return {};
  return fail(ErrorCode::DataLoss, fmt::format("'{}' is not the id of a blob", id));
}

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

Result<BlobId> BlobStore::put(std::string_view bytes, std::string_view data_key, Packing packing) {
  auto id = hex_encode(os_.random.bytes(kIdBytes));
  Header header;
  std::optional<std::string> packed;
  if (packing == Packing::Small) packed = pack(bytes);
  if (packed) header.unpacked = bytes.size();
  const auto content = packed ? std::string_view(*packed) : bytes;
  header.size = content.size();
  if (!data_key.empty()) {
    header.encryption = Encryption::Aes256Gcm;
    header.salt = os_.random.bytes(kSaltBytes);
  }
  const auto file = render_blob(content, header, data_key);
  TRY(os::write_file_atomically(os_.files, path_of(directory_, id), file));
  return id;
}

Result<std::unique_ptr<Reader>> BlobStore::open_blob(const BlobId& id, std::string_view data_key) {
  TRY(check_id(id));
  Header header;
  TRY_ASSIGN(auto reader, open_file(os_, path_of(directory_, id), header));
  if (header.encryption != Encryption::None) {
    if (data_key.empty()) {
      return fail(ErrorCode::FailedPrecondition,
                  fmt::format("blob {} is encrypted; no key was given", id));
    }
    reader->decrypt(data_key);
  }
  if (!header.unpacked) return reader;
  auto unpacking = unpacking_reader(std::move(reader), *header.unpacked);
  if (unpacking) return unpacking;
  return std::unexpected(
      std::move(unpacking).error().with_context(fmt::format("'{}'", path_of(directory_, id))));
}

Result<std::string> BlobStore::read_all(const BlobId& id, std::string_view data_key) {
  TRY_ASSIGN(const auto reader, open_blob(id, data_key));
  std::string out(reader->size(), '\0');
  TRY_ASSIGN(const auto count, reader->read_at(0, out));
  out.resize(count);
  return out;
}

Result<> BlobStore::scrub(const BlobId& id) {
  TRY(check_id(id));
  Header header;
  TRY_ASSIGN(const auto reader, open_file(os_, path_of(directory_, id), header));
  for (uint64_t number = 0; number * kBlockBytes < header.size; ++number) {
    TRY(reader->load(number));
  }
  return {};
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
